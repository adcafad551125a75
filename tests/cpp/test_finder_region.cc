// The general rule, plain runs, marks, stages, and the choice of patterns.
#include <gtest/gtest.h>

#include <stdexcept>

#include "network_builder.h"

namespace cosearch::blocks::testing {
namespace {

using Names = std::vector<std::string>;

TEST(Runs, PlainNetworkIsOneRunPerLayer) {
  NetworkBuilder net(32, 3);
  int x = net.ConvRelu(net.ConvRelu(0, 16, 3), 16, 3);
  x = net.ConvRelu(net.MaxPool(x, 2, 2), 32, 3);
  x = net.Reshape(net.GlobalPool(x), {1, 32});
  x = net.Bias(net.Dense(net.Relu(net.Bias(net.Dense(x, 64))), 10));
  const auto regions = FindBlocks(net.Build({x}), {});
  ASSERT_EQ(PatternsOf(regions), Names(5, "conv_norm_act"));
  EXPECT_EQ(regions[0].ops, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(regions[2].stage, 1);
  EXPECT_EQ(regions[2].entries, std::vector<int>{7}) << "the pool stays outside";
}

TEST(Runs, ValueReadTwiceEndsTheRun) {
  NetworkBuilder net;
  const int x = net.ConvBias(0, 16, 3);
  const int out = net.Mul(net.Relu(x), net.Unary("relax.nn.softmax", x));
  const auto regions = FindBlocks(net.Build({out}), {});
  ASSERT_EQ(regions.size(), 1u);
  EXPECT_EQ(regions[0].ops, (std::vector<int>{0, 1}));
}

TEST(Runs, ActivationWhosePartsAreReadElsewhereIsLeftOut) {
  NetworkBuilder net;
  const int x = net.ConvBias(0, 16, 3);
  const int gate = net.Sigmoid(x);
  const int out = net.Add(net.Mul(x, gate), net.Unary("relax.nn.softmax", gate));
  const auto regions = FindBlocks(net.Build({out}), {});
  ASSERT_EQ(PatternsOf(regions), Names{"conv_norm_act"});
  EXPECT_EQ(regions[0].ops, (std::vector<int>{0, 1}));
}

TEST(Regions, LinearBottleneckClosesOne) {
  NetworkBuilder net(32, 3);
  int x = net.ConvRelu(0, 32, 3, 2);
  x = net.ConvBias(net.ConvRelu(net.ConvRelu(x, 32, 1), 32, 3, 2, 4), 64, 1);
  const int first = x;
  x = net.ConvBias(net.ConvRelu(net.ConvRelu(x, 32, 1), 32, 5, 1, 4), 64, 1);
  const auto regions = FindBlocks(net.Build({net.ConvRelu(x, 128, 1)}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "region", "region", "conv_norm_act"}));
  EXPECT_EQ(regions[1].ops.back() + 1, first);
  EXPECT_EQ(regions[1].stage, 2);
  EXPECT_EQ(regions[2].entries, std::vector<int>{first});
}

TEST(Regions, LayersBehindGlobalPoolingAreRuns) {
  NetworkBuilder net(32, 3);
  int x = net.ConvRelu(net.GlobalPool(net.ConvRelu(0, 16, 3)), 32, 1);
  x = net.Reshape(net.ConvBias(x, 10, 1), {1, 10});
  EXPECT_EQ(PatternsOf(FindBlocks(net.Build({x}), {})), Names(3, "conv_norm_act"));
}

TEST(Regions, SumOfSeveralBranchesIsOne) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  int sum = net.Add(net.ConvBias(x, 16, 3), net.ConvBias(x, 16, 1));
  sum = net.Relu(net.Add(sum, net.Bias(net.Scale(x))));  // RepVGG, as it is trained
  const auto regions = FindBlocks(net.Build({sum}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "region"}));
  EXPECT_EQ(PatternsOf(regions[1].children), Names(2, "conv_norm_act"));
}

TEST(Regions, AttentionAndMlpEachCloseAtTheirSum) {
  NetworkBuilder net(8, 32);
  int x = net.Reshape(net.ConvBias(0, 32, 4, 4), {1, 4, 32});
  const int norm = net.Unary("relax.nn.layer_norm", x);
  const int scores =
      net.Unary("relax.nn.softmax", net.Mul(net.Dense(norm, 32), net.Dense(norm, 32)));
  x = net.Add(x, net.Bias(net.Dense(net.Mul(scores, net.Dense(norm, 32)), 32)));
  const int mid = x;
  x = net.Unary("relax.nn.gelu", net.Bias(net.Dense(net.Unary("relax.nn.layer_norm", x), 64)));
  x = net.Add(mid, net.Bias(net.Dense(x, 32)));
  const auto regions = FindBlocks(net.Build({x}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "region", "region"}));
  EXPECT_EQ(regions[2].entries, std::vector<int>{mid});
}

