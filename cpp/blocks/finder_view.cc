#include "finder_view.h"

#include <algorithm>

namespace cosearch::blocks {

void Normalize(std::vector<int>* nodes) {
  std::sort(nodes->begin(), nodes->end());
  nodes->erase(std::unique(nodes->begin(), nodes->end()), nodes->end());
}

GraphView::GraphView(const OpGraph& graph) : graph_(graph) {
  Connect();
  FindDominators();
  FindStages();
  FindMixed();
  FindSteps();
  FindRuns();
}

void GraphView::Connect() {
  const int count = graph_.num_inputs + static_cast<int>(graph_.ops.size());
  kinds_.assign(count, Kind::kInput);
  inputs_.resize(count);
  users_.resize(count);
  escapes_.assign(count, 0);
  for (int output : graph_.outputs) escapes_[output] = 1;
  for (int node = first_op(); node < count; ++node) {
    const Op& op = this->op(node);
    for (int input : op.inputs) {
      auto& seen = inputs_[node];
      if (kinds_[input] == Kind::kConstant) continue;
      if (std::find(seen.begin(), seen.end(), input) == seen.end()) seen.push_back(input);
    }
    const Op* producer =
        !op.inputs.empty() && is_op(op.inputs[0]) ? &this->op(op.inputs[0]) : nullptr;
    kinds_[node] = Classify(op, static_cast<int>(inputs_[node].size()), producer);
    has_constants_ |= kinds_[node] == Kind::kConstant;
  }
  for (int node = count - 1; node >= first_op(); --node) {
    if (dead(node)) {  // its users, all later, have been seen
      dead_ops_.push_back(node);
      continue;
    }
    for (int input : this->op(node).inputs) {
      auto& users = users_[input];
      if (users.empty() || users.back() != node) users.push_back(node);
    }
  }
  for (auto& users : users_) std::reverse(users.begin(), users.end());
  std::reverse(dead_ops_.begin(), dead_ops_.end());
}

void GraphView::FindDominators() {
  dominators_.assign(end(), -1);
  depths_.assign(end(), 1);
  for (int node = first_op(); node < end(); ++node) {
    int common = -2;
    for (int other : inputs_[node]) {
      if (common == -2) common = other;
      while (common != other) {
        int& deeper =
            common >= 0 && (other < 0 || depths_[common] >= depths_[other]) ? common : other;
        deeper = dominators_[deeper];
      }
    }
    if (common == -2) common = -1;
    dominators_[node] = common;
    depths_[node] = common < 0 ? 1 : depths_[common] + 1;
  }
}

namespace {

/*! \brief Whether two extents differ as by a stride, not as by a border that was cut off. */
bool Differs(int64_t before, int64_t after) {
  if (before <= 0 || after <= 0) return false;
  return 3 * after <= 2 * before || 3 * before <= 2 * after;
}

int64_t HeightOf(const std::vector<int64_t>& shape, int axis) {
  return axis >= 0 && axis < static_cast<int>(shape.size()) ? shape[axis] : 0;
}

}  // namespace

int GraphView::StageOf(int node) {
  const Op& op = this->op(node);
  const int64_t height = heights_[node];
  const Kind kind = kinds_[node];
  const int input = only_input(node);
  if (input >= 0) {
    // Global pooling ends a stage's maps, or gates them; it opens no new stage.
    const bool resamples = kind == Kind::kConv || kind == Kind::kPool || kind == Kind::kOther;
    if (!resamples) return stages_[input];
    // A value whose layout is unknown is read in its reader's.
    if (heights_[input] == 0) heights_[input] = HeightOf(ShapeOf(input), op.height_axis);
    const bool strided = height < 0 && op.stride_h > 1;
    return stages_[input] + (strided || Differs(heights_[input], height) ? 1 : 0);
  }
  // A value that is broadcast to the others' height does not set the resolution.
  int same = -1, least = -1;
  for (int other : inputs_[node]) {
    least = least < 0 ? stages_[other] : std::min(least, stages_[other]);
    const bool known = height != 0 && heights_[other] != 0;
    if (known && !Differs(heights_[other], height)) {
      same = std::max(same, stages_[other]);
    }
  }
  return same >= 0 ? same : std::max(least, 0);
}

void GraphView::FindStages() {
  stages_.assign(end(), 0);
  heights_.assign(end(), 0);
  for (int node = first_op(); node < end(); ++node) {
    heights_[node] = HeightOf(op(node).shape, op(node).height_axis);
    stages_[node] = StageOf(node);
  }
}

const std::vector<int64_t>& GraphView::ShapeOf(int node) const {
  return is_op(node) ? op(node).shape : graph_.input_shapes[node];
}

void GraphView::AddStep(Step step) {
  const int to = step.ops.back();
  const auto& users = users_[step.from];
  const bool takes_all =
      !escapes_[step.from] && std::all_of(users.begin(), users.end(), [&](int user) {
        return std::binary_search(step.ops.begin(), step.ops.end(), user);
      });
  step_of_[to] = static_cast<int>(steps_.size());
  if (takes_all) next_step_[step.from] = step_of_[to];
  steps_.push_back(std::move(step));
}

void GraphView::FindRuns() {
  run_of_head_.assign(end(), -1);
  run_of_exit_.assign(end(), -1);
  for (int head = first_op(); head < end(); ++head) {
    if (!is_conv(head) || dead(head) || in_mixed_[head]) continue;
    Run run;
    run.head = head;
    run.ops = {head};
    if (const Mixed* mixed = mixed_at(head)) run.ops = mixed->ops;
    const int before = only_input(head);
    if (before >= 0 && kinds_[before] == Kind::kPad && only_input(before) >= 0 &&
        only_user(before) == head) {
      run.ops.insert(run.ops.begin(), before);
    }
    run.gated_ops = run.ops;
    int last = head;
    for (const Step* step = step_from(last); step != nullptr; step = step_from(last)) {
      run.gated |= step->excitation;
      run.gated_activated |= step->activation;
      run.gated_ops.insert(run.gated_ops.end(), step->ops.begin(), step->ops.end());
      if (!run.gated) {
        run.ops.insert(run.ops.end(), step->ops.begin(), step->ops.end());
        run.activated |= step->activation;
      }
      last = step->ops.back();
    }
    Normalize(&run.ops);
    Normalize(&run.gated_ops);
    run.exit = run.ops.back();
    run.gated_exit = last;
    run_of_head_[head] = static_cast<int>(runs_.size());
    run_of_exit_[last] = run_of_head_[head];
    runs_.push_back(std::move(run));
  }
}

const Run* GraphView::run_before(const Run& run, std::vector<int>* between) const {
  const auto feeds_run = [&](int node) {
    return !escapes_[node] && std::all_of(users_[node].begin(), users_[node].end(), [&](int user) {
      return std::binary_search(run.ops.begin(), run.ops.end(), user);
    });
  };
  int node = only_input(run.ops.front());
  for (bool first = true; node >= 0; first = false) {
    if (first ? !feeds_run(node) : only_user(node) < 0) return nullptr;
    if (kinds_[node] != Kind::kPad && kinds_[node] != Kind::kRearrange) break;
    between->push_back(node);
    node = only_input(node);
  }
  return node < 0 || run_of_exit_[node] < 0 ? nullptr : &runs_[run_of_exit_[node]];
}

}  // namespace cosearch::blocks
