#include "latency/gather_sum.h"

#include <algorithm>
#include <stdexcept>

namespace cosearch::latency {

void GatherSum(const double* table, size_t size, const int32_t* slots, size_t rows, size_t columns,
               double base, double* out) {
  const size_t count = rows * columns;
  const int32_t last = count == 0 ? -1 : *std::max_element(slots, slots + count);
  if (last >= 0 && static_cast<size_t>(last) >= size) {
    throw std::invalid_argument("a place is outside of the table");
  }
  for (size_t row = 0; row < rows; ++row, slots += columns) {
    double sum = base;
    for (size_t column = 0; column < columns; ++column) {
      if (slots[column] >= 0) sum += table[slots[column]];
    }
    out[row] = sum;
  }
}

}  // namespace cosearch::latency
