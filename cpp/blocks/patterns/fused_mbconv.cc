#include "pattern.h"

namespace cosearch::blocks {
namespace {

/*! \brief k×k expand with an activation, then 1×1 linear; expansion 1 has the first alone. */
bool IsFused(const GraphView& view, const std::vector<Layer>& layers) {
  if (layers.empty() || layers.size() > 2) return false;
  if (!view.is_spatial_conv(layers[0].head) || !layers[0].activated) return false;
  if (layers.size() == 1) return true;
  return view.is_pointwise_conv(layers[1].head) && !layers[1].activated;
}

bool MatchChain(const GraphView& view, const Run& project, std::vector<int>* ops) {
  const int reader = view.only_user(project.exit);
  if (reader >= 0 && view.kind(reader) == Kind::kAdd) return false;  // a branch of that sum
  if (!view.is_pointwise_conv(project.head) || project.gated_activated) return false;
  std::vector<int> between;
  const Run* expand = view.run_before(project, &between);
  if (expand == nullptr || !view.is_spatial_conv(expand->head)) return false;
  if (!expand->gated_activated) return false;
  // A stem reads the picture; a bottleneck's window does not widen, or is narrower than what
  // follows.
  const Op& wide = view.op(expand->head);
  if (!view.is_op(view.only_input(expand->ops.front()))) return false;
  if (wide.out_channels <= wide.in_channels) return false;
  if (wide.out_channels < view.op(project.head).out_channels) return false;
  *ops = project.gated_ops;
  ops->insert(ops->end(), expand->gated_ops.begin(), expand->gated_ops.end());
  ops->insert(ops->end(), between.begin(), between.end());
  return true;
}

}  // namespace

void MatchFusedMBConv(const MatchContext& context, Proposals* proposals) {
  for (const Residual& residual : context.residuals) {
    if (residual.activated || !residual.shortcut.identity) continue;
    if (!IsFused(context.view, residual.main.layers)) continue;
    proposals->push_back(residual.ops);
  }
  for (const Run& run : context.view.runs()) {
    std::vector<int> ops;
    if (MatchChain(context.view, run, &ops)) proposals->push_back(std::move(ops));
  }
}

}  // namespace cosearch::blocks
