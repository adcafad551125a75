#include "pattern.h"

namespace cosearch::blocks {

const std::vector<Pattern>& Patterns() {
  static const auto* patterns = new std::vector<Pattern>{
      {"marked", MatchMarked, Nesting::kPinned},
      {"nasbench201_cell", MatchNasbench201Cell, Nesting::kBlock},
      {"nasbench101_cell", MatchNasbench101Cell, Nesting::kBlock},
      {"mbconv", MatchMBConv, Nesting::kBlock},
      {"fused_mbconv", MatchFusedMBConv, Nesting::kBlock},
      {"residual_basic", MatchResidualBasic, Nesting::kBlock},
      {"residual_bottleneck", MatchResidualBottleneck, Nesting::kBlock},
      {"inception", MatchInception, Nesting::kAny},
      {"depthwise_separable", MatchDepthwiseSeparable, Nesting::kPart},
      {"region", MatchRegion, Nesting::kAny},
      {"squeeze_excitation", MatchSqueezeExcitation, Nesting::kLeaf},
      {"conv_norm_act", MatchConvNormAct, Nesting::kLeaf},
  };
  return *patterns;
}

}  // namespace cosearch::blocks
