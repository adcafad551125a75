#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

#include "ir/mirror.h"

namespace cosearch {
namespace {

namespace ffi = tvm::ffi;

// [type key, field or "", depth or size, static type index] of everything that is mirrored.
ffi::Array<ffi::Any> ListExpectations() {
  ffi::Array<ffi::Any> rows;
  for (const ir::Expectation& expectation : ir::Expectations()) {
    rows.push_back(ffi::Array<ffi::Any>{
        ffi::String(expectation.type_key),
        ffi::String(expectation.field == nullptr ? "" : expectation.field),
        expectation.depth_or_size, static_cast<int64_t>(expectation.static_type_index)});
  }
  return rows;
}

void CheckExpectation(const ffi::String& type_key, const ffi::String& field, int64_t depth_or_size,
                      int64_t static_type_index) {
  ir::Check({type_key.c_str(), field.empty() ? nullptr : field.c_str(), depth_or_size,
             static_cast<int32_t>(static_type_index), nullptr});
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  ffi::reflection::GlobalDef()
      .def("cosearch.ir.Init", ir::Init)
      .def("cosearch.ir.ListExpectations", ListExpectations)
      .def("cosearch.ir.CheckExpectation", CheckExpectation);
}

}  // namespace cosearch
