#include "blocks/index_terms.h"

#include "ir/prim.h"

namespace cosearch::blocks {
namespace {

using ir::Expr;

bool IsInteger(const Expr& expr) {
  const auto* type = expr->ty().as<ir::PrimTypeNode>();
  return type != nullptr && type->dtype().code == kDLInt;
}

bool ReadsBuffer(const Expr& expr) {
  if (expr.as<ir::VarNode>() || expr.as<ir::ConstantNode>()) return false;
  if (expr.as<ir::TensorLoadNode>()) return true;
  bool reads = false;
  bool has_operands = false;
  ir::VisitOperands(expr, [&](const Expr& operand) {
    has_operands = true;
    reads = reads || ReadsBuffer(operand);
  });
  return reads || !has_operands;
}

}  // namespace

void AddToSum(const Expr& expr, int64_t scale, IndexSum* sum) {
  if (const auto* literal = expr.as<ir::IntImmNode>()) {
    sum->offset += scale * static_cast<int64_t>(literal->value());
  } else if (const auto* add = expr.as<ir::AddNode>()) {
    AddToSum(add->a(), scale, sum);
    AddToSum(add->b(), scale, sum);
  } else if (const auto* sub = expr.as<ir::SubNode>()) {
    AddToSum(sub->a(), scale, sum);
    AddToSum(sub->b(), -scale, sum);
  } else if (const auto* cast = expr.as<ir::CastNode>(); cast && IsInteger(cast->value())) {
    AddToSum(cast->value(), scale, sum);
  } else if (const auto* mul = expr.as<ir::MulNode>()) {
    const auto* right = mul->b().as<ir::IntImmNode>();
    const auto* left = mul->a().as<ir::IntImmNode>();
    if (right != nullptr) {
      AddToSum(mul->a(), scale * static_cast<int64_t>(right->value()), sum);
    } else if (left != nullptr) {
      AddToSum(mul->b(), scale * static_cast<int64_t>(left->value()), sum);
    } else {
      sum->terms.push_back({scale, expr});
    }
  } else {
    sum->terms.push_back({scale, expr});
  }
}

bool IsIndex(const Expr& expr) {
  return !expr.as<ir::IntImmNode>() && IsInteger(expr) && !ReadsBuffer(expr);
}

}  // namespace cosearch::blocks