TEST(Regions, CellsOfOneOrTwoInputs) {
  NetworkBuilder net;
  int before = net.ConvBias(0, 16, 3), x = before;
  std::vector<int> cells;
  for (int i = 0; i < 3; ++i) {
    const int a = net.ConvBias(net.Relu(before), 8, 1), b = net.ConvBias(net.Relu(x), 8, 1);
    const int s = net.Add(net.MaxPool(a, 3, 1), net.ConvBias(net.Relu(b), 8, 3));
    const int t = net.Add(net.ConvBias(net.Relu(s), 8, 3), net.AvgPool(b, 3, 1));
    before = x;
    x = net.Concat({s, t});
    cells.push_back(x);
  }
  const OpGraph graph = net.Build({net.ConvRelu(x, 8, 1)});
  Names names;
  std::vector<size_t> entries;
  for (const Region& region : FindBlocks(graph, {})) {
    if (region.pattern == "conv_norm_act") continue;
    names.push_back(region.pattern);
    entries.push_back(region.entries.size());
    EXPECT_EQ(region.ops.back() + 1, cells[names.size() - 1]);
  }
  EXPECT_EQ(names, Names(3, "region"));
  EXPECT_EQ(entries, (std::vector<size_t>{1, 2, 2}));
}

TEST(Regions, CallOfALiftedBlockIsLeftAlone) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  OpGraph graph = net.Build({net.Add(net.ConvRelu(net.Unary("call", x), 16, 3), x)});
  EXPECT_EQ(PatternsOf(FindBlocks(graph, {})), Names(2, "conv_norm_act"));
}

TEST(Marks, TakePrecedenceAndKeepWhatIsInside) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  const int y = net.Mark(net.Conv(x, 16, 3), "mine__0");
  // A rewrite may have made anew all but the first and the last op.
  const int z = net.Mark(net.Conv(net.Relu(net.ConvBias(y, 16, 3)), 16, 3), "mine__0");
  const int sum = net.Relu(net.Add(net.Bias(z), x));
  const auto regions = FindBlocks(net.Build({sum}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "marked"}));
  EXPECT_EQ(regions[1].ops.front() + 1, y);
  EXPECT_EQ(regions[1].ops.back() + 1, z) << "the gap between two marked ops is filled";
}

TEST(Marks, DifferentNamesAreDifferentBlocks) {
  NetworkBuilder net;
  int x = net.Mark(net.Conv(0, 16, 3), "a__0");
  x = net.Mark(net.Conv(net.Mark(net.Relu(x), "a__0"), 16, 3), "b__0");
  x = net.Mark(net.Relu(x), "b__0");
  const auto regions = FindBlocks(net.Build({x}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"marked", "marked"}));
  EXPECT_EQ(regions[0].ops.size(), 2u);
}

TEST(Marks, NoPatternHoldsAMarkedBlock) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  const int y = net.Mark(net.Conv(net.ConvRelu(x, 16, 3), 16, 3), "mine__0");
  const auto regions = FindBlocks(net.Build({net.Relu(net.Add(y, x))}), {});
  EXPECT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "conv_norm_act", "marked"}));
}

TEST(Marks, MarkWithTwoResultsCannotBeLifted) {
  NetworkBuilder net;
  const int x = net.Mark(net.Conv(0, 16, 3), "a__0");
  const int y = net.Mark(net.Unary("relax.nn.softmax", x), "a__0");
  const auto regions = FindBlocks(net.Build({x, y}), {});
  EXPECT_EQ(PatternsOf(regions), (Names{"conv_norm_act"}));
}

TEST(Options, OnlyTheNamedPatternsAreUsed) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  const int y = net.Relu(net.Add(x, net.ConvBias(net.ConvRelu(x, 16, 3), 16, 3)));
  const OpGraph graph = net.Build({y});
  FinderOptions options;
  options.patterns = {"residual_basic"};
  auto regions = FindBlocks(graph, options);
  ASSERT_EQ(PatternsOf(regions), (Names{"residual_basic"}));
  EXPECT_TRUE(regions[0].children.empty());
  options.patterns = {"conv_norm_act"};
  EXPECT_EQ(PatternsOf(FindBlocks(graph, options)), Names(3, "conv_norm_act"));
  options.patterns = {"region", "conv_norm_act"};
  EXPECT_EQ(PatternsOf(FindBlocks(graph, options)), (Names{"conv_norm_act", "region"}));
}

TEST(Options, UnknownPatternIsNamedWithTheKnownOnes) {
  FinderOptions options;
  options.patterns = {"mbconf"};
  try {
    FindBlocks(OpGraph(), options);
    FAIL() << "no error";
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("\"mbconf\""), std::string::npos);
    for (const std::string& name : PatternNames()) {
      EXPECT_NE(message.find(name), std::string::npos) << name;
    }
  }
}

TEST(Options, EmptyGraphHasNoBlocks) { EXPECT_TRUE(FindBlocks(OpGraph(), {}).empty()); }

TEST(Resolution, SymbolicHeightIsCountedByStrides) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 16, 3, 2);
  x = net.Relu(net.Add(x, net.ConvBias(net.ConvRelu(x, 16, 3), 16, 3)));
  x = net.ConvRelu(net.MaxPool(x, 2, 2), 32, 3);
  OpGraph graph = net.Build({x});
  for (Op& op : graph.ops) op.shape[0] = op.shape[1] = op.shape[2] = -1;
  graph.input_shapes[0] = {-1, -1, -1, 3};
  const auto regions = FindBlocks(graph, {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "residual_basic", "conv_norm_act"}));
  EXPECT_EQ(regions[0].stage, 1);
  EXPECT_EQ(regions[1].stage, 1);
  EXPECT_EQ(regions[2].stage, 2);
}

}  // namespace
}  // namespace cosearch::blocks::testing
