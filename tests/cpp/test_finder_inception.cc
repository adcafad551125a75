// Branches joined by concat, dense connections, channel splits, and the U-shape that is no block.
#include <gtest/gtest.h>

#include "network_builder.h"

namespace cosearch::blocks::testing {
namespace {

using Names = std::vector<std::string>;

int GoogleNetModule(NetworkBuilder* net, int x) {
  const int a = net->ConvRelu(x, 16, 1);
  const int b = net->ConvRelu(net->ConvRelu(x, 8, 1), 16, 3);
  const int c = net->ConvRelu(net->ConvRelu(x, 4, 1), 8, 5);
  const int d = net->ConvRelu(net->MaxPool(x, 3, 1), 8, 1);
  return net->Concat({a, b, c, d});
}

TEST(Inception, ModulesOneAfterAnother) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 32, 3);
  const int first = GoogleNetModule(&net, x);
  x = GoogleNetModule(&net, net.MaxPool(first, 3, 2));
  const auto regions = FindBlocks(net.Build({x}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "inception", "inception"}));
  EXPECT_EQ(regions[1].ops.back() + 1, first);
  EXPECT_EQ(regions[1].children.size(), 6u);
  EXPECT_EQ(regions[2].stage, 1);
}

TEST(Inception, ReductionAndNestedBranches) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 32, 3);
  x = net.Concat({net.ConvRelu(x, 16, 3, 2), net.MaxPool(x, 3, 2)});
  const int fork = net.ConvRelu(x, 16, 1);
  const int inner = net.Concat({net.ConvRelu(fork, 8, 3), net.ConvRelu(fork, 8, 5)});
  x = net.Concat({inner, net.ConvRelu(x, 8, 1)});
  const auto regions = FindBlocks(net.Build({x}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "inception", "inception"}));
  EXPECT_EQ(regions[1].stage, 1);
  Names inside = PatternsOf(regions[2].children);
  EXPECT_EQ(std::count(inside.begin(), inside.end(), "inception"), 1);
}

TEST(Inception, FireTakesItsSqueezeAlong) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 64, 3);
  for (int i = 0; i < 2; ++i) {
    const int squeeze = net.ConvRelu(x, 16, 1);
    x = net.Concat({net.ConvRelu(squeeze, 64, 1), net.ConvRelu(squeeze, 64, 3)});
  }
  const auto regions = FindBlocks(net.Build({x}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "inception", "inception"}));
  EXPECT_EQ(regions[1].children.size(), 3u);
}

TEST(Inception, ShuffleNetV2UnitsTakeSplitAndShuffleAlong) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 24, 3);
  const int left = net.ConvRelu(net.Bias(net.Depthwise(x, 3, 2)), 24, 1);
  int right = net.Bias(net.Depthwise(net.ConvRelu(x, 24, 1), 3, 2));
  x = net.Shuffle(net.Concat({left, net.ConvRelu(right, 24, 1)}), 2);
  const int down = x;
  const auto halves = net.Halves(x);
  right = net.Bias(net.Depthwise(net.ConvRelu(halves[1], 24, 1), 3));
  x = net.Shuffle(net.Concat({halves[0], net.ConvRelu(right, 24, 1)}), 2);
  const auto regions = FindBlocks(net.Build({net.ConvRelu(x, 64, 1)}), {});
  ASSERT_EQ(PatternsOf(regions),
            (Names{"conv_norm_act", "inception", "inception", "conv_norm_act"}));
  EXPECT_EQ(regions[1].ops.back() + 1, down);
  EXPECT_EQ(regions[2].entries, std::vector<int>{down});
  EXPECT_EQ(regions[2].ops.back() + 1, x);
}

/*! \brief A dense block whose layers read all before them, joined anew or on and on. */
int DenseBlock(NetworkBuilder* net, int x, int layers, bool anew) {
  std::vector<int> features = {x};
  for (int i = 0; i < layers; ++i) {
    const int joined = features.size() == 1 ? x : net->Concat(features);
    const int narrow = net->ConvRelu(net->Relu(net->Bias(net->Scale(joined))), 32, 1);
    const int grown = net->Conv(narrow, 8, 3);
    features = anew ? features : std::vector<int>{joined};
    features.push_back(grown);
  }
  return net->Concat(features);
}

TEST(Inception, DenseLayersAreTheBlocks) {
  for (const bool anew : {true, false}) {
    NetworkBuilder net;
    int x = net.MaxPool(net.ConvRelu(0, 16, 7, 2), 3, 2);
    x = DenseBlock(&net, x, 4, anew);
    x = net.AvgPool(net.Conv(net.Relu(net.Bias(net.Scale(x))), 24, 1), 2, 2);
    x = DenseBlock(&net, x, 3, anew);
    x = net.GlobalPool(net.Relu(net.Bias(net.Scale(x))));
    EXPECT_EQ(BlocksOf(net.Build({x})), Names(7, anew ? "region" : "inception"));
  }
}

TEST(Inception, UShapeIsNoBlock) {
  NetworkBuilder net;
  const int high = net.ConvRelu(0, 16, 3);
  const int low = net.ConvRelu(net.ConvRelu(net.MaxPool(high, 2, 2), 32, 3), 16, 3);
  const int up = net.Unary("relax.image.resize2d", low);
  OpGraph graph = net.Build({});
  graph.ops.back().shape = graph.ops[0].shape;
  NetworkBuilder rest = net;
  const int joined = rest.Concat({high, up});
  const int out = rest.ConvRelu(joined, 16, 3);
  OpGraph whole = rest.Build({out});
  whole.ops[up - 1].shape = whole.ops[0].shape;
  for (int value : {joined}) whole.ops[value - 1].shape = {1, 32, 32, 32};
  EXPECT_EQ(BlocksOf(whole), Names{});
  EXPECT_EQ(FindBlocks(whole, {}).size(), 4u);
}

TEST(Inception, ConcatOfTwoInputsHasNoEntryOfItsOwn) {
  OpGraph graph;
  graph.num_inputs = 2;
  graph.input_shapes = {{1, 8, 8, 4}, {1, 8, 8, 4}};
  Op conv;
  conv.name = "relax.nn.conv2d";
  conv.num_weights = 1;
  conv.kernel_h = conv.kernel_w = 3;
  conv.shape = {1, 8, 8, 4};
  conv.inputs = {0};
  graph.ops.push_back(conv);
  conv.inputs = {1};
  graph.ops.push_back(conv);
  Op concat;
  concat.name = "relax.concat";
  concat.inputs = {2, 3};
  graph.ops.push_back(concat);
  graph.outputs = {4};
  EXPECT_EQ(PatternsOf(FindBlocks(graph, {})), (Names{"conv_norm_act", "conv_norm_act"}));
}

}  // namespace
}  // namespace cosearch::blocks::testing
