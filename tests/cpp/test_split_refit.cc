#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "schedules/split_refit.h"

namespace cosearch::schedules::testing {
namespace {

using Factors = std::vector<int64_t>;

int64_t Product(const Factors& factors) {
  return std::accumulate(factors.begin(), factors.end(), int64_t{1}, std::multiplies<>());
}

// Random tuned factors, and an extent for which the divisors are neither few nor many.
struct Case {
  Factors factors;
  int64_t extent;
  SplitLimits limits;
};

Case RandomCase(unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](int bound) { return static_cast<int64_t>(random() % bound); };
  Case result;
  const int64_t count = 1 + below(4);
  for (int64_t i = 0; i < count; ++i) result.factors.push_back(1 + below(40));
  result.extent = 1 + below(3000);
  result.limits.max_innermost = 1 + below(128);
  result.limits.lanes = int64_t{1} << below(5);
  result.limits.threads = 1 + below(8);
  return result;
}

TEST(SplitRefit, GivesFactorsOfTheExtentWithinTheLimits) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    const Case c = RandomCase(seed);
    const Factors refitted = RefitSplit(c.factors, c.extent, c.limits);
    ASSERT_EQ(refitted.size(), c.factors.size()) << seed;
    EXPECT_EQ(Product(refitted), c.extent) << seed;
    for (int64_t factor : refitted) EXPECT_GE(factor, 1) << seed;
    if (refitted.size() > 1) {
      EXPECT_LE(refitted.back(), c.limits.max_innermost) << seed;
    }
  }
}

TEST(SplitRefit, KeepsTheTileWhereItDivides) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Case c = RandomCase(seed);
    c.limits.max_innermost = 128;
    c.limits.threads = 1;
    // Another number of the same tiles.
    const int64_t tile = Product(c.factors) / c.factors.front();
    const int64_t count = 1 + seed % 97;
    Factors expected = c.factors;
    expected.front() = count;
    if (c.factors.size() == 1) continue;
    EXPECT_EQ(RefitSplit(c.factors, tile * count, c.limits), expected) << seed;
  }
}

TEST(SplitRefit, IsIdempotent) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    Case c = RandomCase(seed);
    c.limits.threads = 1;  // a balance of threads may be worth a second step
    const Factors once = RefitSplit(c.factors, c.extent, c.limits);
    EXPECT_EQ(RefitSplit(once, c.extent, c.limits), once) << seed;
  }
}

TEST(SplitRefit, FindsTheNearestTileOfTwoFactors) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    const Case c = RandomCase(seed);
    if (c.factors.size() != 2) continue;
    const SplitLimits plain{c.limits.max_innermost, 1, 1};
    const int64_t found = RefitSplit(c.factors, c.extent, plain).back();
    const auto distance = [&](int64_t factor) {
      const double octaves = std::log2(static_cast<double>(factor) / c.factors.back());
      return octaves > 0 ? 2 * octaves : -octaves;
    };
    for (int64_t factor = 1; factor <= plain.max_innermost; ++factor) {
      if (c.extent % factor == 0) {
        EXPECT_LE(distance(found), distance(factor) + 1e-12) << seed;
      }
    }
  }
}

TEST(SplitRefit, GoesOnFillingVectors) {
  // 12 is nearer to 16, but LLVM takes vectors of 12 apart.
  EXPECT_EQ(RefitSplit({6, 1, 16}, 24, {64, 16, 1}), (Factors{3, 1, 8}));
  EXPECT_EQ(RefitSplit({6, 1, 16}, 48, {64, 16, 1}), (Factors{3, 1, 16}));
  EXPECT_EQ(RefitSplit({14, 2, 16}, 576, {64, 16, 1}), (Factors{18, 2, 16}));
}

TEST(SplitRefit, GivesEachThreadTheSame) {
  EXPECT_EQ(RefitSplit({2, 4}, 12, {128, 1, 1}), (Factors{3, 4}));
  EXPECT_EQ(RefitSplit({2, 4}, 12, {128, 1, 2}), (Factors{4, 3}));
  EXPECT_EQ(RefitSplit({2, 4}, 12, {128, 1, 3}), (Factors{3, 4}));
}

TEST(SplitRefit, RatherShrinksATileThanGrowsIt) {
  EXPECT_EQ(RefitSplit({4, 6}, 36, {128, 1, 1}), (Factors{6, 6}));
  EXPECT_EQ(RefitSplit({4, 6}, 27, {128, 1, 1}), (Factors{9, 3}));
}

TEST(SplitRefit, RefusesWhatIsNoSplit) {
  EXPECT_THROW(RefitSplit({}, 8, {}), std::invalid_argument);
  EXPECT_THROW(RefitSplit({4, 0}, 8, {}), std::invalid_argument);
  EXPECT_THROW(RefitSplit({4, 2}, 0, {}), std::invalid_argument);
  EXPECT_THROW(RefitSplit({4, 2}, 8, {0, 1, 1}), std::invalid_argument);
  EXPECT_THROW(RefitSplit({4, 2}, 8, {8, 0, 1}), std::invalid_argument);
  EXPECT_THROW(RefitSplit({4, 2}, 8, {8, 1, 0}), std::invalid_argument);
}

}  // namespace
}  // namespace cosearch::schedules::testing
