// Mirrors of the scalar expressions of namespace tvm::prim.
#pragma once

#include <optional>
#include <utility>

#include "ir/expr.h"

namespace cosearch::ir {

/*! \brief One of prim.Add, prim.Sub, … : they have no common parent, but the same two fields. */
#define COSEARCH_BINARY(Name)               \
  class Name##Node : public ExprNode {      \
   public:                                  \
    COSEARCH_NODE("prim." #Name, ExprNode); \
    COSEARCH_FIELD(Expr, a);                \
    COSEARCH_FIELD(Expr, b);                \
  };                                        \
  COSEARCH_REF(Name, Expr, Name##Node)

COSEARCH_BINARY(Add);
COSEARCH_BINARY(Sub);
COSEARCH_BINARY(Mul);
COSEARCH_BINARY(Div);
COSEARCH_BINARY(Mod);
COSEARCH_BINARY(FloorDiv);
COSEARCH_BINARY(FloorMod);
COSEARCH_BINARY(Min);
COSEARCH_BINARY(Max);
COSEARCH_BINARY(EQ);
COSEARCH_BINARY(NE);
COSEARCH_BINARY(LT);
COSEARCH_BINARY(LE);
COSEARCH_BINARY(GT);
COSEARCH_BINARY(GE);
COSEARCH_BINARY(And);
COSEARCH_BINARY(Or);

#undef COSEARCH_BINARY

class NotNode : public ExprNode {
 public:
  COSEARCH_NODE("prim.Not", ExprNode);
  COSEARCH_FIELD(Expr, a);
};
COSEARCH_REF(Not, Expr, NotNode);

class CastNode : public ExprNode {
 public:
  COSEARCH_NODE("prim.Cast", ExprNode);
  COSEARCH_FIELD(Expr, value);
};
COSEARCH_REF(Cast, Expr, CastNode);

class SelectNode : public ExprNode {
 public:
  COSEARCH_NODE("prim.Select", ExprNode);
  COSEARCH_FIELD(Expr, condition);
  COSEARCH_FIELD(Expr, true_value);
  COSEARCH_FIELD(Expr, false_value);
};
COSEARCH_REF(Select, Expr, SelectNode);

class LetNode : public ExprNode {
 public:
  COSEARCH_NODE("prim.Let", ExprNode);
  COSEARCH_FIELD(Var, var);
  COSEARCH_FIELD(Expr, value);
  COSEARCH_FIELD(Expr, body);
};
COSEARCH_REF(Let, Expr, LetNode);

/*! \brief Operands of a binary operator of namespace prim; nulls for any other expression. */
std::pair<const Expr*, const Expr*> BinaryOperands(const Expr& expr);

/*! \brief Calls \p visit for each operand of a scalar expression. */
template <typename Visit>
void VisitOperands(const Expr& expr, const Visit& visit) {
  if (auto [a, b] = BinaryOperands(expr); a != nullptr) {
    visit(*a);
    visit(*b);
  } else if (const auto* call = expr.as<CallNode>()) {
    for (const Expr& arg : call->args()) visit(arg);
  } else if (const auto* cast = expr.as<CastNode>()) {
    visit(cast->value());
  } else if (const auto* negation = expr.as<NotNode>()) {
    visit(negation->a());
  } else if (const auto* select = expr.as<SelectNode>()) {
    visit(select->condition());
    visit(select->true_value());
    visit(select->false_value());
  }
}

}  // namespace cosearch::ir
