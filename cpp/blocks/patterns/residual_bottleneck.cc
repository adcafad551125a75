#include "pattern.h"

namespace cosearch::blocks {

void MatchResidualBottleneck(const MatchContext& context, Proposals* proposals) {
  const GraphView& view = context.view;
  for (const Residual& residual : context.residuals) {
    const auto& main = residual.main.layers;
    if (main.size() != 3 || residual.shortcut.layers.size() > 1) continue;
    if (!view.is_pointwise_conv(main[0].head) || !view.is_pointwise_conv(main[2].head)) continue;
    // With a depthwise window it is ShuffleNet's unit; without an activation at its end, MBConv.
    const bool depthwise = view.is_depthwise(main[1].head) && residual.activated;
    if (!depthwise && !view.is_spatial_conv(main[1].head)) continue;
    proposals->push_back(residual.ops);
  }
}

}  // namespace cosearch::blocks
