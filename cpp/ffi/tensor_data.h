#pragma once

#include <tvm/ffi/container/tensor.h>

namespace cosearch {

/*!
 * \brief The values of a tensor.
 * \throws ValueError When it has another type or number of dimensions, or is not at hand.
 */
template <typename T>
const T* Data(const tvm::ffi::Tensor& tensor, int dimensions, DLDataTypeCode code) {
  const DLDataType dtype = tensor.dtype();
  const bool fits = tensor.ndim() == dimensions && dtype.code == code &&
                    dtype.bits == 8 * sizeof(T) && dtype.lanes == 1 && tensor.IsContiguous() &&
                    tensor.device().device_type == kDLCPU;
  if (!fits) {
    TVM_FFI_THROW(ValueError) << "expected a contiguous tensor of " << dimensions
                              << " dimensions and " << 8 * sizeof(T) << "-bit values on the CPU";
  }
  return static_cast<const T*>(tensor.data_ptr());
}

}  // namespace cosearch
