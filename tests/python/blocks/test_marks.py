"""Explicit marks: functions with an attribute, and variables with a name."""

import numpy as np
import pytest
from tvm import relax
from tvm.ir import assert_structural_equal
from tvm.script import ir as I
from tvm.script import relax as R

from cosearch.blocks import MARK_PREFIX, InlineBlocks, LiftBlocks, find_blocks


def marked_names(rename):
    """A chain of ops, the variable of each one named by `rename(index)`."""
    x = relax.Var("x", relax.TensorType((1, 8, 8, 4), "float32"))
    ops = [relax.op.exp, relax.op.sqrt, relax.op.nn.relu, relax.op.tanh, relax.op.abs]
    builder = relax.BlockBuilder()
    with builder.function("main", [x]):
        with builder.dataflow():
            y = x
            for i, op in enumerate(ops):
                # BlockBuilder.emit would put an underscore for each dot of a name.
                value = builder.normalize(op(y))
                y = relax.DataflowVar(rename(i), value.ty)
                builder.emit_normalized(relax.VarBinding(y, value))
            y = builder.emit_output(relax.op.exp(y))
        builder.emit_func_output(y)
    return builder.finalize()


def test_ops_between_the_first_and_the_last_belong_to_the_mark():
    mod = marked_names(lambda i: f"{MARK_PREFIX}stem.act.{i}" if i in (1, 3) else f"lv{i}")
    blocks = [b for b in find_blocks(mod) if b.pattern == "marked"]
    assert [(b.mark, b.ops) for b in blocks] == [
        ("stem.act", ("relax.sqrt", "relax.nn.relu", "relax.tanh"))
    ]
    lifted = LiftBlocks(["marked"])(mod)
    (function,) = (f for f in lifted.functions.values() if "cosearch.block" in f.attrs)
    assert function.attrs["cosearch.mark"] == "stem.act"
    assert function.attrs["cosearch.block"] == "marked"


def test_other_patterns_leave_marks_alone():
    mod = marked_names(lambda i: f"{MARK_PREFIX}a.{i}" if i < 2 else f"lv{i}")
    assert not find_blocks(mod, ["mbconv"])


W = np.full((4, 4), 0.5, "float32")


@I.ir_module
class MarkedFunction:
    @R.function(private=True)
    def head(x: R.Tensor((2, 4), "float32")) -> R.Tensor((2, 4), "float32"):
        R.func_attr({"cosearch.mark": "head"})
        with R.dataflow():
            a = R.matmul(x, R.const(W))
            b = R.nn.relu(a)
            R.output(b)
        return b

    @R.function
    def main(x: R.Tensor((2, 4), "float32")) -> R.Tensor((2, 4), "float32"):
        cls = MarkedFunction
        with R.dataflow():
            a = cls.head(x)
            b = R.exp(a)
            c = cls.head(b)
            R.output(c)
        return c


def test_marked_function(compile_network):
    lifted = LiftBlocks()(MarkedFunction)
    relax.analysis.well_formed(lifted)
    names = [n.name_hint for n in lifted.functions]
    (name,) = (n for n in names if n != "main")
    assert name.startswith("marked_")
    function = lifted[name]
    assert list(function.attrs["cosearch.positions"]) == [0, 1]
    # The weight that the function captured is passed now.
    assert len(function.params) == 2
    assert [b.mark for b in find_blocks(MarkedFunction)] == ["head", "head"]
    assert find_blocks(MarkedFunction) == find_blocks(lifted)
    assert_structural_equal(LiftBlocks()(lifted), lifted)
    x = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)
    expected = compile_network(MarkedFunction)(x)
    for mod in (lifted, InlineBlocks()(lifted)):
        np.testing.assert_array_equal(compile_network(mod)(x), expected)


def test_blocks_inside_a_marked_function(mbconv_network):
    mod = mbconv_network(((8,),))
    body = mod["main"].without_attr("global_symbol").with_attr("cosearch.mark", "all")
    x = relax.Var("x", body.params[0].ty)
    builder = relax.BlockBuilder()
    name = builder.add_func(body, "body")
    with builder.function("main", [x]):
        with builder.dataflow():
            y = builder.emit_output(relax.Call(name, [x]))
        builder.emit_func_output(y)
    (block,) = find_blocks(builder.finalize())
    assert [child.pattern for child in block.children] == ["conv_norm_act", "mbconv"]


def test_marked_function_stays_without_the_pattern():
    assert LiftBlocks(["mbconv"])(MarkedFunction).same_as(MarkedFunction)


def test_marked_function_that_binds_nothing_it_returns():
    @I.ir_module
    class Pair:
        @R.function(private=True)
        def pair(x: R.Tensor((2,), "float32")):
            R.func_attr({"cosearch.mark": "pair"})
            with R.dataflow():
                a = R.exp(x)
                R.output(a)
            return (a, x)

        @R.function
        def main(x: R.Tensor((2,), "float32")):
            cls = Pair
            with R.dataflow():
                y = cls.pair(x)
                R.output(y)
            return y

    with pytest.raises(ValueError, match=r"`pair`.*cosearch\.mark.*Bind what it returns"):
        LiftBlocks()(Pair)


def test_a_region_around_a_marked_call_makes_way():
    # The residual add closes a region over the call: the mark wins, the rest stays.
    @I.ir_module
    class Around:
        @R.function(private=True)
        def inner(x: R.Tensor((1, 8, 8, 4), "float32")) -> R.Tensor((1, 8, 8, 4), "float32"):
            R.func_attr({"cosearch.mark": "inner"})
            with R.dataflow():
                a = R.nn.relu(x)
                R.output(a)
            return a

        @R.function
        def main(x: R.Tensor((1, 8, 8, 4), "float32"), w: R.Tensor((4, 3, 3, 4), "float32")):
            R.func_attr({"num_input": 1})
            cls = Around
            with R.dataflow():
                a = R.nn.conv2d(x, w, padding=1, data_layout="NHWC", kernel_layout="OHWI")
                b = cls.inner(a)
                c = R.nn.conv2d(b, w, padding=1, data_layout="NHWC", kernel_layout="OHWI")
                d = R.add(x, c)
                R.output(d)
            return d

    lifted = LiftBlocks()(Around)
    relax.analysis.well_formed(lifted)
    blocks = find_blocks(lifted)
    assert "marked" in [block.pattern for block in blocks]
    assert blocks == find_blocks(Around)
