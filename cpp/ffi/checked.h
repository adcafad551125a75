#pragma once

#include <tvm/ffi/error.h>

#include <stdexcept>

namespace cosearch {

/*! \brief Runs code that is free of TVM: its std::invalid_argument becomes Python's ValueError. */
template <typename Run>
auto Checked(const Run& run) {
  try {
    return run();
  } catch (const std::invalid_argument& error) {
    TVM_FFI_THROW(ValueError) << error.what();
  }
  TVM_FFI_UNREACHABLE();
}

}  // namespace cosearch
