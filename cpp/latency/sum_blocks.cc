#include "latency/sum_blocks.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cosearch::latency {
namespace {

CurveKnot At(const CurveKnot* curve, size_t knots, double footprint_kb) {
  const double place = std::log2(std::max(footprint_kb, 1.0));
  size_t next = 0;
  while (next < knots && curve[next].log2_footprint_kb <= place) ++next;
  if (next == 0) return curve[0];
  const CurveKnot& low = curve[next - 1];
  if (next == knots) return low;
  const CurveKnot& high = curve[next];
  const double share =
      (place - low.log2_footprint_kb) / (high.log2_footprint_kb - low.log2_footprint_kb);
  return {place, low.weight_us_per_kb + share * (high.weight_us_per_kb - low.weight_us_per_kb),
          low.call_us + share * (high.call_us - low.call_us)};
}

}  // namespace

void SumBlocks(const BlockCost* blocks, size_t size, const int32_t* slots, size_t rows,
               size_t columns, const CurveKnot* curve, size_t knots, double base_us,
               double* out_us) {
  const size_t count = rows * columns;
  const int32_t last = count == 0 ? -1 : *std::max_element(slots, slots + count);
  if (last >= 0 && static_cast<size_t>(last) >= size) {
    throw std::invalid_argument("a place is outside of the table");
  }
  if (knots == 0) throw std::invalid_argument("a curve has one knot or more");
  for (size_t row = 0; row < rows; ++row, slots += columns) {
    BlockCost sum{base_us, 0, 0, 0};
    for (size_t column = 0; column < columns; ++column) {
      if (slots[column] < 0) continue;
      const BlockCost& block = blocks[slots[column]];
      sum.steady_us += block.steady_us;
      sum.weights_kb += block.weights_kb;
      sum.calls += block.calls;
      sum.footprint_kb += block.footprint_kb;
    }
    const CurveKnot caches = At(curve, knots, sum.footprint_kb);
    out_us[row] =
        sum.steady_us + sum.weights_kb * caches.weight_us_per_kb + sum.calls * caches.call_us;
  }
}

}  // namespace cosearch::latency
