// Inverted bottlenecks: MBConv in all its variants, fused MBConv, and what only looks like one.
#include <gtest/gtest.h>

#include <tuple>

#include "network_builder.h"

namespace cosearch::blocks::testing {
namespace {

using Names = std::vector<std::string>;

enum class Gate { kNone, kAfterActivation, kBeforeActivation, kDense };

/*! \brief Layout, kernel, expansion, gate, residual. */
using Variant = std::tuple<Layout, int64_t, int64_t, Gate, bool>;

class MBConv : public ::testing::TestWithParam<Variant> {};

int InvertedBottleneck(NetworkBuilder* net, int x, int64_t kernel, int64_t expansion, Gate gate,
                       bool residual) {
  const int64_t channels = net->ChannelsOf(x);
  int y = x;
  if (expansion > 1) y = net->Relu6(net->ConvBias(y, channels * expansion, 1));
  y = net->Bias(net->Depthwise(y, kernel));
  if (gate == Gate::kBeforeActivation) y = net->Excite(y, 8);
  y = net->HardSwish(y);
  if (gate == Gate::kAfterActivation) y = net->Excite(y, 8);
  if (gate == Gate::kDense) y = net->Excite(y, 8, true);
  y = net->ConvBias(y, residual ? channels : channels + 8, 1);
  return residual ? net->Add(y, x) : y;
}

TEST_P(MBConv, IsOneBlockWithItsOperatorsInside) {
  const auto [layout, kernel, expansion, gate, residual] = GetParam();
  NetworkBuilder net(32, 3, layout);
  const int stem = net.ConvRelu(0, 16, 3, 2);
  const int block = InvertedBottleneck(&net, stem, kernel, expansion, gate, residual);
  const int head = net.ConvRelu(block, 64, 1);
  const OpGraph graph = net.Build({head});
  const auto regions = FindBlocks(graph, {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "mbconv", "conv_norm_act"}));
  const Region& found = regions[1];
  EXPECT_EQ(found.entries, std::vector<int>{stem});
  EXPECT_EQ(found.ops.back() + 1, block);
  EXPECT_EQ(found.ops.size(), static_cast<size_t>(block - stem)) << "every op of the block";
  EXPECT_EQ(found.stage, 1);
  int gates = 0, runs = 0;
  for (const Region& child : found.children) {
    gates += child.pattern == "squeeze_excitation";
    runs += child.pattern == "conv_norm_act";
  }
  EXPECT_EQ(gates, gate == Gate::kNone ? 0 : 1);
  EXPECT_EQ(runs, expansion > 1 ? 3 : 2);
}

INSTANTIATE_TEST_SUITE_P(Variants, MBConv,
                         ::testing::Combine(::testing::Values(Layout::kNHWC, Layout::kNCHW),
                                            ::testing::Values(3, 5, 7), ::testing::Values(1, 3, 6),
                                            ::testing::Values(Gate::kNone, Gate::kAfterActivation,
                                                              Gate::kBeforeActivation,
                                                              Gate::kDense),
                                            ::testing::Bool()));

TEST(MBConvPattern, EverySortOfActivationAndNorm) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 16, 3);
  // SiLU written out, and as one op with the batch-norms not folded.
  x = net.Conv(net.Silu(net.Bias(net.Depthwise(net.Silu(net.ConvBias(x, 64, 1)), 3))), 24, 1);
  const int y = net.Unary("relax.nn.silu", net.BatchNorm(net.Conv(x, 96, 1)));
  const int z = net.Unary("relax.nn.gelu", net.BatchNorm(net.Depthwise(y, 5)));
  x = net.Add(x, net.BatchNorm(net.Conv(z, 24, 1)));
  EXPECT_EQ(BlocksOf(net.Build({x})), (Names{"mbconv", "mbconv"}));
}

TEST(MBConvPattern, BlocksInARowKeepTheirOwnConvolutions) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 16, 3);
  for (int i = 0; i < 4; ++i) x = InvertedBottleneck(&net, x, 3, i % 2 ? 1 : 6, Gate::kNone, i > 1);
  const auto regions = FindBlocks(net.Build({x}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "mbconv", "mbconv", "mbconv", "mbconv"}));
  for (size_t i = 1; i < 5; ++i) EXPECT_EQ(regions[i].children.size(), i % 2 ? 3u : 2u) << i;
}

TEST(MBConvPattern, StartsWithADepthwiseLayerInMobileNetV4) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  int y = net.Relu(net.ConvBias(net.Bias(net.Depthwise(x, 5)), 64, 1));
  y = net.ConvBias(net.Relu(net.Bias(net.Depthwise(y, 3))), 16, 1);
  const auto regions = FindBlocks(net.Build({net.Add(y, x)}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "mbconv"}));
  EXPECT_EQ(regions[1].children.size(), 4u);
}

