#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>

#include "schedules/similarity_index.h"

namespace cosearch::schedules::testing {
namespace {

constexpr size_t kDimensions = 5;

struct Workload {
  std::string structure;
  std::string kind;
  std::vector<float> point;
};

std::vector<Workload> RandomWorkloads(unsigned seed, size_t count) {
  std::mt19937 random(seed);
  std::vector<Workload> workloads(count);
  for (Workload& workload : workloads) {
    const unsigned kind = random() % 3;
    workload.kind = std::to_string(kind);
    workload.structure = workload.kind + "." + std::to_string(random() % 4);
    // Few values, so that there are equals.
    for (size_t i = 0; i < kDimensions; ++i) {
      workload.point.push_back(static_cast<float>(random() % 6));
    }
  }
  return workloads;
}

TEST(SimilarityIndex, FindsWhatASortWouldFind) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    const std::vector<Workload> workloads = RandomWorkloads(seed, 200);
    SimilarityIndex index(kDimensions);
    for (const Workload& w : workloads) index.Add(w.structure, w.kind, w.point.data());
    for (const Workload& query : RandomWorkloads(seed + 1000, 10)) {
      std::vector<std::tuple<bool, double, int64_t>> expected;
      for (size_t row = 0; row < workloads.size(); ++row) {
        const Workload& w = workloads[row];
        if (w.kind != query.kind) continue;
        double squares = 0;
        for (size_t i = 0; i < kDimensions; ++i) {
          squares += std::pow(w.point[i] - query.point[i], 2);
        }
        expected.emplace_back(w.structure != query.structure, squares, row);
      }
      std::sort(expected.begin(), expected.end());
      for (size_t k : {size_t{1}, size_t{7}, size_t{500}}) {
        const auto found = index.Query(query.structure, query.kind, query.point.data(), k);
        ASSERT_EQ(found.size(), std::min(k, expected.size()));
        for (size_t i = 0; i < found.size(); ++i) {
          EXPECT_EQ(found[i].row, std::get<2>(expected[i])) << seed;
          EXPECT_EQ(found[i].same_structure, !std::get<0>(expected[i])) << seed;
          EXPECT_FLOAT_EQ(found[i].distance, std::sqrt(std::get<1>(expected[i]))) << seed;
        }
      }
    }
  }
}

TEST(SimilarityIndex, FindsNothingOfAnotherKind) {
  SimilarityIndex index(1);
  const float point = 1.0F;
  EXPECT_TRUE(index.Query("a", "k", &point, 3).empty());
  index.Add("a", "k", &point);
  EXPECT_TRUE(index.Query("a", "other", &point, 3).empty());
  EXPECT_TRUE(index.Query("a", "k", &point, 0).empty());
  EXPECT_EQ(index.Query("b", "k", &point, 3).size(), 1);
  EXPECT_FALSE(index.Query("b", "k", &point, 3).front().same_structure);
}

}  // namespace
}  // namespace cosearch::schedules::testing
