#include "blocks/outline.h"

#include <string>
#include <unordered_set>

#include "blocks/substitution.h"
#include "ir/build.h"

namespace cosearch::blocks {

namespace ffi = ir::ffi;
using ir::Expr;
using ir::Type;

CanonicalRegion::CanonicalRegion(Outlining outlining) : outlining_(std::move(outlining)) {
  for (const ir::BindingNode* binding : outlining_.bindings) {
    definitions_.emplace(binding->var().get(), binding);
  }
  order_ = CanonicalOrder(definitions_, {outlining_.exit});
  CollectArgs();
  CollectSymbols();
  signature_ = SignGraph({order_, {outlining_.exit}, outlining_.is_weight, outlining_.callee});
}

void CanonicalRegion::CollectArgs() {
  std::unordered_set<const ir::Object*> seen;
  ir::Array<Expr> weights;
  auto add_constants = [&](const Expr& expr, auto& self) -> void {
    if (IsTensorConstant(expr)) {
      if (seen.insert(expr.get()).second) weights.push_back(expr);
    } else if (const auto* var = expr.as<ir::VarNode>()) {
      if (definitions_.count(var) || !seen.insert(var).second) return;
      (outlining_.is_weight(var) ? weights : args_).push_back(expr);
    } else if (const auto* call = expr.as<ir::CallNode>()) {
      if (!call->op().as<ir::OpNode>()) self(call->op(), self);
      for (const Expr& arg : call->args()) self(arg, self);
    } else if (const auto* tuple = expr.as<ir::TupleNode>()) {
      for (const Expr& field : tuple->fields()) self(field, self);
    } else {
      VisitValues(expr,
                  [&](const ir::VarNode* nested) { self(ffi::GetRef<ir::Var>(nested), self); });
    }
  };
  for (const ir::BindingNode* binding : order_) add_constants(BoundValue(binding), add_constants);
  num_input_ = static_cast<int64_t>(args_.size());
  for (const Expr& weight : weights) args_.push_back(weight);
}

void CanonicalRegion::CollectSymbols() {
  std::unordered_set<const ir::VarNode*> seen, defined;
  auto visit = [&](const ir::Var& symbol) {
    if (seen.insert(symbol.get()).second) symbols_.push_back(symbol);
  };
  for (const Expr& arg : args_) {
    if (!IsStatic(arg->ty())) VisitSymbols(arg->ty(), visit);
    for (const Expr& extent : Extents(arg->ty())) {
      if (const auto* symbol = extent.as<ir::VarNode>()) defined.insert(symbol);
    }
    if (const auto* var = arg.as<ir::VarNode>()) defined.insert(var);
  }
  for (const ir::BindingNode* binding : order_) {
    if (!IsStatic(binding->var()->ty())) VisitSymbols(binding->var()->ty(), visit);
    if (!IsStatic(BoundValue(binding))) VisitSymbols(BoundValue(binding), visit);
  }
  ir::Array<Expr> missing;
  for (const ir::Var& symbol : symbols_) {
    if (!defined.count(symbol.get())) missing.push_back(symbol);
  }
  if (missing.empty()) return;
  has_shape_arg_ = true;
  const Expr shape = ir::MakeShapeExpr(missing);
  args_.insert(args_.begin() + num_input_, shape);
  ++num_input_;
}

ir::RelaxFunction CanonicalRegion::ToFunction() const {
  Substitution substitution;
  substitution.set_symbolic(!symbols_.empty());
  for (const ir::Var& symbol : symbols_) {
    substitution.Set(symbol.get(), ir::MakeVar(symbol->name(), symbol->ty()));
  }
  ir::Array<ir::Var> params;
  for (size_t i = 0; i < args_.size(); ++i) {
    const bool is_data = static_cast<int64_t>(i) < num_input_;
    const std::string name = is_data ? "x" + std::to_string(i)
                                     : "w" + std::to_string(i - static_cast<size_t>(num_input_));
    // A symbol that is passed as a value is one variable in types and in the body.
    const bool is_symbol = substitution.Has(args_[i].get());
    const ir::Var param = is_symbol ? ffi::Any(substitution(args_[i])).cast<ir::Var>()
                                    : ir::MakeVar(name, substitution(args_[i]->ty()));
    substitution.Set(args_[i].get(), param);
    params.push_back(param);
  }
  ir::Array<ir::Binding> bindings;
  ir::Var exit;
  for (const ir::BindingNode* binding : order_) {
    const ir::Var& var = binding->var();
    const Expr value = substitution(BoundValue(binding));
    const Type type = substitution(var->ty());
    const bool is_exit = var.same_as(outlining_.exit);
    const std::string name = is_exit ? "gv" : "lv" + std::to_string(bindings.size());
    const ir::Var fresh = is_exit ? ir::MakeVar(name, type) : ir::MakeDataflowVar(name, type);
    substitution.Set(var.get(), fresh);
    if (is_exit) exit = fresh;
    bindings.push_back(ir::MakeVarBinding(fresh, value));
  }
  const Type result = substitution(outlining_.exit->ty());
  const ir::SeqExpr body = ir::MakeSeqExpr({ir::MakeDataflowBlock(bindings)}, exit, result);
  return ir::MakeFunction(params, body, result, /*is_pure=*/true, ir::DictAttrs());
}

}  // namespace cosearch::blocks
