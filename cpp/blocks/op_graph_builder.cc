#include "blocks/op_graph_builder.h"

#include <string>

#include "blocks/dataflow.h"
#include "ir/attrs.h"

namespace cosearch::blocks {
namespace {

using ir::Expr;
using ir::VarNode;

// Where channel and height are among the axes of a value.
struct Axes {
  int channel = -1;
  int height = -1;
  int rank = -1;

  bool Known() const { return channel >= 0; }
};

int RankOf(const ir::Type& type) {
  const auto* tensor = type.as<ir::TensorTypeNode>();
  return tensor != nullptr ? tensor->ndim() : -1;
}

int Find(const std::string& layout, char axis) {
  const size_t place = layout.find(axis);
  return place == std::string::npos ? -1 : static_cast<int>(place);
}

std::string MarkOf(const ir::VarNode* var) {
  const std::string name(var->name().data(), var->name().size());
  const std::string prefix(kMarkPrefix);
  if (name.compare(0, prefix.size(), prefix) != 0) return "";
  const size_t end = name.rfind('.');
  return end <= prefix.size() ? "" : name.substr(prefix.size(), end - prefix.size());
}

class Builder {
 public:
  Builder(const ir::RelaxFunctionNode* function, const ir::DataflowBlockNode* block)
      : block_(block) {
    const ir::Array<ir::Var>& params = function->params();
    const int64_t num_input = NumInput(function);
    for (size_t i = 0; i < params.size(); ++i) {
      if (static_cast<int64_t>(i) < num_input) {
        AddInput(params[i].get());
      } else {
        result_.weights.insert(params[i].get());
      }
    }
  }

  BlockGraph Run() {
    AddOuterValues();
    for (size_t place = 0; place < block_->bindings().size(); ++place) {
      AddBinding(block_->bindings()[place].get(), static_cast<int>(place));
    }
    SpreadAxesBackwards();
    return std::move(result_);
  }

 private:
  void AddInput(const VarNode* var) {
    values_.emplace(var, result_.graph.num_inputs++);
    result_.graph.input_shapes.push_back(StaticShape(var->ty()).value_or(std::vector<int64_t>{}));
    axes_.push_back({-1, -1, RankOf(var->ty())});
  }

  // Values that an earlier block of the function computed enter this one.
  void AddOuterValues() {
    std::unordered_set<const VarNode*> defined;
    for (const ir::Binding& binding : block_->bindings()) {
      VisitValues(BoundValue(binding.get()), [&](const VarNode* var) {
        if (!defined.count(var) && !values_.count(var) && !result_.weights.count(var)) {
          AddInput(var);
        }
      });
      defined.insert(binding->var().get());
    }
  }

  void AddBinding(const ir::BindingNode* binding, int place) {
    const VarNode* var = binding->var().get();
    const Expr& value = BoundValue(binding);
    if (IsTensorConstant(value)) {
      result_.weights.insert(var);
      return;
    }
    Op op;
    op.name = NameOf(binding, value);
    op.mark = MarkOf(var);
    op.shape = StaticShape(var->ty()).value_or(std::vector<int64_t>{});
    AddOperands(value, &op);
    if (op.inputs.empty() && op.num_weights > 0) result_.weights.insert(var);
    if (const auto* call = value.as<ir::CallNode>()) AddAttrs(call, &op);
    SetAxes(value, RankOf(var->ty()), &op);
    const int number = result_.graph.num_inputs + static_cast<int>(result_.graph.ops.size());
    values_.emplace(var, number);
    if (!var->IsInstance<ir::DataflowVarNode>()) result_.graph.outputs.push_back(number);
    result_.graph.ops.push_back(std::move(op));
    result_.bindings.push_back(binding);
    result_.places.push_back(place);
  }

  static std::string NameOf(const ir::BindingNode* binding, const Expr& value) {
    if (binding->IsInstance<ir::MatchCastNode>()) return "match_cast";
    if (const auto* call = value.as<ir::CallNode>()) {
      const auto* op = call->op().as<ir::OpNode>();
      return op != nullptr ? std::string(op->name().data(), op->name().size()) : "call";
    }
    if (value.as<ir::TupleNode>()) return "tuple";
    if (value.as<ir::TupleGetItemNode>()) return "get_item";
    if (value.as<VarNode>()) return "alias";
    if (value.as<ir::ConstantNode>() || value.as<ir::ShapeExprNode>()) return "constant";
    return "other";
  }

