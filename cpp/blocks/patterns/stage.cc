#include "stage.h"

#include <algorithm>

namespace cosearch::blocks {
namespace {

bool IsSkipSum(const GraphView& view, int join) {
  if (!IsJoin(view, join) || view.kind(join) != Kind::kAdd) return false;
  const auto& inputs = view.inputs(join);
  return std::find(inputs.begin(), inputs.end(), view.dominator(join)) != inputs.end();
}

}  // namespace

bool IsJoin(const GraphView& view, int node) {
  return !view.dead(node) && view.inputs(node).size() >= 2 && view.step_to(node) == nullptr &&
         view.mixed_at(node) == nullptr;
}

const std::vector<int>& OperandsOf(const GraphView& view, int concat) {
  const int only = view.only_input(concat);
  return only >= 0 && view.is_op(only) && view.op(only).name == "tuple" ? view.inputs(only)
                                                                        : view.inputs(concat);
}

bool HoldsConnectedUnits(const GraphView& view, const std::vector<int>& ops, int concat,
                         int entry) {
  for (int operand : OperandsOf(view, concat)) {
    if (operand == entry) continue;
    for (int user : view.users(operand)) {
      const bool inside = std::binary_search(ops.begin(), ops.end(), user);
      if (inside && user != concat && view.kind(user) == Kind::kConcat) return true;
    }
  }
  return std::any_of(ops.begin(), ops.end(), [&](int node) {
    return node != concat && view.kind(node) == Kind::kConcat && view.only_user(node) < 0;
  });
}

StageTest::StageTest(const GraphView& view, const BlockFamily& found)
    : view_(view), ends_(view.end(), 0) {
  for (int node = view.first_op(); node < view.end(); ++node) {
    const int owner = found.Outermost(node);
    if (owner < 0) {
      ends_[node] = IsSkipSum(view, node);
    } else if (found.blocks()[owner].ops.back() == node) {
      const Nesting nesting = found.blocks()[owner].nesting;
      ends_[node] = nesting == Nesting::kBlock || nesting == Nesting::kPinned;
    }
  }
}

bool StageTest::IsStage(const std::vector<int>& ops, int join) const {
  std::vector<int> depths(ops.size(), 0);
  for (size_t i = 0; i < ops.size(); ++i) {
    for (int input : view_.inputs(ops[i])) {
      auto it = std::lower_bound(ops.begin(), ops.end(), input);
      if (it == ops.end() || *it != input) continue;
      depths[i] = std::max(depths[i], depths[it - ops.begin()]);
    }
    if (ops[i] != join && ends_[ops[i]] && ++depths[i] > 1) return true;
  }
  return false;
}

}  // namespace cosearch::blocks
