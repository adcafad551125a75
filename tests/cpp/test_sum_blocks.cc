#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <vector>

#include "latency/sum_blocks.h"

namespace cosearch::latency {
namespace {

// At 4 KB weights are free and calls take 1 µs; at 16 KB they take 2 µs a KB and 3 µs.
const std::vector<CurveKnot> kCurve{{2, 0, 1}, {4, 2, 3}};

std::vector<double> Latencies(const std::vector<int32_t>& slots, size_t columns,
                              const std::vector<CurveKnot>& curve = kCurve) {
  const std::vector<BlockCost> blocks{{1, 0, 0, 0}, {20, 4, 1, 4}, {300, 6, 2, 12}};
  std::vector<double> out(slots.size() / columns);
  SumBlocks(blocks.data(), blocks.size(), slots.data(), out.size(), columns, curve.data(),
            curve.size(), 0.5, out.data());
  return out;
}

TEST(SumBlocks, AddsWhatIsUsed) {
  EXPECT_EQ(Latencies({0, -1, 0, 0, -7, -1}, 2), (std::vector<double>{1.5, 2.5, 0.5}));
}

TEST(SumBlocks, WeightsAndCallsTakeWhatTheCachesOfTheNetworkCost) {
  // Footprints of 4 KB, of 8 KB (half way), of 16 KB, and beyond.
  EXPECT_EQ(Latencies({1, -1, -1}, 3), (std::vector<double>{20.5 + 1}));
  EXPECT_EQ(Latencies({1, 1, -1}, 3), (std::vector<double>{40.5 + 8 * 1 + 2 * 2}));
  EXPECT_EQ(Latencies({1, 2, -1}, 3), (std::vector<double>{320.5 + 10 * 2 + 3 * 3}));
  EXPECT_EQ(Latencies({2, 2, 2}, 3), (std::vector<double>{900.5 + 18 * 2 + 6 * 3}));
}

TEST(SumBlocks, OneKnotHoldsEverywhere) {
  EXPECT_EQ(Latencies({1, 2, 2, -1}, 2, {{3, 1, 0}}), (std::vector<double>{320.5 + 10, 300.5 + 6}));
}

TEST(SumBlocks, OfNothingIsNothing) { EXPECT_TRUE(Latencies({}, 3).empty()); }

TEST(SumBlocks, WhatIsUnknownStaysUnknown) {
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  const BlockCost block{unknown, unknown, unknown, unknown};
  const int32_t slot = 0;
  double out = 0;
  SumBlocks(&block, 1, &slot, 1, 1, kCurve.data(), kCurve.size(), 0, &out);
  EXPECT_NE(out, out);
}

TEST(SumBlocks, RefusesAPlaceThatIsNotThereAndACurveOfNothing) {
  EXPECT_THROW(Latencies({0, 3}, 2), std::invalid_argument);
  EXPECT_THROW(Latencies({0, 1}, 2, {}), std::invalid_argument);
}

}  // namespace
}  // namespace cosearch::latency
