// Mirrors of Relax: types, expressions, bindings and functions.
#pragma once

#include "ir/expr.h"

namespace cosearch::ir {

class VDeviceNode : public Object {
 public:
  // Its parent, ir.GlobalInfo, adds a level but no field.
  struct Parent {
    static constexpr int32_t _type_depth = Object::_type_depth + 1;
  };
  COSEARCH_NODE("relax.VDevice", Parent);
  COSEARCH_FIELD(String, memory_scope);
};
COSEARCH_REF(VDevice, ObjectRef, VDeviceNode);

class TensorTypeNode : public TypeNode {
 public:
  COSEARCH_NODE("relax.TensorType", TypeNode);
  COSEARCH_FIELD(Optional<Expr>, shape);
  COSEARCH_FIELD(Optional<PrimType>, dtype);
  COSEARCH_FIELD(Optional<VDevice>, vdevice);
  COSEARCH_FIELD(int32_t, ndim);
};
COSEARCH_REF(TensorType, Type, TensorTypeNode);

class ShapeTypeNode : public TypeNode {
 public:
  COSEARCH_NODE("relax.ShapeType", TypeNode);
  COSEARCH_FIELD(Optional<Array<Expr>>, values);
  COSEARCH_FIELD(int32_t, ndim);
};
COSEARCH_REF(ShapeType, Type, ShapeTypeNode);

class DataflowVarNode : public VarNode {
 public:
  COSEARCH_NODE("relax.expr.DataflowVar", VarNode);
};
COSEARCH_REF(DataflowVar, Var, DataflowVarNode);

class ShapeExprNode : public ExprNode {
 public:
  COSEARCH_NODE("relax.expr.ShapeExpr", ExprNode);
  COSEARCH_FIELD(Array<Expr>, values);
};
COSEARCH_REF(ShapeExpr, Expr, ShapeExprNode);

class BindingNode : public Object {
 public:
  COSEARCH_NODE("relax.expr.Binding", Object);
  COSEARCH_FIELD(ObjectRef, span);
  COSEARCH_FIELD(Var, var);
};
COSEARCH_REF(Binding, ObjectRef, BindingNode);

class VarBindingNode : public BindingNode {
 public:
  COSEARCH_NODE("relax.expr.VarBinding", BindingNode);
  COSEARCH_FIELD(Expr, value);
};
COSEARCH_REF(VarBinding, Binding, VarBindingNode);

class MatchCastNode : public BindingNode {
 public:
  COSEARCH_NODE("relax.expr.MatchCast", BindingNode);
  COSEARCH_FIELD(Expr, value);
  COSEARCH_FIELD(Type, ty);
};
COSEARCH_REF(MatchCast, Binding, MatchCastNode);

class BindingBlockNode : public Object {
 public:
  COSEARCH_NODE("relax.expr.BindingBlock", Object);
  COSEARCH_FIELD(Array<Binding>, bindings);
  COSEARCH_FIELD(ObjectRef, span);
};
COSEARCH_REF(BindingBlock, ObjectRef, BindingBlockNode);

class DataflowBlockNode : public BindingBlockNode {
 public:
  COSEARCH_NODE("relax.expr.DataflowBlock", BindingBlockNode);
};
COSEARCH_REF(DataflowBlock, BindingBlock, DataflowBlockNode);

class SeqExprNode : public ExprNode {
 public:
  COSEARCH_NODE("relax.expr.SeqExpr", ExprNode);
  COSEARCH_FIELD(Array<BindingBlock>, blocks);
  COSEARCH_FIELD(Expr, body);
};
COSEARCH_REF(SeqExpr, Expr, SeqExprNode);

class RelaxFunctionNode : public BaseFuncNode {
 public:
  COSEARCH_NODE("relax.expr.Function", BaseFuncNode);
  COSEARCH_FIELD(Array<Var>, params);
  COSEARCH_FIELD(SeqExpr, body);
  COSEARCH_FIELD(Type, ret_ty);
  COSEARCH_FIELD(bool, is_pure);
};
COSEARCH_REF(RelaxFunction, BaseFunc, RelaxFunctionNode);

class ExternFuncNode : public BaseFuncNode {
 public:
  COSEARCH_NODE("relax.expr.ExternFunc", BaseFuncNode);
  COSEARCH_FIELD(String, global_symbol);
};
COSEARCH_REF(ExternFunc, BaseFunc, ExternFuncNode);

}  // namespace cosearch::ir
