#include "blocks/block_signature.h"

#include <tvm/ffi/extra/structural_hash.h>

#include <string>
#include <unordered_set>

#include "blocks/hash_attrs.h"
#include "blocks/hash_pair.h"
#include "ir/attrs.h"
#include "ir/prim.h"

namespace cosearch::blocks {
namespace {

using ir::Expr;
using ir::Type;

// What an expression is, in the hashed sequence.
enum Tag : uint64_t {
  kRef = 1,
  kNewData,
  kNewWeight,
  kScalar,
  kInt,
  kFloat,
  kString,
  kTuple,
  kGetItem,
  kShape,
  kCall,
  kOperator,
  kExtern,
  kCallee,
  kCalleeName,
  kMatchCast,
  kOther,
  kTensor,
  kTupleType,
  kOtherType,
  kExtent,
  kSymbol,
  kExtentExpr,
  kUnknownShape,
};

uint64_t DTypeCode(DLDataType dtype) {
  return (uint64_t{dtype.code} << 32) | (uint64_t{dtype.bits} << 16) | dtype.lanes;
}

class GraphHasher {
 public:
  explicit GraphHasher(const SignedGraph& graph) : graph_(graph) {}

  Signature Run() {
    for (const ir::BindingNode* binding : graph_.order) AddBinding(binding);
    for (const Expr& result : graph_.results) AddExpr(result, Type());
    return hash_.Finish();
  }

 private:
  void AddBinding(const ir::BindingNode* binding) {
    const Type& type = binding->var()->ty();
    const Expr& value = BoundValue(binding);
    if (ir::As<ir::MatchCastNode>(binding)) {
      hash_.Both(kMatchCast);
    } else if (value.as<ir::VarNode>() || IsTensorConstant(value)) {
      aliases_.emplace(binding->var().get(), value);
      return;
    }
    AddExpr(value, type);
    AddType(type);
    Number(binding->var().get());
  }

  // `type` is the type of the value that the expression makes, null where it has none of its own.
  void AddExpr(const Expr& expr, const Type& type) {
    if (const auto* var = expr.as<ir::VarNode>()) {
      auto alias = aliases_.find(var);
      if (alias != aliases_.end()) return AddExpr(alias->second, type);
      AddSource(var, graph_.is_weight(var));
    } else if (const auto* call = expr.as<ir::CallNode>()) {
      AddCall(call, type.defined() ? type : expr->ty());
    } else if (const auto* tuple = expr.as<ir::TupleNode>()) {
      hash_.Both(kTuple);
      hash_.Both(tuple->fields().size());
      for (const Expr& field : tuple->fields()) AddExpr(field, Type());
    } else if (const auto* get = expr.as<ir::TupleGetItemNode>()) {
      hash_.Both(kGetItem);
      hash_.Both(get->index());
      AddExpr(get->tuple_value(), Type());
    } else if (const auto* shape = expr.as<ir::ShapeExprNode>()) {
      hash_.Both(kShape);
      AddExtents(shape->values());
    } else if (const auto* global = expr.as<ir::GlobalVarNode>()) {
      AddCallee(global);
    } else if (const auto* external = expr.as<ir::ExternFuncNode>()) {
      AddExtern(external);
    } else if (expr.as<ir::ConstantNode>()) {
      AddConstant(expr);
    } else {
      hash_.Both(kOther);
      AddOpaque(expr);
    }
  }

  void AddConstant(const Expr& expr) {
    if (IsTensorConstant(expr)) {
      AddSource(expr.get(), true);
    } else if (const auto* number = expr.as<ir::IntImmNode>()) {
      hash_.Both(kInt);
      hash_.Both(static_cast<int64_t>(number->value()));
    } else if (const auto* number = expr.as<ir::FloatImmNode>()) {
      hash_.Both(kFloat);
      hash_.Both(number->value());
    } else if (const auto* text = expr.as<ir::StringImmNode>()) {
      hash_.Both(kString);
      hash_.Both(std::string_view(text->value().data(), text->value().size()));
    } else if (std::optional<double> value = ScalarConstant(expr)) {
      hash_.Both(kScalar);
      AddType(expr->ty());
      hash_.Both(*value);
    } else {
      hash_.Both(kOther);
      AddOpaque(expr);
    }
  }

  // A value that is already numbered, or one that enters the graph and gets its number here.
  void AddSource(const ir::ExprNode* source, bool is_weight) {
    auto it = numbers_.find(source);
    if (it != numbers_.end()) {
      hash_.Both(kRef);
      hash_.Both(it->second);
      return;
    }
    hash_.Both(is_weight ? kNewWeight : kNewData);
    AddType(source->ty());
    Number(source);
  }

