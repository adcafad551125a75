#include "pattern.h"

namespace cosearch::blocks {

void MatchDepthwiseSeparable(const MatchContext& context, Proposals* proposals) {
  const GraphView& view = context.view;
  for (const Run& pointwise : view.runs()) {
    if (view.kind(pointwise.head) != Kind::kConv || !view.is_pointwise_conv(pointwise.head))
      continue;
    std::vector<int> ops = pointwise.ops;
    const Run* depthwise = view.run_before(pointwise, &ops);
    if (depthwise == nullptr || !view.is_depthwise(depthwise->head)) continue;
    ops.insert(ops.end(), depthwise->gated_ops.begin(), depthwise->gated_ops.end());
    proposals->push_back(std::move(ops));
  }
}

}  // namespace cosearch::blocks
