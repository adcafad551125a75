#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "latency/gather_sum.h"

namespace cosearch::latency {
namespace {

std::vector<double> Sums(const std::vector<int32_t>& slots, size_t columns) {
  const std::vector<double> table{1, 20, 300};
  std::vector<double> out(slots.size() / columns);
  GatherSum(table.data(), table.size(), slots.data(), out.size(), columns, 0.5, out.data());
  return out;
}

TEST(GatherSum, AddsWhatIsUsed) {
  EXPECT_EQ(Sums({0, 1, 2, -1, 2, 2, -1, -1, -1}, 3), (std::vector<double>{321.5, 600.5, 0.5}));
}

TEST(GatherSum, OfNothingIsNothing) { EXPECT_TRUE(Sums({}, 3).empty()); }

TEST(GatherSum, RefusesAPlaceThatIsNotThere) {
  EXPECT_THROW(Sums({0, 3}, 2), std::invalid_argument);
}

TEST(GatherSum, TakesAnyNegativePlaceForUnused) {
  EXPECT_EQ(Sums({-7, 0}, 2), (std::vector<double>{1.5}));
}

}  // namespace
}  // namespace cosearch::latency
