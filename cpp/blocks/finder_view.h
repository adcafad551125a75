#pragma once

#include <utility>
#include <vector>

#include "finder_kinds.h"
#include "op_graph.h"

namespace cosearch::blocks {

/*!
 * \brief What one value becomes without a convolution of its own: a pointwise op, a pointwise
 * diamond (hard-swish, SiLU, GELU written out), or squeeze-and-excitation.
 */
struct Step {
  int from = -1;            // the value that goes in
  bool activation = false;  // nonlinear
  bool excitation = false;  // squeeze-and-excitation
  bool weights = false;     // norm, bias or scale by a tensor
  std::vector<int> ops;     // ascending; the last one is the value that comes out
};

/*! \brief A convolution or dense layer with what follows it and nothing else. */
struct Run {
  int head = -1;         // the convolution
  std::vector<int> ops;  // padding before, norms, biases and activations after; ascending
  int exit = -1;         // last of ops
  bool activated = false;
  std::vector<int> gated_ops;  // ops, continued through squeeze-and-excitation
  int gated_exit = -1;
  bool gated = false;            // there is squeeze-and-excitation
  bool gated_activated = false;  // an activation before or after it
};

/*!
 * \brief One convolution written as several (MixConv, Tan and Le 2019): the channels are split,
 * each part has its own window, and the parts are joined. The join stands for the convolution.
 */
struct Mixed {
  int from = -1;           // the value that is split
  bool depthwise = false;  // all are depthwise; otherwise all are 1×1
  std::vector<int> ops;    // ascending; the last one is the join
};

/*!
 * \brief An OpGraph with all that matchers ask of it. Nodes are values: 0 .. num_inputs-1, then one
 * per op; an op and its value have one number.
 */
class GraphView {
 public:
  explicit GraphView(const OpGraph& graph);

  const OpGraph& graph() const { return graph_; }
  int first_op() const { return graph_.num_inputs; }
  int end() const { return static_cast<int>(kinds_.size()); }
  const Op& op(int node) const { return graph_.ops[node - graph_.num_inputs]; }
  Kind kind(int node) const { return kinds_[node]; }
  bool is_op(int node) const { return node >= graph_.num_inputs; }

  /*! \brief Distinct values read that depend on data, in argument order. */
  const std::vector<int>& inputs(int node) const { return inputs_[node]; }
  /*! \brief The one value that `node` reads, or -1. */
  int only_input(int node) const { return inputs_[node].size() == 1 ? inputs_[node][0] : -1; }
  /*! \brief Live ops that read `node`, ascending, each once. */
  const std::vector<int>& users(int node) const { return users_[node]; }
  /*! \brief The one user of `node`; -1 where there are more or the value lives on. */
  int only_user(int node) const {
    return users_[node].size() == 1 && !escapes_[node] ? users_[node][0] : -1;
  }
  /*! \brief Whether the value lives on after the graph. */
  bool escapes(int node) const { return escapes_[node]; }
  /*! \brief Whether nothing that lives on needs the value. */
  bool dead(int node) const { return users_[node].empty() && !escapes_[node]; }
  const std::vector<int>& dead_ops() const { return dead_ops_; }
  /*! \brief Whether some ops are computed from weights alone. */
  bool has_constants() const { return has_constants_; }
  /*! \brief Immediate dominator: the last value that every path from the inputs to `node` passes;
   *  -1 where there is none. */
  int dominator(int node) const { return dominators_[node]; }

  /*! \brief Changes of resolution from the input to this value. */
  int stage(int node) const { return stages_[node]; }
  /*! \brief Extent of the value's height; 0 without one, -1 for a symbolic one. */
  int64_t height(int node) const { return heights_[node]; }

  /*! \brief The step that ends at `node`, or nullptr. */
  const Step* step_to(int node) const {
    return step_of_[node] < 0 ? nullptr : &steps_[step_of_[node]];
  }
  /*! \brief The step that takes up every use of `node`, or nullptr. */
  const Step* step_from(int node) const {
    return next_step_[node] < 0 ? nullptr : &steps_[next_step_[node]];
  }

  const std::vector<Run>& runs() const { return runs_; }
  /*! \brief What a convolution reads. */
  int conv_input(int head) const {
    const Mixed* mixed = mixed_at(head);
    return mixed != nullptr ? mixed->from : only_input(head);
  }
  /*! \brief The convolutions by groups of channels that are joined at `node`, or nullptr. */
  const Mixed* mixed_at(int node) const {
    return mixed_of_[node] < 0 ? nullptr : &mixed_[mixed_of_[node]];
  }
  /*! \brief The run of this convolution. */
  const Run& run_of(int head) const { return runs_[run_of_head_[head]]; }
  /*!
   * \brief The run whose (gated) exit feeds this run's head and nothing else, or nullptr.
   * \param between Receives padding and rearrangements on the way.
   */
  const Run* run_before(const Run& run, std::vector<int>* between) const;

  bool is_conv(int node) const {
    return kinds_[node] == Kind::kConv || kinds_[node] == Kind::kDense;
  }
  /*! \brief One filter per channel. */
  bool is_depthwise(int node) const {
    if (const Mixed* mixed = mixed_at(node)) return mixed->depthwise;
    return kinds_[node] == Kind::kConv && op(node).groups > 1 &&
           op(node).groups == op(node).in_channels;
  }
  /*! \brief A 1×1 convolution (or a dense layer). */
  bool is_pointwise_conv(int node) const {
    if (const Mixed* mixed = mixed_at(node)) return !mixed->depthwise;
    return is_conv(node) && op(node).kernel_h <= 1 && op(node).kernel_w <= 1;
  }
  /*! \brief A convolution with a window, not depthwise. */
  bool is_spatial_conv(int node) const {
    return kinds_[node] == Kind::kConv && !is_pointwise_conv(node) && !is_depthwise(node);
  }

 private:
  const std::vector<int64_t>& ShapeOf(int node) const;
  void Connect();
  void FindDominators();
  int StageOf(int node);
  void FindStages();
  void FindMixed();  // finder_mixed.cc
  void FindSteps();  // finder_steps.cc
  void AddStep(Step step);
  void FindRuns();

  const OpGraph& graph_;
  std::vector<Kind> kinds_;
  std::vector<std::vector<int>> inputs_, users_;
  std::vector<char> escapes_;
  std::vector<int> dead_ops_;
  bool has_constants_ = false;
  std::vector<int> dominators_, depths_;
  std::vector<int> stages_;
  std::vector<int64_t> heights_;
  std::vector<Mixed> mixed_;
  std::vector<int> mixed_of_;
  std::vector<char> in_mixed_;
  std::vector<Step> steps_;
  std::vector<int> step_of_, next_step_;
  std::vector<Run> runs_;
  std::vector<int> run_of_head_, run_of_exit_;
};

/*! \brief Sort and make distinct. */
void Normalize(std::vector<int>* nodes);

}  // namespace cosearch::blocks
