#include <algorithm>

#include "../finder_region.h"
#include "pattern.h"
#include "stage.h"

namespace cosearch::blocks {
namespace {

/*! \brief SqueezeNet's fire: the 1×1 that narrows the value for two convolutions. */
void ExtendToSqueeze(const GraphView& view, int entry, std::vector<int>* ops) {
  if (!view.is_op(entry) || view.users(entry).size() != 2 || CountConvs(view, *ops) != 2) return;
  for (int user : view.users(entry)) {
    const bool padded = view.kind(user) == Kind::kPad && view.only_user(user) >= 0;
    if (!view.is_conv(padded ? view.only_user(user) : user)) return;
  }
  for (const Run& run : view.runs()) {
    if (run.exit != entry || !view.is_pointwise_conv(run.head)) continue;
    if (view.op(run.head).out_channels >= view.op(run.head).in_channels) return;
    ops->insert(ops->end(), run.ops.begin(), run.ops.end());
  }
}

/*! \brief Whether every operand is a sum: that is a searched cell (DARTS), not branches. */
bool IsOfSums(const GraphView& view, const std::vector<int>& operands) {
  return std::all_of(operands.begin(), operands.end(),
                     [&](int node) { return view.kind(node) == Kind::kAdd; });
}

}  // namespace

void MatchInception(const MatchContext& context, Proposals* proposals) {
  const GraphView& view = context.view;
  const StageTest stages(view, context.found);
  for (int node = view.first_op(); node < view.end(); ++node) {
    if (view.kind(node) != Kind::kConcat || view.dead(node)) continue;
    const int entry = view.dominator(node);
    const auto& operands = OperandsOf(view, node);
    if (operands.size() < 2 || entry < 0 || IsOfSums(view, operands)) continue;
    std::vector<int> ops = OpsBetween(view, entry, node);
    if (ops.empty() || CountConvs(view, ops) == 0) continue;
    if (HoldsConnectedUnits(view, ops, node, entry)) continue;
    ExtendToSqueeze(view, entry, &ops);
    ExtendToSplit(view, ExtendToNorm(view, entry, &ops), &ops);
    ExtendBehind(view, node, &ops);
    Normalize(&ops);
    if (stages.IsStage(ops, node) || !HasOneResolutionChange(view, ops)) continue;
    proposals->push_back(std::move(ops));
  }
}

}  // namespace cosearch::blocks
