#include "pattern.h"

namespace cosearch::blocks {

void MatchResidualBasic(const MatchContext& context, Proposals* proposals) {
  const GraphView& view = context.view;
  for (const Residual& residual : context.residuals) {
    const auto& main = residual.main.layers;
    if (main.size() != 2 || residual.shortcut.layers.size() > 1) continue;
    if (!view.is_spatial_conv(main[0].head) || !view.is_spatial_conv(main[1].head)) continue;
    proposals->push_back(residual.ops);
  }
}

}  // namespace cosearch::blocks