  void AddCall(const ir::CallNode* call, const Type& type) {
    hash_.Both(kCall);
    const auto* op = call->op().as<ir::OpNode>();
    AddCalled(call, op);
    HashAttrs(call->attrs(), AxisRank(call, op, type), &hash_);
    hash_.Both(call->args().size());
    const ir::WindowAttrs window = ir::ReadWindowAttrs(call->attrs());
    const bool slice = op != nullptr && op->name() == "relax.strided_slice";
    for (size_t i = 0; i < call->args().size(); ++i) {
      const Expr& arg = call->args()[i];
      // Where a slice begins and ends are extents; its axes and steps are not.
      if (slice && (i == 2 || i == 3)) {
        AddAware(arg);
        continue;
      }
      AddExpr(arg, Type());
      const bool kernel =
          i == 1 && (window.IsConv() || (op != nullptr && op->name() == "relax.matmul"));
      AddUnitDims(arg, type, kernel);
    }
    if (window.IsConv() && window.groups > 1) AddMultiplier(call, window);
  }

  void AddCalled(const ir::CallNode* call, const ir::OpNode* op) {
    if (op != nullptr) {
      hash_.Both(kOperator);
      hash_.Both(std::string_view(op->name().data(), op->name().size()));
    } else {
      AddExpr(call->op(), Type());
    }
  }

  void AddCallee(const ir::GlobalVarNode* global) {
    if (std::optional<Signature> signature = graph_.callee ? graph_.callee(global) : std::nullopt) {
      hash_.Both(kCallee);
      hash_.Both(*signature);
    } else {
      hash_.Both(kCalleeName);
      hash_.Both(std::string_view(global->name_hint().data(), global->name_hint().size()));
    }
  }

  void AddExtern(const ir::ExternFuncNode* external) {
    hash_.Both(kExtern);
    const ir::String& symbol = external->global_symbol();
    hash_.Both(std::string_view(symbol.data(), symbol.size()));
  }

  // Shape-agnostic, which extents are 1 tells a bias from a residual and a 1x1 kernel from a
  // larger one. Of data, 1 counts only where it is broadcast: a 1x1 resolution is an extent.
  void AddUnitDims(const Expr& arg, const Type& result, bool kernel) {
    const std::optional<std::vector<int64_t>> shape = StaticShape(arg->ty());
    if (!shape.has_value()) return;
    const auto* var = arg.as<ir::VarNode>();
    const bool absolute =
        kernel || IsTensorConstant(arg) || (var != nullptr && graph_.is_weight(var));
    const std::vector<int64_t> out = StaticShape(result).value_or(std::vector<int64_t>{});
    uint64_t unit = 1;
    for (size_t i = 0; i < shape->size(); ++i) {
      const size_t from_end = shape->size() - i;
      const bool broadcast = from_end <= out.size() && out[out.size() - from_end] != 1;
      unit = (unit << 1) | uint64_t{(*shape)[i] == 1 && (absolute || broadcast)};
    }
    hash_.Agnostic(unit);
  }

  // Depthwise convolutions with one filter a channel are another kernel than those with several.
  void AddMultiplier(const ir::CallNode* call, const ir::WindowAttrs& conv) {
    const size_t axis = conv.kernel_layout.find('O');
    const std::optional<std::vector<int64_t>> shape = StaticShape(call->args()[1]->ty());
    if (!shape.has_value() || axis >= shape->size()) return;
    hash_.Agnostic((*shape)[axis] == conv.groups);
  }

  static int AxisRank(const ir::CallNode* call, const ir::OpNode* op, const Type& result) {
    const bool of_result =
        op != nullptr && (op->name() == "relax.expand_dims" || op->name() == "relax.stack" ||
                          op->name() == "relax.concat");
    const Type& type = of_result || call->args().empty() ? result : call->args()[0]->ty();
    const auto* tensor = type.as<ir::TensorTypeNode>();
    return tensor != nullptr ? tensor->ndim() : -1;
  }

  void AddType(const Type& type) {
    if (const auto* tensor = type.as<ir::TensorTypeNode>()) {
      AddTensorType(tensor);
    } else if (const auto* prim = type.as<ir::PrimTypeNode>()) {
      hash_.Both(DTypeCode(prim->dtype()));
    } else if (const auto* tuple = type.as<ir::TupleTypeNode>()) {
      hash_.Both(kTupleType);
      hash_.Both(tuple->fields().size());
      for (const Type& field : tuple->fields()) AddType(field);
    } else if (const auto* shape = type.as<ir::ShapeTypeNode>()) {
      hash_.Both(kShape);
      hash_.Both(shape->ndim());
      if (shape->values().has_value()) AddExtents(shape->values().value());
    } else {
      hash_.Both(kOtherType);
      if (type.defined()) hash_.Both(std::string_view(type->GetTypeKey()));
    }
  }

