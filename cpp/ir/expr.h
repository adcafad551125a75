// Mirrors of what Relax and TIR share: types, attributes and the expressions of namespace tvm.
#pragma once

#include <tvm/ffi/big_int.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/dtype.h>

#include "ir/mirror.h"

namespace cosearch::ir {

using ffi::Any;
using ffi::Array;
using ffi::Map;
using ffi::Object;
using ffi::ObjectRef;
using ffi::Optional;
using ffi::String;

class TypeNode : public Object {
 public:
  COSEARCH_NODE("ir.Type", Object);
};
COSEARCH_REF(Type, ObjectRef, TypeNode);

class PrimTypeNode : public TypeNode {
 public:
  COSEARCH_NODE("ir.PrimType", TypeNode);
  COSEARCH_FIELD(DLDataType, dtype);
};
COSEARCH_REF(PrimType, Type, PrimTypeNode);

class TupleTypeNode : public TypeNode {
 public:
  COSEARCH_NODE("ir.TupleType", TypeNode);
  COSEARCH_FIELD(Array<Type>, fields);
};
COSEARCH_REF(TupleType, Type, TupleTypeNode);

class AttrsNode : public Object {
 public:
  COSEARCH_NODE("ir.Attrs", Object);
};
COSEARCH_REF(Attrs, ObjectRef, AttrsNode);

class DictAttrsNode : public AttrsNode {
 public:
  using Dict = Map<String, Any>;
  COSEARCH_NODE("ir.DictAttrs", AttrsNode);
  COSEARCH_FIELD_AS(Dict, dict, "__dict__");
};
COSEARCH_REF(DictAttrs, Attrs, DictAttrsNode);

class ExprNode : public Object {
 public:
  COSEARCH_NODE("ir.Expr", Object);
  COSEARCH_FIELD(ObjectRef, span);
  COSEARCH_FIELD(Type, ty);
};
COSEARCH_REF(Expr, ObjectRef, ExprNode);

class BaseFuncNode : public ExprNode {
 public:
  COSEARCH_NODE("ir.BaseFunc", ExprNode);
  COSEARCH_FIELD(DictAttrs, attrs);
};
COSEARCH_REF(BaseFunc, Expr, BaseFuncNode);

class VarNode : public ExprNode {
 public:
  COSEARCH_NODE("ir.Var", ExprNode);
  COSEARCH_FIELD(String, name);
};
COSEARCH_REF(Var, Expr, VarNode);

class GlobalVarNode : public ExprNode {
 public:
  COSEARCH_NODE("ir.GlobalVar", ExprNode);
  COSEARCH_FIELD(String, name_hint);
};
COSEARCH_REF(GlobalVar, Expr, GlobalVarNode);

class OpNode : public ExprNode {
 public:
  COSEARCH_NODE("ir.Op", ExprNode);
  COSEARCH_FIELD(String, name);
};
COSEARCH_REF(Op, Expr, OpNode);

class CallNode : public ExprNode {
 public:
  COSEARCH_NODE("ir.Call", ExprNode);
  COSEARCH_FIELD(Expr, op);
  COSEARCH_FIELD(Array<Expr>, args);
  COSEARCH_FIELD(Attrs, attrs);
  COSEARCH_FIELD(Array<Type>, ty_args);
};
COSEARCH_REF(Call, Expr, CallNode);

class TupleNode : public ExprNode {
 public:
  COSEARCH_NODE("ir.Tuple", ExprNode);
  COSEARCH_FIELD(Array<Expr>, fields);
};
COSEARCH_REF(Tuple, Expr, TupleNode);

class TupleGetItemNode : public ExprNode {
 public:
  COSEARCH_NODE("ir.TupleGetItem", ExprNode);
  COSEARCH_FIELD(Expr, tuple_value);
  COSEARCH_FIELD(int32_t, index);
};
COSEARCH_REF(TupleGetItem, Expr, TupleGetItemNode);

class ConstantNode : public ExprNode {
 public:
  COSEARCH_NODE("ir.Constant", ExprNode);
};
COSEARCH_REF(Constant, Expr, ConstantNode);

class GenericConstNode : public ConstantNode {
 public:
  COSEARCH_NODE("ir.GenericConst", ConstantNode);
  COSEARCH_FIELD(Any, value);
};
COSEARCH_REF(GenericConst, Constant, GenericConstNode);

class IntImmNode : public ConstantNode {
 public:
  COSEARCH_NODE("ir.IntImm", ConstantNode);
  COSEARCH_FIELD(ffi::BigInt, value);
};
COSEARCH_REF(IntImm, Constant, IntImmNode);

class FloatImmNode : public ConstantNode {
 public:
  COSEARCH_NODE("ir.FloatImm", ConstantNode);
  COSEARCH_FIELD(double, value);
};
COSEARCH_REF(FloatImm, Constant, FloatImmNode);

class StringImmNode : public ConstantNode {
 public:
  COSEARCH_NODE("ir.StringImm", ConstantNode);
  COSEARCH_FIELD(String, value);
};
COSEARCH_REF(StringImm, Constant, StringImmNode);

class RangeNode : public Object {
 public:
  COSEARCH_NODE("ir.Range", Object);
  COSEARCH_FIELD(Expr, min);
  COSEARCH_FIELD(Expr, extent);
};
COSEARCH_REF(Range, ObjectRef, RangeNode);

class TensorLoadNode : public ExprNode {
 public:
  COSEARCH_NODE("ir.TensorLoad", ExprNode);
  COSEARCH_FIELD(Expr, source);
  COSEARCH_FIELD(Array<Expr>, indices);
};
COSEARCH_REF(TensorLoad, Expr, TensorLoadNode);

class TensorRegionNode : public ExprNode {
 public:
  COSEARCH_NODE("ir.TensorRegion", ExprNode);
  COSEARCH_FIELD(Expr, source);
  COSEARCH_FIELD(Array<Range>, region);
};
COSEARCH_REF(TensorRegion, Expr, TensorRegionNode);

}  // namespace cosearch::ir
