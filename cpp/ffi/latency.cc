#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

#include "ffi/checked.h"
#include "ffi/tensor_data.h"
#include "latency/sum_blocks.h"

namespace cosearch {
namespace {

namespace ffi = tvm::ffi;

/*! \brief Returns the rows of a matrix of doubles as structures of as many doubles. */
template <typename Row>
const Row* Rows(const ffi::Tensor& matrix) {
  static_assert(sizeof(Row) % sizeof(double) == 0);
  const auto* numbers = Data<double>(matrix, 2, kDLFloat);
  if (matrix.size(1) * sizeof(double) != sizeof(Row)) {
    TVM_FFI_THROW(ValueError) << "a row has " << sizeof(Row) / sizeof(double) << " numbers, not "
                              << matrix.size(1);
  }
  return reinterpret_cast<const Row*>(numbers);
}

void SumBlocks(const ffi::Tensor& costs, const ffi::Tensor& slots, const ffi::Tensor& curve,
               double base_us, const ffi::Tensor& out_us) {
  const auto* blocks = Rows<latency::BlockCost>(costs);
  const auto* knots = Rows<latency::CurveKnot>(curve);
  const auto* places = Data<int32_t>(slots, 2, kDLInt);
  auto* sums = const_cast<double*>(Data<double>(out_us, 1, kDLFloat));
  if (out_us.size(0) != slots.size(0)) {
    TVM_FFI_THROW(ValueError) << "each row of slots has a sum";
  }
  Checked([&] {
    latency::SumBlocks(blocks, costs.size(0), places, slots.size(0), slots.size(1), knots,
                       curve.size(0), base_us, sums);
    return 0;
  });
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  ffi::reflection::GlobalDef().def("cosearch.latency.SumBlocks", SumBlocks);
}

}  // namespace cosearch
