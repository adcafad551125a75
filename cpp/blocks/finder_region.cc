#include "finder_region.h"

#include <algorithm>

namespace cosearch::blocks {
namespace {

/*! \brief Whether `node` is among these, which ascend. */
bool Contains(const std::vector<int>& sorted, int node) {
  return std::binary_search(sorted.begin(), sorted.end(), node);
}

bool StaysInside(const GraphView& view, const std::vector<int>& ops, int node) {
  if (view.escapes(node)) return false;
  const auto& users = view.users(node);
  return std::all_of(users.begin(), users.end(), [&](int user) { return Contains(ops, user); });
}

std::vector<int> Sorted(std::vector<int> nodes) {
  Normalize(&nodes);
  return nodes;
}

/*! \brief Reshape → transpose → reshape back behind `node`: its last op, or -1. */
int ShuffleBehind(const GraphView& view, int node, std::vector<int>* ops) {
  std::vector<int> chain;
  for (int last = node; chain.size() < 3;) {
    int user = view.only_user(last);
    if (user < 0 || view.kind(user) != Kind::kRearrange || view.only_input(user) < 0) return -1;
    chain.push_back(last = user);
  }
  if (view.op(chain.back()).shape != view.op(node).shape) return -1;
  ops->insert(ops->end(), chain.begin(), chain.end());
  return chain.back();
}

}  // namespace

std::vector<int> OpsBetween(const GraphView& view, int entry, int exit) {
  std::vector<int> ops = {exit}, open = {exit};
  std::vector<char> seen(exit - entry + 1, 0);
  while (!open.empty()) {
    const int node = open.back();
    open.pop_back();
    for (int input : view.inputs(node)) {
      if (input == entry) continue;
      // Read outside: a look at its last reader spares the walk over what comes before.
      if (input < entry || !view.is_op(input) || view.users(input).back() > exit) return {};
      if (seen[input - entry]) continue;
      seen[input - entry] = 1;
      ops.push_back(input);
      open.push_back(input);
    }
  }
  std::sort(ops.begin(), ops.end());
  for (int node : ops) {
    if (node != exit && !StaysInside(view, ops, node)) return {};
  }
  return ops;
}

bool IsLegal(const GraphView& view, const std::vector<int>& ops) {
  if (ops.empty() || !view.is_op(ops.front())) return false;
  const int exit = ops.back();
  if (view.dead(exit) || IsTupleValued(view.op(exit))) return false;
  for (size_t i = 0; i + 1 < ops.size(); ++i) {
    if (ops[i] >= ops[i + 1]) return false;
    if (!StaysInside(view, ops, ops[i])) return false;
  }
  // An idle op that stays behind may not read an inner value.
  for (int idle : view.dead_ops()) {
    if (Contains(ops, idle)) continue;
    for (int input : view.op(idle).inputs) {
      if (input != exit && Contains(ops, input)) return false;
    }
  }
  const std::vector<int> entries = EntriesOf(view, ops);
  return std::none_of(entries.begin(), entries.end(), [&](int entry) {
    return view.is_op(entry) && IsTupleValued(view.op(entry));
  });
}

void Tidy(const GraphView& view, std::vector<int>* ops) {
  Normalize(ops);
  if (ops->empty()) return;
  const int exit = ops->back();
  std::vector<int> kept;
  for (int node : *ops) {
    const bool getter = view.op(node).name == "get_item" && node != exit;
    if (!getter || Contains(*ops, view.op(node).inputs[0])) kept.push_back(node);
  }
  // Latest first: a chain of ops on weights is taken in from its end.
  for (int node = exit; view.has_constants() && node >= kept.front(); --node) {
    if (!Contains(kept, node)) continue;
    for (int input : view.op(node).inputs) {
      if (view.kind(input) != Kind::kConstant || Contains(kept, input)) continue;
      if (!StaysInside(view, kept, input)) continue;
      kept.push_back(input);
      Normalize(&kept);
    }
  }
  for (int idle : view.dead_ops()) {
    if (idle > exit) break;
    const auto& inputs = view.op(idle).inputs;
    const bool reads_inner = std::any_of(inputs.begin(), inputs.end(), [&](int input) {
      return input != exit && Contains(kept, input);
    });
    if (!reads_inner || Contains(kept, idle)) continue;
    kept.push_back(idle);
    Normalize(&kept);
  }
  *ops = std::move(kept);
}

std::vector<int> EntriesOf(const GraphView& view, const std::vector<int>& ops) {
  std::vector<int> entries;
  for (int node : ops) {
    for (int input : view.op(node).inputs) {
      if (Contains(ops, input)) continue;
      if (std::find(entries.begin(), entries.end(), input) == entries.end()) {
        entries.push_back(input);
      }
    }
  }
  return entries;
}

int ExtendBehind(const GraphView& view, int join, std::vector<int>* ops) {
  int exit = join;
  for (const Step* step = view.step_from(exit); step != nullptr; step = view.step_from(exit)) {
    if (step->weights || step->excitation) break;
    ops->insert(ops->end(), step->ops.begin(), step->ops.end());
    exit = step->ops.back();
  }
  const int shuffled = ShuffleBehind(view, exit, ops);
  return shuffled < 0 ? exit : shuffled;
}

int ExtendToNorm(const GraphView& view, int entry, std::vector<int>* ops) {
  std::vector<const Step*> steps;
  size_t kept = 0;
  int node = entry;
  if (!view.is_op(entry) || !StaysInside(view, Sorted(*ops), entry)) return entry;
  for (const Step* step = view.step_to(node); step != nullptr && !step->excitation;) {
    steps.push_back(step);
    if (step->weights) kept = steps.size();
    node = step->from;
    const Step* before = view.is_op(node) ? view.step_to(node) : nullptr;
    step = view.step_from(node) == step ? before : nullptr;
  }
  // Behind a convolution they are its own. What comes before the norm is the previous block's.
  if (kept == 0 || (view.is_op(node) && view.is_conv(node))) return entry;
  for (size_t i = 0; i < kept; ++i) {
    ops->insert(ops->end(), steps[i]->ops.begin(), steps[i]->ops.end());
  }
  return steps[kept - 1]->from;
}

int ExtendToSplit(const GraphView& view, int entry, std::vector<int>* ops) {
  std::vector<int> chain;
  int node = entry;
  while (view.is_op(node) && view.only_input(node) >= 0 &&
         (view.kind(node) == Kind::kSplit || view.kind(node) == Kind::kRearrange) &&
         (node == entry ? StaysInside(view, Sorted(*ops), node) : view.only_user(node) >= 0)) {
    chain.push_back(node);
    node = view.only_input(node);
  }
  std::vector<int> shuffle;
  const int previous = view.is_op(node) ? ShuffleBehind(view, node, &shuffle) : -1;
  for (int op : chain) {
    if (op == previous) return op;  // the shuffle that ends the block before
    ops->push_back(op);
  }
  return node;
}

bool HasOneResolutionChange(const GraphView& view, const std::vector<int>& ops) {
  int first = view.stage(ops.back()), last = first;
  for (int node : ops) {
    first = std::min(first, view.stage(node));
    last = std::max(last, view.stage(node));
  }
  for (int entry : EntriesOf(view, ops)) first = std::min(first, view.stage(entry));
  return last == view.stage(ops.back()) && last - first <= 1;
}

int CountConvs(const GraphView& view, const std::vector<int>& ops) {
  return static_cast<int>(
      std::count_if(ops.begin(), ops.end(), [&](int node) { return view.is_conv(node); }));
}

}  // namespace cosearch::blocks