  void AddTensorType(const ir::TensorTypeNode* tensor) {
    hash_.Both(kTensor);
    hash_.Both(tensor->ndim());
    if (tensor->dtype().has_value()) hash_.Both(DTypeCode(tensor->dtype().value()->dtype()));
    if (tensor->vdevice().has_value()) {
      const ir::String& scope = tensor->vdevice().value()->memory_scope();
      hash_.Both(std::string_view(scope.data(), scope.size()));
    }
    const auto* shape =
        tensor->shape().has_value() ? tensor->shape().value().as<ir::ShapeExprNode>() : nullptr;
    if (shape != nullptr) {
      AddExtents(shape->values());
    } else {
      hash_.Both(kUnknownShape);
    }
  }

  void AddExtents(const ir::Array<Expr>& extents) {
    hash_.Both(extents.size());
    for (const Expr& extent : extents) {
      const auto* literal = extent.as<ir::IntImmNode>();
      hash_.Agnostic(literal != nullptr);
      if (literal != nullptr) {
        hash_.Aware(kExtent);
        hash_.Aware(static_cast<int64_t>(literal->value()));
      } else {
        AddSymbolicExtent(extent);
      }
    }
  }

  // Symbols are numbered by first use.
  void AddSymbolicExtent(const Expr& extent) {
    if (const auto* symbol = extent.as<ir::VarNode>()) {
      const auto next = static_cast<int64_t>(symbols_.size());
      const auto it = symbols_.emplace(symbol, next).first;
      hash_.Aware(kSymbol);
      hash_.Aware(it->second);
    } else if (const auto* literal = extent.as<ir::IntImmNode>()) {
      hash_.Aware(kExtent);
      hash_.Aware(static_cast<int64_t>(literal->value()));
    } else {
      hash_.Aware(kExtentExpr);
      hash_.Aware(std::string_view(extent->GetTypeKey()));
      ir::VisitOperands(extent, [this](const Expr& operand) { AddSymbolicExtent(operand); });
    }
  }

  // Literals that count only where shapes do.
  void AddAware(const Expr& expr) {
    if (const auto* tuple = expr.as<ir::TupleNode>()) {
      hash_.Both(tuple->fields().size());
      for (const Expr& field : tuple->fields()) AddAware(field);
    } else if (const auto* literal = expr.as<ir::IntImmNode>()) {
      hash_.Aware(static_cast<int64_t>(literal->value()));
    } else {
      AddExpr(expr, Type());
    }
  }

  // A closure or a branch: rare, so TVM's structural hash serves, with the values that it reads.
  void AddOpaque(const Expr& expr) {
    hash_.Both(ir::ffi::StructuralHash::Hash(expr, /*map_free_vars=*/true));
    VisitValues(expr, [this](const ir::VarNode* var) {
      if (numbers_.count(var)) hash_.Both(numbers_.at(var));
    });
  }

  void Number(const ir::Object* value) {
    numbers_.emplace(value, static_cast<int64_t>(numbers_.size()));
  }

  const SignedGraph& graph_;
  HashPair hash_;
  std::unordered_map<const ir::Object*, int64_t> numbers_;
  std::unordered_map<const ir::Object*, int64_t> symbols_;
  std::unordered_map<const ir::Object*, Expr> aliases_;
};

}  // namespace

Signature SignGraph(const SignedGraph& graph) { return GraphHasher(graph).Run(); }

Signature SignFunction(const ir::RelaxFunctionNode* function, const CalleeSignature& callee) {
  Definitions definitions;
  std::vector<Expr> results;
  for (const ir::BindingBlock& block : function->body()->blocks()) {
    // Outside dataflow, effects count: every binding is a result, in program order.
    const bool effects = !block.as<ir::DataflowBlockNode>();
    for (const ir::Binding& binding : block->bindings()) {
      definitions.emplace(binding->var().get(), binding.get());
      if (effects) results.push_back(binding->var());
    }
  }
  results.push_back(function->body()->body());
  std::unordered_set<const ir::VarNode*> weights;
  const ir::Array<ir::Var>& params = function->params();
  for (size_t i = NumInput(function); i < params.size(); ++i) weights.insert(params[i].get());
  SignedGraph graph;
  graph.order = CanonicalOrder(definitions, results);
  graph.results = std::move(results);
  graph.is_weight = [&weights](const ir::VarNode* var) { return weights.count(var) != 0; };
  graph.callee = callee;
  return SignGraph(graph);
}

}  // namespace cosearch::blocks
