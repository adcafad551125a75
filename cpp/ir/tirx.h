// Mirrors of TIR's statements, buffers and functions.
#pragma once

#include "ir/expr.h"

namespace cosearch::ir {

class BufferTypeNode : public TypeNode {
 public:
  COSEARCH_NODE("tirx.BufferType", TypeNode);
  COSEARCH_FIELD(PrimType, dtype);
  COSEARCH_FIELD(String, storage_scope);
  COSEARCH_FIELD(Array<Expr>, shape);
  COSEARCH_FIELD(Array<Expr>, strides);
};
COSEARCH_REF(BufferType, Type, BufferTypeNode);

/*! \brief Value of IterVar::iter_type for a reduction, tirx.IterVar.CommReduce. */
constexpr int32_t kCommReduce = 2;

class IterVarNode : public Object {
 public:
  // Its parent, ir.PrimExprConvertible, adds a level but no field.
  struct Parent {
    static constexpr int32_t _type_depth = Object::_type_depth + 1;
  };
  COSEARCH_NODE("tirx.IterVar", Parent);
  COSEARCH_FIELD(Range, dom);
  COSEARCH_FIELD(Var, var);
  COSEARCH_FIELD(int32_t, iter_type);
  COSEARCH_FIELD(String, thread_tag);
};
COSEARCH_REF(IterVar, ObjectRef, IterVarNode);

class StmtNode : public Object {
 public:
  COSEARCH_NODE("tirx.Stmt", Object);
};
COSEARCH_REF(Stmt, ObjectRef, StmtNode);

class SeqStmtNode : public StmtNode {
 public:
  COSEARCH_NODE("tirx.SeqStmt", StmtNode);
  COSEARCH_FIELD(Array<Stmt>, seq);
};
COSEARCH_REF(SeqStmt, Stmt, SeqStmtNode);

class ForNode : public StmtNode {
 public:
  COSEARCH_NODE("tirx.For", StmtNode);
  COSEARCH_FIELD(Var, loop_var);
  COSEARCH_FIELD(Expr, min);
  COSEARCH_FIELD(Expr, extent);
  COSEARCH_FIELD(int32_t, kind);
  COSEARCH_FIELD(Stmt, body);
  COSEARCH_FIELD(Optional<IterVar>, thread_binding);
};
COSEARCH_REF(For, Stmt, ForNode);

class BufferStoreNode : public StmtNode {
 public:
  COSEARCH_NODE("tirx.BufferStore", StmtNode);
  COSEARCH_FIELD(Var, buffer);
  COSEARCH_FIELD(Expr, value);
  COSEARCH_FIELD(Array<Expr>, indices);
};
COSEARCH_REF(BufferStore, Stmt, BufferStoreNode);

class EvaluateNode : public StmtNode {
 public:
  COSEARCH_NODE("tirx.Evaluate", StmtNode);
  COSEARCH_FIELD(Expr, value);
};
COSEARCH_REF(Evaluate, Stmt, EvaluateNode);

class IfThenElseNode : public StmtNode {
 public:
  COSEARCH_NODE("tirx.IfThenElse", StmtNode);
  COSEARCH_FIELD(Expr, condition);
  COSEARCH_FIELD(Stmt, then_case);
  COSEARCH_FIELD(Optional<Stmt>, else_case);
};
COSEARCH_REF(IfThenElse, Stmt, IfThenElseNode);

class WhileNode : public StmtNode {
 public:
  COSEARCH_NODE("tirx.While", StmtNode);
  COSEARCH_FIELD(Expr, condition);
  COSEARCH_FIELD(Stmt, body);
};
COSEARCH_REF(While, Stmt, WhileNode);

class BindNode : public StmtNode {
 public:
  COSEARCH_NODE("tirx.Bind", StmtNode);
  COSEARCH_FIELD(Var, var);
  COSEARCH_FIELD(Expr, value);
};
COSEARCH_REF(Bind, Stmt, BindNode);

class AttrStmtNode : public StmtNode {
 public:
  COSEARCH_NODE("tirx.AttrStmt", StmtNode);
  COSEARCH_FIELD(String, attr_key);
  COSEARCH_FIELD(Expr, value);
  COSEARCH_FIELD(Stmt, body);
};
COSEARCH_REF(AttrStmt, Stmt, AttrStmtNode);

class AllocBufferNode : public StmtNode {
 public:
  COSEARCH_NODE("tirx.AllocBuffer", StmtNode);
  COSEARCH_FIELD(Var, buffer);
};
COSEARCH_REF(AllocBuffer, Stmt, AllocBufferNode);

class MatchBufferRegionNode : public Object {
 public:
  COSEARCH_NODE("s_tir.MatchBufferRegion", Object);
  COSEARCH_FIELD(Var, buffer);
  COSEARCH_FIELD(TensorRegion, source);
};
COSEARCH_REF(MatchBufferRegion, ObjectRef, MatchBufferRegionNode);

class SBlockNode : public StmtNode {
 public:
  COSEARCH_NODE("s_tir.SBlock", StmtNode);
  COSEARCH_FIELD(Array<IterVar>, iter_vars);
  COSEARCH_FIELD(Array<Var>, alloc_buffers);
  COSEARCH_FIELD(Array<MatchBufferRegion>, match_buffers);
  COSEARCH_FIELD(Optional<Stmt>, init);
  COSEARCH_FIELD(Stmt, body);
};
COSEARCH_REF(SBlock, Stmt, SBlockNode);

class SBlockRealizeNode : public StmtNode {
 public:
  COSEARCH_NODE("s_tir.SBlockRealize", StmtNode);
  COSEARCH_FIELD(Array<Expr>, iter_values);
  COSEARCH_FIELD(Expr, predicate);
  COSEARCH_FIELD(SBlock, block);
};
COSEARCH_REF(SBlockRealize, Stmt, SBlockRealizeNode);

class PrimFuncNode : public BaseFuncNode {
 public:
  COSEARCH_NODE("tirx.PrimFunc", BaseFuncNode);
  COSEARCH_FIELD(Array<Var>, params);
  COSEARCH_FIELD(Stmt, body);
};
COSEARCH_REF(PrimFunc, BaseFunc, PrimFuncNode);

}  // namespace cosearch::ir
