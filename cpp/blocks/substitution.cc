#include "blocks/substitution.h"

#include <tvm/ffi/extra/structural_mutate.h>
#include <tvm/ffi/extra/structural_visit.h>

#include "ir/build.h"

namespace cosearch::blocks {
namespace {

namespace ffi = ir::ffi;
using ir::Expr;
using ir::Type;

bool AreLiterals(const ir::Array<Expr>& extents) {
  for (const Expr& extent : extents) {
    if (!extent.as<ir::IntImmNode>()) return false;
  }
  return true;
}

template <typename Element>
bool AreStatic(const ir::Array<Element>& elements) {
  for (const Element& element : elements) {
    if (!IsStatic(element)) return false;
  }
  return true;
}

bool IsLeaf(const Expr& expr) {
  return expr.as<ir::VarNode>() || expr.as<ir::ConstantNode>() || expr.as<ir::GlobalVarNode>() ||
         expr.as<ir::ShapeExprNode>() || expr.as<ir::ExternFuncNode>();
}

}  // namespace

ir::Array<Expr> Extents(const Type& type) {
  if (const auto* tensor = type.as<ir::TensorTypeNode>()) {
    if (!tensor->shape().has_value()) return {};
    const auto* shape = tensor->shape().value().as<ir::ShapeExprNode>();
    return shape != nullptr ? shape->values() : ir::Array<Expr>();
  }
  const auto* shape = type.as<ir::ShapeTypeNode>();
  return shape != nullptr && shape->values().has_value() ? shape->values().value()
                                                         : ir::Array<Expr>();
}

bool IsStatic(const Type& type) {
  if (type.as<ir::TensorTypeNode>()) return AreLiterals(Extents(type));
  if (const auto* tuple = type.as<ir::TupleTypeNode>()) return AreStatic(tuple->fields());
  return !type.as<ir::ShapeTypeNode>() && !type.as<ir::PrimTypeNode>();
}

bool IsStatic(const Expr& value) {
  if (const auto* call = value.as<ir::CallNode>()) {
    return AreStatic(call->args()) && AreStatic(call->ty_args());
  }
  if (const auto* shape = value.as<ir::ShapeExprNode>()) return AreLiterals(shape->values());
  if (const auto* tuple = value.as<ir::TupleNode>()) return AreStatic(tuple->fields());
  return IsLeaf(value) || value.as<ir::TupleGetItemNode>();
}

void VisitSymbols(const ir::ObjectRef& root, const std::function<void(const ir::Var&)>& visit) {
  ffi::StructuralWalk<ffi::WalkOrder::kPreOrder>(
      ffi::AnyView(root), [&](const ir::Var& var) -> ffi::Expected<ffi::WalkResult> {
        if (!var->ty().as<ir::PrimTypeNode>()) return ffi::WalkResult::Skip();
        visit(var);
        return ffi::WalkResult::Advance();
      });
}

Expr Substitution::operator()(const Expr& expr) const {
  auto it = map_.find(expr.get());
  if (it != map_.end()) return it->second;
  const auto* call = expr.as<ir::CallNode>();
  if (symbolic_ || call == nullptr) return Map(expr).cast<Expr>();
  // The general map would walk types and attributes as well.
  ir::Array<Expr> args;
  for (const Expr& arg : call->args()) args.push_back(IsLeaf(arg) ? Leaf(arg) : (*this)(arg));
  return ir::MakeCall(call->ty(), call->op(), args, call->attrs(), call->ty_args());
}

Type Substitution::operator()(const Type& type) const {
  return symbolic_ ? Map(type).cast<Type>() : type;
}

Expr Substitution::Leaf(const Expr& expr) const {
  auto it = map_.find(expr.get());
  return it == map_.end() ? expr : it->second;
}

ir::Any Substitution::Map(const ir::Any& node) const {
  return ffi::StructuralMap<ffi::WalkOrder::kPreOrder>(
      node, [&](const ir::Var& var) -> ir::Any { return Leaf(var); },
      [&](const ir::GenericConst& constant) -> ir::Any { return Leaf(constant); });
}

}  // namespace cosearch::blocks
