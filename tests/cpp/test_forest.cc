#include <gtest/gtest.h>

#include <stdexcept>

#include "schedules/forest.h"

namespace cosearch::schedules::testing {
namespace {

using Nodes = std::vector<Forest::Node>;

// x0 < 1 ? 10 : (x1 < 2 ? 20 : 30)
const Nodes kTree = {
    {0, 1.0F, 1, 2}, {0, 10.0F, -1, -1}, {1, 2.0F, 3, 4}, {0, 20.0F, -1, -1}, {0, 30.0F, -1, -1}};

TEST(Forest, AddsTheLeavesOfItsTrees) {
  Nodes nodes = kTree;
  nodes.push_back({0, 0.5F, -1, -1});
  const Forest forest(nodes, {0, 5}, 0.25, 2);
  const std::vector<float> rows = {0, 0, 1, 1, 1, 2, 0.99F, 5};
  std::vector<double> out(4, -1);
  forest.Predict(rows.data(), 4, out.data());
  EXPECT_EQ(out, (std::vector<double>{10.75, 20.75, 30.75, 10.75}));
}

TEST(Forest, WithoutTreesGivesItsBase) {
  const Forest forest({}, {}, 1.5, 1);
  const float row = 0;
  double out = 0;
  forest.Predict(&row, 1, &out);
  EXPECT_EQ(out, 1.5);
}

TEST(Forest, RefusesNodesThatLeadNowhere) {
  const auto broken = [](size_t place, Forest::Node node) {
    Nodes nodes = kTree;
    nodes[place] = node;
    return nodes;
  };
  EXPECT_NO_THROW(Forest(kTree, {0}, 0, 2));
  EXPECT_THROW(Forest(kTree, {5}, 0, 2), std::invalid_argument);
  EXPECT_THROW(Forest(kTree, {-1}, 0, 2), std::invalid_argument);
  EXPECT_THROW(Forest(broken(2, {1, 2.0F, 0, 4}), {0}, 0, 2), std::invalid_argument);  // a cycle
  EXPECT_THROW(Forest(broken(2, {1, 2.0F, 3, 9}), {0}, 0, 2), std::invalid_argument);
  EXPECT_THROW(Forest(broken(2, {1, 2.0F, 3, -1}), {0}, 0, 2), std::invalid_argument);
  EXPECT_THROW(Forest(kTree, {0}, 0, 1), std::invalid_argument);  // no feature 1
}

}  // namespace
}  // namespace cosearch::schedules::testing
