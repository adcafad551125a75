#include "finder_branch.h"

#include <algorithm>

#include "finder_region.h"

namespace cosearch::blocks {
namespace {

bool IsPassedThrough(Kind kind) {
  return kind == Kind::kPool || kind == Kind::kPad || kind == Kind::kRearrange;
}

/*! \brief The branch with more convolutions is the main one. */
bool IsMain(const Branch& a, const Branch& b) { return a.layers.size() >= b.layers.size(); }

/*!
 * \brief What is summed at `join`. ReXNet adds a shortcut to the first channels alone:
 * concat(add(main[:c], shortcut), main[c:]).
 */
bool FindSummands(const GraphView& view, int join, std::vector<int>* summands,
                  std::vector<int>* ops) {
  if (view.inputs(join).size() != 2) return false;
  *ops = {join};
  *summands = view.inputs(join);
  if (view.kind(join) == Kind::kAdd) return true;
  const int add = (*summands)[0], rest = (*summands)[1];
  if (view.kind(join) != Kind::kConcat || !view.is_op(add) || !view.is_op(rest)) return false;
  if (view.kind(add) != Kind::kAdd || view.kind(rest) != Kind::kRearrange) return false;
  const int main = view.only_input(rest);
  for (int part : view.inputs(add)) {
    if (!view.is_op(part) || view.kind(part) != Kind::kRearrange) continue;
    if (view.only_input(part) != main) continue;
    ops->insert(ops->end(), {add, rest, part});
    const auto& inputs = view.inputs(add);
    *summands = {main, inputs[0] == part ? inputs.back() : inputs[0]};
    return main >= 0;
  }
  return false;
}

}  // namespace

bool WalkBranch(const GraphView& view, int from, int to, Branch* branch) {
  Layer pending;
  branch->identity = true;
  for (int node = to; node != from;) {
    if (node <= from || !view.is_op(node)) return false;
    if (const Step* step = view.step_to(node)) {
      branch->ops.insert(branch->ops.end(), step->ops.begin(), step->ops.end());
      pending.activated |= step->activation;
      pending.gated |= step->excitation;
      branch->identity &= !step->activation && !step->excitation;
      node = step->from;
      continue;
    }
    const Kind kind = view.kind(node);
    if (view.is_conv(node)) {
      pending.head = node;
      branch->layers.insert(branch->layers.begin(), pending);
      pending = Layer();
      branch->identity = false;
    } else if (!IsPassedThrough(kind)) {
      return false;
    }
    branch->pools |= kind == Kind::kPool;
    if (const Mixed* mixed = view.mixed_at(node)) {
      branch->ops.insert(branch->ops.end(), mixed->ops.begin(), mixed->ops.end());
    } else {
      branch->ops.push_back(node);
    }
    node = view.is_conv(node) ? view.conv_input(node) : view.only_input(node);
    if (node < 0) return false;
  }
  return true;
}

bool MatchResidual(const GraphView& view, int join, Residual* residual) {
  std::vector<int> summands;
  const int entry = view.dominator(join);
  if (entry < 0 || !FindSummands(view, join, &summands, &residual->ops)) return false;
  Branch first, second;
  if (!WalkBranch(view, entry, summands[0], &first)) return false;
  if (!WalkBranch(view, entry, summands[1], &second)) return false;
  const bool in_order = IsMain(first, second);
  residual->main = in_order ? std::move(first) : std::move(second);
  residual->shortcut = in_order ? std::move(second) : std::move(first);
  for (const Branch* branch : {&residual->main, &residual->shortcut}) {
    residual->ops.insert(residual->ops.end(), branch->ops.begin(), branch->ops.end());
  }
  ExtendToNorm(view, entry, &residual->ops);
  const int exit = ExtendBehind(view, join, &residual->ops);
  for (const Step* step = view.step_to(exit); step != nullptr && exit != join;) {
    residual->activated |= step->activation;
    step = step->from == join ? nullptr : view.step_to(step->from);
  }
  Tidy(view, &residual->ops);
  return IsLegal(view, residual->ops);
}

}  // namespace cosearch::blocks
