#include <algorithm>
#include <map>

#include "../finder_region.h"
#include "pattern.h"

namespace cosearch::blocks {
namespace {

constexpr int kMostVertices = 5;  // between input and output
constexpr int kMostEdges = 9;

/*!
 * \brief Reads a region as a NAS-Bench-101 cell (Ying et al., ICML 2019): vertices are 3×3 or 1×1
 * convolution–norm–ReLU or 3×3 max-pooling; a vertex reads the sum of earlier ones (whose last
 * channels may be cut off) and of a 1×1 projection of the input; the output is the concatenation of
 * vertices, to which a projection of the input may be added.
 */
class CellReader {
 public:
  CellReader(const GraphView& view, int entry) : view_(view), entry_(entry) {
    for (const Run& run : view.runs()) by_exit_[run.exit] = &run;
  }

  bool Accepts(int out, const std::vector<int>& ops) {
    if (!ReadOutput(out)) return false;
    Normalize(&visited_);
    return visited_ == ops && vertices_.size() >= 1 && vertices_.size() <= kMostVertices &&
           edges_ <= kMostEdges;
  }

 private:
  void Visit(const std::vector<int>& ops) {
    visited_.insert(visited_.end(), ops.begin(), ops.end());
  }

  const Run* RunAt(int value) const {
    auto it = by_exit_.find(value);
    return it == by_exit_.end() || !it->second->activated ? nullptr : it->second;
  }

  bool ReadProjection(int value) {
    const Run* run = RunAt(value);
    if (run == nullptr || !IsWindow(run->head, 1) || view_.only_input(run->head) != entry_) {
      return false;
    }
    Visit(run->ops);
    ++edges_;
    return true;
  }

  bool IsWindow(int node, int64_t size) const {
    const Op& op = view_.op(node);
    return op.kernel_h == size && op.kernel_w == size && op.stride_h == 1 && op.stride_w == 1 &&
           op.groups == 1;
  }

  bool ReadOutput(int out) {
    if (view_.kind(out) == Kind::kConcat) return ReadConcat(out);
    if (view_.kind(out) != Kind::kAdd) return ReadVertex(out) && ++edges_ > 0;
    const auto& inputs = view_.inputs(out);
    if (inputs.size() != 2) return false;
    for (int which = 0; which < 2; ++which) {
      const int other = inputs[1 - which];
      if (!ReadProjection(inputs[which])) continue;
      visited_.push_back(out);
      if (view_.kind(other) == Kind::kConcat) return ReadConcat(other);
      return ReadVertex(other) && ++edges_ > 0;
    }
    return false;
  }

  bool ReadConcat(int concat) {
    visited_.push_back(concat);
    int64_t least = -1, most = -1;
    for (int operand : view_.inputs(concat)) {
      ++edges_;
      if (!ReadVertex(operand)) return false;
      const Op& op = view_.op(operand);
      if (op.channel_axis < 0 || op.channel_axis >= static_cast<int>(op.shape.size())) continue;
      const int64_t channels = op.shape[op.channel_axis];
      least = least < 0 ? channels : std::min(least, channels);
      most = std::max(most, channels);
    }
    return most - least <= 1;  // the output's channels are shared out evenly
  }

  bool ReadVertex(int value) {
    if (!view_.is_op(value) || value <= entry_) return false;
    if (std::find(vertices_.begin(), vertices_.end(), value) != vertices_.end()) return true;
    if (vertices_.size() == kMostVertices) return false;
    vertices_.push_back(value);
    if (const Run* run = RunAt(value)) {
      Visit(run->ops);
      return (IsWindow(run->head, 1) || IsWindow(run->head, 3)) &&
             ReadSum(view_.only_input(run->ops.front()));
    }
    if (view_.op(value).name != "relax.nn.max_pool2d" || !IsWindow(value, 3)) return false;
    visited_.push_back(value);
    int read = view_.only_input(value);
    if (view_.is_op(read) && view_.kind(read) == Kind::kPad) {
      visited_.push_back(read);
      read = view_.only_input(read);
    }
    return ReadSum(read);
  }

  bool ReadSum(int value) {
    if (value < 0 || !view_.is_op(value) || value <= entry_) return false;
    if (view_.kind(value) == Kind::kAdd) {
      visited_.push_back(value);
      const auto& inputs = view_.inputs(value);
      return std::all_of(inputs.begin(), inputs.end(), [&](int input) { return ReadSum(input); });
    }
    if (view_.op(value).name == "relax.strided_slice") {
      visited_.push_back(value);
      value = view_.only_input(value);
    }
    if (ReadProjection(value)) return true;
    ++edges_;
    return ReadVertex(value);
  }

  const GraphView& view_;
  const int entry_;
  std::map<int, const Run*> by_exit_;
  std::vector<int> visited_, vertices_;
  int edges_ = 0;
};

/*! \brief A vertex that alone reads the sum `add`: then the sum is inside the cell. */
int VertexBehind(const GraphView& view, int add) {
  int reader = view.only_user(add);
  if (reader >= 0 && view.kind(reader) == Kind::kPad) reader = view.only_user(reader);
  if (reader < 0) return -1;
  if (view.kind(reader) == Kind::kConv) return view.run_of(reader).exit;
  return view.kind(reader) == Kind::kPool ? reader : -1;
}

bool Propose(const GraphView& view, int join, int out, Proposals* proposals) {
  const int entry = view.dominator(join);
  if (entry < 0 || out < 0) return false;
  std::vector<int> ops = OpsBetween(view, entry, out);
  if (ops.empty() || CountConvs(view, ops) < 2 || !CellReader(view, entry).Accepts(out, ops)) {
    return false;
  }
  proposals->push_back(std::move(ops));
  return true;
}

}  // namespace

void MatchNasbench101Cell(const MatchContext& context, Proposals* proposals) {
  const GraphView& view = context.view;
  for (int node = view.end() - 1; node >= view.first_op(); --node) {
    const Kind kind = view.kind(node);
    if (view.dead(node) || (kind != Kind::kAdd && kind != Kind::kConcat)) continue;
    if (kind == Kind::kAdd && Propose(view, node, VertexBehind(view, node), proposals)) continue;
    Propose(view, node, node, proposals);
  }
}

}  // namespace cosearch::blocks
