#include "../finder_region.h"
#include "pattern.h"

namespace cosearch::blocks {
namespace {

/*! \brief [depthwise] [1×1 expand] depthwise, 1×1 linear. The first one is MobileNetV4's. */
bool IsInvertedBottleneck(const GraphView& view, const std::vector<Layer>& layers) {
  const int count = static_cast<int>(layers.size());
  if (count < 2 || count > 4) return false;
  const Layer& project = layers[count - 1];
  const Layer& depthwise = layers[count - 2];
  if (!view.is_pointwise_conv(project.head) || project.activated) return false;
  if (!view.is_depthwise(depthwise.head) || !depthwise.activated) return false;
  if (count == 2) return true;
  const Layer& expand = layers[count - 3];
  if (!view.is_pointwise_conv(expand.head) || !expand.activated) return false;
  return count == 3 || (view.is_depthwise(layers[0].head) && !layers[0].activated);
}

bool IsShortcut(const GraphView& view, const Branch& branch) {
  return branch.layers.empty() ||
         (branch.layers.size() == 1 && view.is_pointwise_conv(branch.layers[0].head) &&
          !branch.layers[0].activated);
}

Layer ToLayer(const Run& run) { return {run.head, run.gated_activated, run.gated}; }

/*! \brief Blocks without a shortcut, from their last convolution backwards. */
bool MatchChain(const GraphView& view, const Run& project, std::vector<int>* ops) {
  const int reader = view.only_user(project.gated_exit);
  if (reader >= 0 && view.kind(reader) == Kind::kAdd) return false;  // a branch of that sum
  std::vector<Layer> layers = {ToLayer(project)};
  *ops = project.gated_ops;
  bool matched = false;
  const Run* run = &project;
  for (int length = 2; length <= 4; ++length) {
    std::vector<int> between;
    run = view.run_before(*run, &between);
    if (run == nullptr) break;
    layers.insert(layers.begin(), ToLayer(*run));
    if (!IsInvertedBottleneck(view, layers)) break;
    matched = true;
    ops->insert(ops->end(), run->gated_ops.begin(), run->gated_ops.end());
    ops->insert(ops->end(), between.begin(), between.end());
  }
  return matched;
}

}  // namespace

void MatchMBConv(const MatchContext& context, Proposals* proposals) {
  for (const Residual& residual : context.residuals) {
    if (residual.activated || !IsShortcut(context.view, residual.shortcut)) continue;
    if (!IsInvertedBottleneck(context.view, residual.main.layers)) continue;
    proposals->push_back(residual.ops);
  }
  for (const Run& run : context.view.runs()) {
    std::vector<int> ops;
    if (MatchChain(context.view, run, &ops)) proposals->push_back(std::move(ops));
  }
}

}  // namespace cosearch::blocks