  void AddOperands(const Expr& value, Op* op) {
    if (const auto* var = value.as<VarNode>()) {
      auto it = values_.find(var);
      if (it != values_.end()) op->inputs.push_back(it->second);
      if (it == values_.end() && result_.weights.count(var)) ++op->num_weights;
    } else if (const auto* call = value.as<ir::CallNode>()) {
      for (const Expr& arg : call->args()) AddOperands(arg, op);
    } else if (const auto* tuple = value.as<ir::TupleNode>()) {
      for (const Expr& field : tuple->fields()) AddOperands(field, op);
    } else if (const auto* get = value.as<ir::TupleGetItemNode>()) {
      AddOperands(get->tuple_value(), op);
    } else if (IsTensorConstant(value)) {
      ++op->num_weights;
    } else if (std::optional<double> scalar = ScalarConstant(value)) {
      op->scalars.push_back(*scalar);
    } else if (const auto* number = value.as<ir::FloatImmNode>()) {
      op->scalars.push_back(number->value());
    } else if (const auto* number = value.as<ir::IntImmNode>()) {
      op->scalars.push_back(static_cast<double>(static_cast<int64_t>(number->value())));
    } else {
      VisitValues(value, [&](const VarNode* var) {
        auto it = values_.find(var);
        if (it != values_.end()) op->inputs.push_back(it->second);
      });
    }
  }

  void AddAttrs(const ir::CallNode* call, Op* op) {
    window_ = ir::ReadWindowAttrs(call->attrs());
    const int rank = call->args().empty() ? -1 : RankOf(call->args()[0]->ty());
    for (int64_t axis : ir::AxesOf(call->attrs())) {
      const int total = rank >= 0 ? rank : static_cast<int>(op->shape.size());
      op->axes.push_back(axis < 0 ? axis + total : axis);
    }
    if (window_.data_layout.empty()) return;
    if (!window_.strides.empty()) {
      op->stride_h = window_.strides.front();
      op->stride_w = window_.strides.back();
    }
    if (window_.IsConv()) {
      AddConv(call, op);
    } else if (!window_.pool_size.empty()) {
      op->kernel_h = window_.pool_size.front();
      op->kernel_w = window_.pool_size.back();
    }
  }

  void AddConv(const ir::CallNode* call, Op* op) {
    op->groups = window_.groups;
    const std::optional<std::vector<int64_t>> kernel = StaticShape(call->args()[1]->ty());
    auto extent = [&](char axis) {
      const int place = Find(window_.kernel_layout, axis);
      const bool known = kernel.has_value() && place >= 0 && place < (int)kernel->size();
      return known ? (*kernel)[place] : int64_t{0};
    };
    op->kernel_w = extent('W');
    op->kernel_h = Find(window_.kernel_layout, 'H') >= 0 ? extent('H') : 1;
    op->in_channels = extent('I') * window_.groups;
    op->out_channels = extent('O');
  }

  void SetAxes(const Expr& value, int rank, Op* op) {
    Axes axes{-1, -1, rank};
    const auto* call = value.as<ir::CallNode>();
    if (call != nullptr && !window_.data_layout.empty()) {
      axes = {Find(window_.data_layout, 'C'), Find(window_.data_layout, 'H'), rank};
    } else if (op->name == "relax.matmul") {
      axes.channel = rank - 1;
    } else if (op->name == "relax.permute_dims" && !op->inputs.empty()) {
      axes = Permute(axes_[op->inputs[0]], op->axes, rank);
    } else if (op->name != "relax.reshape") {
      for (int input : op->inputs) {
        if (!axes.Known() && axes_[input].rank == rank) axes = axes_[input];
      }
    }
    window_ = ir::WindowAttrs();
    op->channel_axis = axes.channel;
    op->height_axis = axes.height;
    axes_.push_back(axes);
  }

  static Axes Permute(const Axes& from, const std::vector<int64_t>& order, int rank) {
    Axes axes{-1, -1, rank};
    for (int i = 0; i < static_cast<int>(order.size()); ++i) {
      if (order[i] == from.channel) axes.channel = i;
      if (order[i] == from.height) axes.height = i;
    }
    return axes;
  }

  // What stands before the first convolution has the layout of what reads it.
  void SpreadAxesBackwards() {
    std::vector<Op>& ops = result_.graph.ops;
    const int first = result_.graph.num_inputs;
    for (int i = static_cast<int>(ops.size()) - 1; i >= 0; --i) {
      const Axes& axes = axes_[first + i];
      const bool rearranges = ops[i].name == "relax.permute_dims" || ops[i].name == "relax.reshape";
      if (!axes.Known() || rearranges) continue;
      for (int input : ops[i].inputs) {
        if (input < first || axes_[input].Known() || axes_[input].rank != axes.rank) continue;
        axes_[input] = axes;
        ops[input - first].channel_axis = axes.channel;
        ops[input - first].height_axis = axes.height;
      }
    }
  }

  const ir::DataflowBlockNode* block_;
  BlockGraph result_;
  std::unordered_map<const VarNode*, int> values_;
  std::vector<Axes> axes_;
  ir::WindowAttrs window_;
};

}  // namespace

BlockGraph BuildOpGraph(const ir::RelaxFunctionNode* function, const ir::DataflowBlockNode* block) {
  return Builder(function, block).Run();
}

}  // namespace cosearch::blocks
