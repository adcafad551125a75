"""The mirrors of TVM's nodes: every key and field is there, and a wrong expectation is refused."""

import pytest
import tvm  # noqa: F401 - loads the core
import tvm_ffi

EXPECTATIONS = [
    (str(key), str(field), int(size), int(static))
    for key, field, size, static in tvm_ffi.get_global_func("cosearch.ir.ListExpectations")()
]
MIRRORED = """
    ir.Type ir.PrimType ir.TupleType ir.Attrs ir.DictAttrs ir.Expr ir.BaseFunc ir.Var ir.GlobalVar
    ir.Op ir.Call ir.Tuple ir.TupleGetItem ir.Constant ir.GenericConst ir.IntImm ir.FloatImm
    ir.StringImm ir.Range ir.TensorLoad ir.TensorRegion ir.IRModule transform.PassContext
    prim.Add prim.Sub prim.Mul prim.Div prim.Mod prim.FloorDiv prim.FloorMod prim.Min prim.Max
    prim.EQ prim.NE prim.LT prim.LE prim.GT prim.GE prim.And prim.Or prim.Not prim.Cast prim.Select
    prim.Let relax.VDevice relax.TensorType relax.ShapeType relax.expr.DataflowVar
    relax.expr.ShapeExpr relax.expr.Binding relax.expr.VarBinding relax.expr.MatchCast
    relax.expr.BindingBlock relax.expr.DataflowBlock relax.expr.SeqExpr relax.expr.Function
    relax.expr.ExternFunc relax.attrs.Conv2DAttrs relax.attrs.Pool2DAttrs relax.attrs.ConcatAttrs
    relax.attrs.StatisticalAttrs tirx.BufferType tirx.IterVar tirx.Stmt tirx.SeqStmt tirx.For
    tirx.BufferStore tirx.Evaluate tirx.IfThenElse tirx.While tirx.Bind tirx.AttrStmt
    tirx.AllocBuffer s_tir.MatchBufferRegion s_tir.SBlock s_tir.SBlockRealize
    tirx.PrimFunc
""".split()


def check(*expectation):
    tvm_ffi.get_global_func("cosearch.ir.CheckExpectation")(*expectation)


def test_every_mirrored_type_is_expected():
    assert sorted({key for key, *_ in EXPECTATIONS}) == sorted(MIRRORED)


@pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda e: ".".join(e[:2]).strip("."))
def test_expectation_holds(expectation):
    check(*expectation)


def test_unknown_type_is_refused():
    with pytest.raises(RuntimeError, match=r"no type `relax\.expr\.Gone`.*0\.27\.0\.post1"):
        check("relax.expr.Gone", "", 1, 0)


def test_unknown_field_is_refused():
    with pytest.raises(RuntimeError, match=r"`ir\.Call` has no field `arguments`"):
        check("ir.Call", "arguments", 8, 71)


def test_wrong_depth_is_refused():
    with pytest.raises(RuntimeError, match=r"`ir\.Call` is at depth 2.* depth 3 was expected"):
        check("ir.Call", "", 3, 0)


@pytest.mark.parametrize("size, static", [(16, 71), (8, 64)])
def test_wrong_field_is_refused(size, static):
    found = r"`ir\.Call\.args` has 8 bytes of static type 71"
    with pytest.raises(RuntimeError, match=f"{found}, where {size} bytes of static type {static}"):
        check("ir.Call", "args", size, static)
