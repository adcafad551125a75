// Residual blocks: basic and bottleneck, plain and grouped, gated, projected, pre-activated.
#include <gtest/gtest.h>

#include "network_builder.h"

namespace cosearch::blocks::testing {
namespace {

using Names = std::vector<std::string>;

int Basic(NetworkBuilder* net, int x, int64_t channels, int64_t stride, bool swap) {
  const int y = net->ConvBias(net->ConvRelu(x, channels, 3, stride), channels, 3);
  const bool project = stride != 1 || channels != net->ChannelsOf(x);
  const int shortcut = project ? net->ConvBias(x, channels, 1, stride) : x;
  return net->Relu(swap ? net->Add(shortcut, y) : net->Add(y, shortcut));
}

int Bottleneck(NetworkBuilder* net, int x, int64_t width, int64_t out, int64_t stride,
               int64_t groups, bool gate) {
  int y = net->ConvRelu(net->ConvRelu(x, width, 1), width, 3, stride, groups);
  if (gate) y = net->Excite(y, 8);
  y = net->ConvBias(y, out, 1);
  const bool project = stride != 1 || out != net->ChannelsOf(x);
  const int shortcut = project ? net->ConvBias(x, out, 1, stride) : x;
  return net->Relu(net->Add(y, shortcut));
}

TEST(ResidualBasic, IdentityAndProjectionInEitherOrder) {
  for (const bool swap : {false, true}) {
    for (const Layout layout : {Layout::kNHWC, Layout::kNCHW}) {
      NetworkBuilder net(64, 3, layout);
      const int stem = net.MaxPool(net.ConvRelu(0, 16, 7, 2), 3, 2);
      const int first = Basic(&net, stem, 16, 1, swap);
      const int second = Basic(&net, first, 32, 2, swap);
      const auto regions = FindBlocks(net.Build({second}), {});
      ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "residual_basic", "residual_basic"}));
      EXPECT_EQ(regions[1].entries, std::vector<int>{stem});
      EXPECT_EQ(regions[2].entries, std::vector<int>{first});
      EXPECT_EQ(regions[1].children.size(), 2u);
      EXPECT_EQ(regions[2].children.size(), 3u);
      EXPECT_EQ(regions[1].stage, 2);
      EXPECT_EQ(regions[2].stage, 3);
    }
  }
}

TEST(ResidualBasic, UnfoldedNormsGatesAndPooledOrPaddedShortcuts) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 16, 3);
  int y = net.BatchNorm(net.Conv(net.Relu(net.BatchNorm(net.Conv(x, 16, 3))), 16, 3));
  x = net.Relu(net.Add(x, net.Excite(y, 4)));
  y = net.ConvBias(net.ConvRelu(x, 32, 3, 2), 32, 3);
  x = net.Relu(net.Add(y, net.ConvBias(net.AvgPool(x, 2, 2), 32, 1)));
  y = net.ConvBias(net.ConvRelu(x, 64, 3, 2), 64, 3);
  const int padded = net.Unary("relax.nn.pad", net.MaxPool(x, 1, 2));
  x = net.Relu(net.Add(padded, y));
  EXPECT_EQ(BlocksOf(net.Build({x})), Names(3, "residual_basic"));
}

TEST(ResidualBasic, PreActivationKeepsItsNormInTheBlock) {
  NetworkBuilder net;
  int x = net.Conv(0, 16, 3);
  std::vector<int> entries;
  for (int i = 0; i < 3; ++i) {
    const int64_t channels = i == 1 ? 32 : net.ChannelsOf(x);
    entries.push_back(x);
    const int open = net.Relu(net.Bias(net.Scale(x)));
    const int shortcut = i == 1 ? net.Conv(open, channels, 1, 2) : x;
    const int y = net.Conv(net.ConvRelu(open, channels, 3, i == 1 ? 2 : 1), channels, 3);
    x = net.Add(y, shortcut);
  }
  const auto regions = FindBlocks(net.Build({net.Relu(net.Bias(net.Scale(x)))}), {});
  ASSERT_EQ(PatternsOf(regions),
            (Names{"conv_norm_act", "residual_basic", "residual_basic", "residual_basic"}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(regions[i + 1].entries, std::vector<int>{entries[i]});
}

TEST(ResidualBottleneck, PlainGroupedAndGated) {
  for (const int64_t groups : {1, 4}) {
    for (const bool gate : {false, true}) {
      NetworkBuilder net;
      int x = net.ConvRelu(0, 64, 3);
      x = Bottleneck(&net, x, 32, 128, 1, groups, gate);
      x = Bottleneck(&net, x, 32, 128, 1, groups, gate);
      x = Bottleneck(&net, x, 64, 256, 2, groups, gate);
      const auto regions = FindBlocks(net.Build({x}), {});
      ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "residual_bottleneck",
                                            "residual_bottleneck", "residual_bottleneck"}));
      EXPECT_EQ(regions[1].children.size(), 4u + gate);
      EXPECT_EQ(regions[2].children.size(), 3u + gate);
      EXPECT_EQ(regions[3].stage, 1);
    }
  }
}

