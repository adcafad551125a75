#include "ir/prim.h"

namespace cosearch::ir {
namespace {

using Operands = std::pair<const Expr*, const Expr*>;

template <typename... Nodes>
Operands FirstOf(const Expr& expr) {
  Operands operands{nullptr, nullptr};
  auto matches = [&](const auto* node) {
    if (node == nullptr) return false;
    operands = {&node->a(), &node->b()};
    return true;
  };
  static_cast<void>((matches(expr.as<Nodes>()) || ...));
  return operands;
}

}  // namespace

Operands BinaryOperands(const Expr& expr) {
  return FirstOf<AddNode, MulNode, SubNode, LTNode, LENode, AndNode, FloorDivNode, FloorModNode,
                 MaxNode, MinNode, DivNode, ModNode, GTNode, GENode, EQNode, NENode, OrNode>(expr);
}

}  // namespace cosearch::ir
