#include "nasbench201_edge.h"

namespace cosearch::blocks {

bool IsNasbench201Conv(const GraphView& view, int node) {
  if (view.kind(node) != Kind::kConv) return false;
  const Op& op = view.op(node);
  return op.groups == 1 && op.kernel_h == op.kernel_w && (op.kernel_h == 1 || op.kernel_h == 3) &&
         op.stride_h == 1 && op.stride_w == 1 && op.in_channels == op.out_channels;
}

bool IsNasbench201Pool(const GraphView& view, int node) {
  const Op& op = view.op(node);
  return op.name == "relax.nn.avg_pool2d" && op.kernel_h == 3 && op.kernel_w == 3 &&
         op.stride_h == 1 && op.stride_w == 1;
}

std::vector<int> EdgeBefore(const GraphView& view, int value) {
  std::vector<int> ops;
  int node = value;
  for (const Step* step = nullptr; view.is_op(node) && (step = view.step_to(node)) != nullptr;) {
    if (node != value && view.step_from(node) == nullptr) return {};
    ops.insert(ops.end(), step->ops.begin(), step->ops.end());
    node = step->from;
  }
  if (!view.is_op(node)) return {};
  ops.push_back(node);
  if (IsNasbench201Pool(view, node)) return ops;
  const int relu = view.only_input(node);
  if (!IsNasbench201Conv(view, node) || !view.is_op(relu)) return {};
  // The ReLU itself is behind another block, and was counted to that one.
  return view.op(relu).name == "relax.nn.relu" ? ops : std::vector<int>();
}

std::vector<int> EdgeBehind(const GraphView& view, int value) {
  std::vector<int> ops;
  int node = view.only_user(value);
  if (node >= 0 && view.op(node).name == "relax.nn.relu") {
    ops.push_back(node);
    node = view.only_user(node);
  }
  if (node < 0) return {};
  if (IsNasbench201Pool(view, node) && ops.empty()) return {node};
  const bool rectified = !ops.empty() || view.op(value).name == "relax.nn.relu";
  if (!rectified || !IsNasbench201Conv(view, node)) return {};
  const Run& run = view.run_of(node);
  ops.insert(ops.end(), run.ops.begin(), run.ops.end());
  return ops;
}

}  // namespace cosearch::blocks