TEST(MBConvPattern, DepthwiseLayerOfSeveralKernels) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  const auto halves = net.Halves(net.ConvRelu(x, 64, 1));
  const int mixed = net.Concat({net.Depthwise(halves[0], 3), net.Depthwise(halves[1], 5)});
  const int y = net.ConvBias(net.Excite(net.Relu(net.Bias(mixed)), 8), 16, 1);
  EXPECT_EQ(BlocksOf(net.Build({net.Add(y, x)})), (Names{"mbconv"}));
}

TEST(MBConvPattern, ShortcutToTheFirstChannels) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  const int y = net.ConvBias(net.Relu6(net.Bias(net.Depthwise(net.ConvRelu(x, 64, 1), 3))), 24, 1);
  const int sum = net.Concat({net.Add(net.Slice(y, 16), x), net.Slice(y, 8)});
  EXPECT_EQ(BlocksOf(net.Build({net.ConvRelu(sum, 8, 1)})), (Names{"mbconv"}));
}

TEST(MBConvPattern, PaddingOfItsOwnBelongsToTheBlock) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  const int padded = net.Unary("relax.nn.pad", net.ConvRelu(x, 64, 1));
  const int y = net.ConvBias(net.Relu(net.Bias(net.Depthwise(padded, 3, 2))), 24, 1);
  const auto regions = FindBlocks(net.Build({net.ConvRelu(y, 8, 1)}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "mbconv", "conv_norm_act"}));
  EXPECT_EQ(regions[1].ops.size(), 3u + 1 + 3 + 2);
  EXPECT_EQ(regions[1].stage, 1);
}

TEST(MBConvPattern, AnActivatedEndMakesItDepthwiseSeparable) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 16, 3);
  for (int i = 0; i < 3; ++i) x = net.ConvRelu(net.Relu(net.Bias(net.Depthwise(x, 3))), 32, 1);
  EXPECT_EQ(BlocksOf(net.Build({x})), Names(3, "depthwise_separable"));
}

TEST(MBConvPattern, ProjectionThatGoesToAnotherSumIsNotABlockOfItsOwn) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  const int y = net.ConvBias(net.Relu(net.Bias(net.Depthwise(net.ConvRelu(x, 32, 1), 3))), 16, 1);
  const int z = net.ConvBias(net.Relu(net.Bias(net.Depthwise(net.ConvRelu(x, 32, 1), 5))), 16, 1);
  EXPECT_EQ(BlocksOf(net.Build({net.Relu(net.Add(y, z))})), (Names{"region"}));
}

TEST(FusedMBConvPattern, WithAndWithoutExpansionGateAndShortcut) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 16, 3, 2);
  x = net.Add(x, net.Silu(net.ConvBias(x, 16, 3)));              // expansion 1
  x = net.ConvBias(net.Silu(net.ConvBias(x, 64, 3, 2)), 24, 1);  // another resolution
  x = net.Add(net.ConvBias(net.Excite(net.Silu(net.ConvBias(x, 96, 5)), 8), 24, 1), x);
  const auto regions = FindBlocks(net.Build({net.ConvRelu(x, 64, 1)}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "fused_mbconv", "fused_mbconv",
                                        "fused_mbconv", "conv_norm_act"}));
  EXPECT_EQ(regions[1].stage, 1);
  EXPECT_EQ(regions[2].stage, 2);
}

TEST(FusedMBConvPattern, EndOfABottleneckIsNone) {
  NetworkBuilder net;
  int x = net.ConvRelu(0, 16, 3);
  // RegNetZ without a shortcut: the window is as wide as what comes before it.
  x = net.ConvBias(net.ConvRelu(net.ConvRelu(x, 64, 1), 64, 3, 2, 4), 24, 1);
  // ResNet's, with a window that widens.
  const int y = net.ConvBias(net.ConvRelu(net.ConvRelu(x, 8, 1), 64, 3), 24, 1);
  x = net.Relu(net.Add(y, x));
  EXPECT_EQ(BlocksOf(net.Build({x})), (Names{"region", "residual_bottleneck"}));
}

TEST(FusedMBConvPattern, StemAndNarrowWindowAreNone) {
  NetworkBuilder net(32, 3);
  int x = net.ConvBias(net.ConvRelu(0, 32, 3, 2), 16, 1);              // a stem
  x = net.ConvBias(net.ConvRelu(net.ConvRelu(x, 8, 1), 8, 3), 32, 1);  // a bottleneck
  EXPECT_EQ(BlocksOf(net.Build({net.ConvRelu(x, 8, 1)})), (Names{"region"}));
}

}  // namespace
}  // namespace cosearch::blocks::testing