TEST(ResidualBottleneck, DepthwiseWindowWithAShuffleIsShuffleNetsUnit) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 32, 3);
  const int y = net.Bias(net.Depthwise(net.Shuffle(net.ConvRelu(x, 16, 1, 1, 4), 4), 3));
  const int z = net.ConvBias(y, 32, 1, 1, 4);
  EXPECT_EQ(BlocksOf(net.Build({net.Relu(net.Add(x, z))})), (Names{"residual_bottleneck"}));
}

TEST(ResidualBottleneck, DepthwiseWindowIsOneWhereTheSumIsActivated) {
  for (const bool activated : {true, false}) {
    NetworkBuilder net;
    const int x = net.ConvRelu(0, 16, 3);
    const int y = net.Relu(net.Bias(net.Depthwise(net.ConvRelu(x, 32, 1), 3)));
    const int sum = net.Add(x, net.ConvBias(y, 16, 1));
    const OpGraph graph = net.Build({activated ? net.Relu(sum) : sum});
    EXPECT_EQ(BlocksOf(graph), (Names{activated ? "residual_bottleneck" : "mbconv"}));
  }
}

TEST(Residual, RearrangementBehindTheSumIsTheNextBlocks) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  const int sum = net.Relu(net.Add(x, net.ConvBias(net.ConvRelu(x, 16, 3), 16, 3)));
  int y = net.Permute(net.Reshape(sum, {4, 8, 4, 8, 16}), {4, 4, 8, 8, 16});
  y = net.Reshape(y, {16, 64, 16});
  const auto regions = FindBlocks(net.Build({y}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "residual_basic"}));
  EXPECT_EQ(regions[1].ops.back() + 1, sum);
}

TEST(Residual, AttentionOverBranchesIsInsideItsBlock) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 16, 3);
  for (int i = 0; i < 2; ++i) {  // SKNet
    const int a = net.ConvRelu(x, 16, 3), b = net.ConvRelu(x, 16, 5);
    const int gate = net.Conv(net.ConvRelu(net.GlobalPool(net.Add(a, b)), 8, 1), 32, 1);
    const auto gates = net.Halves(net.Unary("relax.nn.softmax", gate));
    const int y = net.Add(net.Mul(a, gates[0]), net.Mul(b, gates[1]));
    x = net.Relu(net.Add(net.ConvBias(y, 16, 1), x));
  }
  const auto regions = FindBlocks(net.Build({x}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "region", "region"}));
}

TEST(Residual, OtherBranchesCloseRegionsAtTheJoin) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 16, 3);
  x = net.Add(x, net.ConvRelu(net.ConvRelu(x, 8, 1), 16, 3));     // Darknet
  int y = net.Unary("relax.nn.layer_norm", net.Depthwise(x, 7));  // ConvNeXt
  y = net.Dense(net.Unary("relax.nn.gelu", net.Bias(net.Dense(y, 64))), 16);
  x = net.Add(x, net.Scale(net.Bias(y)));
  const auto regions = FindBlocks(net.Build({x}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "region", "region"}));
  EXPECT_EQ(regions[1].children.size(), 2u);
  EXPECT_EQ(regions[2].children.size(), 3u);
}

TEST(Residual, LongShortcutLeavesTheBlocksUnderIt) {
  NetworkBuilder net;
  const int head = net.ConvRelu(0, 16, 3);
  int x = head;
  for (int i = 0; i < 4; ++i) x = Basic(&net, x, 16, 1, false);
  x = net.Add(net.ConvBias(x, 16, 3), head);
  EXPECT_EQ(BlocksOf(net.Build({x})), Names(4, "residual_basic"));
}

}  // namespace
}  // namespace cosearch::blocks::testing
