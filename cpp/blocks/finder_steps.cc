#include <algorithm>

#include "finder_view.h"

namespace cosearch::blocks {
namespace {

// Written-out activations and gates are short; a bound keeps the search linear.
constexpr int kLongestDiamond = 16;
constexpr int kLongestGate = 24;

/*! \brief Whether only `inside` (sorted) reads the inner values of a step. */
bool IsClosed(const GraphView& view, const std::vector<int>& inside) {
  for (size_t i = 0; i + 1 < inside.size(); ++i) {
    if (view.escapes(inside[i])) return false;
    for (int user : view.users(inside[i])) {
      if (!std::binary_search(inside.begin(), inside.end(), user)) return false;
    }
  }
  return true;
}

/*! \brief One value that pointwise steps alone turn into every input of `node`, or -1. */
int CommonOrigin(const GraphView& view, int node, std::vector<int>* inside, bool* scaled) {
  const auto& inputs = view.inputs(node);
  int lowest = inputs[0];
  std::vector<int> open(inputs.begin(), inputs.end());
  // Values are in program order: stepping the latest one back until one is left finds the nearest.
  for (int round = 0; round < kLongestDiamond; ++round) {
    Normalize(&open);
    if (open.size() == 1) return open[0];
    lowest = open.back();
    const Step* step = view.step_to(lowest);
    if (step == nullptr || step->excitation) return -1;
    *scaled |= step->activation || !view.op(lowest).scalars.empty();
    inside->insert(inside->end(), step->ops.begin(), step->ops.end());
    open.back() = step->from;
  }
  return -1;
}

/*! \brief x·g(x) and the like: a pointwise function written with several uses of x. */
bool FindDiamond(const GraphView& view, int node, Step* step) {
  bool scaled = false;
  step->from = CommonOrigin(view, node, &step->ops, &scaled);
  // x + x is a sum of two edges of a cell, not an activation; x + 0.04 x³ is part of one.
  if (step->from < 0 || !scaled) return false;
  step->ops.push_back(node);
  Normalize(&step->ops);
  step->activation = true;
  return IsClosed(view, step->ops);
}

/*! \brief Walk a gate back to the value that it was pooled from; -1 where it is no gate. */
int GateOrigin(const GraphView& view, int gate, int scaled, std::vector<int>* inside) {
  bool pooled = false, learned = false;
  for (int node = gate, length = 0; node >= 0 && length < kLongestGate; ++length) {
    if (node == scaled) return pooled && learned ? node : -1;
    const Step* step = view.step_to(node);
    if (step != nullptr && !step->excitation && !pooled) {
      inside->insert(inside->end(), step->ops.begin(), step->ops.end());
      node = step->from;
      continue;
    }
    const Kind kind = view.kind(node);
    const bool pools = kind == Kind::kGlobalPool ||
                       (kind == Kind::kPool && (view.height(node) == 1 || view.height(node) < 0));
    if (pools) {
      pooled = true;
    } else if (view.is_conv(node) && !pooled) {
      learned = true;
    } else if (kind != Kind::kRearrange) {
      return -1;
    }
    inside->push_back(node);
    node = view.only_input(node);
  }
  return -1;
}

/*! \brief x · gate(mean(x)), with layers in the gate. */
bool FindExcitation(const GraphView& view, int node, Step* step) {
  const auto& inputs = view.inputs(node);
  if (inputs.size() != 2) return false;
  for (int which = 0; which < 2; ++which) {
    step->ops = {node};
    if (GateOrigin(view, inputs[1 - which], inputs[which], &step->ops) < 0) continue;
    Normalize(&step->ops);
    if (!IsClosed(view, step->ops)) continue;
    step->from = inputs[which];
    step->excitation = true;
    return true;
  }
  return false;
}

bool IsElementwiseJoin(const GraphView& view, int node) {
  const Kind kind = view.kind(node);
  if (view.inputs(node).size() < 2) return false;
  if (kind == Kind::kAdd || kind == Kind::kMultiply) return true;
  const std::string& name = view.op(node).name;
  return kind == Kind::kOther &&
         (name == "relax.subtract" || name == "relax.divide" || name == "relax.maximum" ||
          name == "relax.minimum" || name == "relax.where" || name == "relax.power");
}

}  // namespace

void GraphView::FindSteps() {
  step_of_.assign(end(), -1);
  next_step_.assign(end(), -1);
  for (int node = first_op(); node < end(); ++node) {
    if (dead(node)) continue;
    Step step;
    if (IsPointwise(kinds_[node])) {
      step.from = only_input(node);
      step.activation = kinds_[node] == Kind::kActivation;
      step.weights = kinds_[node] == Kind::kNorm ||
                     (kinds_[node] == Kind::kAffine && this->op(node).num_weights > 0);
      step.ops = {node};
      if (step.from >= 0) AddStep(std::move(step));
    } else if (IsElementwiseJoin(*this, node)) {
      if (FindDiamond(*this, node, &step)) {
        AddStep(std::move(step));
        continue;
      }
      step = Step();
      if (kinds_[node] == Kind::kMultiply && FindExcitation(*this, node, &step)) {
        AddStep(std::move(step));
      }
    }
  }
}

}  // namespace cosearch::blocks
