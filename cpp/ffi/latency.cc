#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

#include "ffi/checked.h"
#include "ffi/tensor_data.h"
#include "latency/gather_sum.h"

namespace cosearch {
namespace {

namespace ffi = tvm::ffi;

void GatherSum(const ffi::Tensor& table, const ffi::Tensor& slots, double base,
               const ffi::Tensor& out) {
  const auto* entries = Data<double>(table, 1, kDLFloat);
  const auto* places = Data<int32_t>(slots, 2, kDLInt);
  auto* sums = const_cast<double*>(Data<double>(out, 1, kDLFloat));
  if (out.size(0) != slots.size(0)) {
    TVM_FFI_THROW(ValueError) << "each row of slots has a sum";
  }
  Checked([&] {
    latency::GatherSum(entries, table.size(0), places, slots.size(0), slots.size(1), base, sums);
    return 0;
  });
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  ffi::reflection::GlobalDef().def("cosearch.latency.GatherSum", GatherSum);
}

}  // namespace cosearch
