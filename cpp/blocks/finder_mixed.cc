#include <algorithm>

#include "finder_view.h"

namespace cosearch::blocks {
namespace {

/*! \brief Append `node` and return what it alone reads, if it alone is read; -1 otherwise. */
int StepBack(const GraphView& view, int node, std::vector<int>* ops) {
  if (node < 0 || !view.is_op(node) || view.only_user(node) < 0) return -1;
  ops->push_back(node);
  return view.only_input(node);
}

/*! \brief The value of which a part's channels are convolved to `part`; -1 for anything else. */
int SplitValue(const GraphView& view, int part, Mixed* mixed, int* head) {
  int node = part;
  if (view.is_op(node) && view.kind(node) == Kind::kAffine) {
    node = StepBack(view, node, &mixed->ops);
  }
  if (node < 0 || view.kind(node) != Kind::kConv) return -1;
  *head = node;
  node = StepBack(view, node, &mixed->ops);
  if (node >= 0 && view.is_op(node) && view.kind(node) == Kind::kPad) {
    node = StepBack(view, node, &mixed->ops);
  }
  if (node < 0 || !view.is_op(node) || view.kind(node) != Kind::kRearrange) return -1;
  node = StepBack(view, node, &mixed->ops);
  if (node >= 0 && view.is_op(node) && view.kind(node) == Kind::kSplit) {
    mixed->ops.push_back(node);
    node = view.only_input(node);
  }
  return node;
}

bool MatchMixed(const GraphView& view, int join, Mixed* mixed) {
  const auto& parts = view.inputs(join);
  if (view.kind(join) != Kind::kConcat || view.dead(join) || parts.size() < 2) return false;
  for (int part : parts) {
    int head = -1;
    const int from = SplitValue(view, part, mixed, &head);
    if (from < 0 || (mixed->from >= 0 && from != mixed->from)) return false;
    const bool depthwise = view.is_depthwise(head);
    if (!depthwise && !view.is_pointwise_conv(head)) return false;
    if (mixed->from >= 0 && depthwise != mixed->depthwise) return false;
    mixed->from = from;
    mixed->depthwise = depthwise;
  }
  mixed->ops.push_back(join);
  Normalize(&mixed->ops);
  // A part of which something else reads makes it a unit with branches.
  return std::all_of(mixed->ops.begin(), mixed->ops.end() - 1, [&](int node) {
    const auto& users = view.users(node);
    return std::all_of(users.begin(), users.end(), [&](int user) {
      return std::binary_search(mixed->ops.begin(), mixed->ops.end(), user);
    });
  });
}

}  // namespace

void GraphView::FindMixed() {
  mixed_of_.assign(end(), -1);
  in_mixed_.assign(end(), 0);
  for (int node = first_op(); node < end(); ++node) {
    Mixed mixed;
    if (!MatchMixed(*this, node, &mixed)) continue;
    for (int member : mixed.ops) in_mixed_[member] = member != node;
    kinds_[node] = Kind::kConv;
    mixed_of_[node] = static_cast<int>(mixed_.size());
    mixed_.push_back(std::move(mixed));
  }
}

}  // namespace cosearch::blocks
