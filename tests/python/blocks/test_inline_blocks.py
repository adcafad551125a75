"""InlineBlocks: the way back, at once and after TVM's own passes."""

import numpy as np
import pytest
import tvm
from tvm import relax
from tvm.ir import assert_structural_equal
from tvm.script import ir as I
from tvm.script import relax as R

from cosearch.blocks import InlineBlocks, LiftBlocks


@I.ir_module
class Before:
    @R.function(private=True)
    def block(x0: R.Tensor((1, 8), "float32"), w0: R.Tensor((8, 8), "float32")) -> R.Tensor(
        (1, 8), "float32"
    ):
        R.func_attr({"cosearch.block": "region", "num_input": 1})
        with R.dataflow():
            lv0 = R.matmul(x0, w0)
            gv = R.nn.relu(lv0)
            R.output(gv)
        return gv

    @R.function(private=True)
    def other(x: R.Tensor((1, 8), "float32")) -> R.Tensor((1, 8), "float32"):
        with R.dataflow():
            y = R.exp(x)
            R.output(y)
        return y

    @R.function
    def main(x: R.Tensor((1, 8), "float32"), w: R.Tensor((8, 8), "float32")):
        cls = Before
        with R.dataflow():
            a = cls.block(x, w)
            b = cls.other(a)
            c = cls.block(b, w)
            R.output(c)
        return c


@I.ir_module
class Expected:
    @R.function(private=True)
    def other(x: R.Tensor((1, 8), "float32")) -> R.Tensor((1, 8), "float32"):
        with R.dataflow():
            y = R.exp(x)
            R.output(y)
        return y

    @R.function
    def main(x: R.Tensor((1, 8), "float32"), w: R.Tensor((8, 8), "float32")):
        cls = Expected
        with R.dataflow():
            lv0 = R.matmul(x, w)
            a = R.nn.relu(lv0)
            b = cls.other(a)
            lv1 = R.matmul(b, w)
            c = R.nn.relu(lv1)
            R.output(c)
        return c


def lower(mod):
    steps = [
        relax.transform.LegalizeOps(),
        relax.transform.AnnotateTIROpPattern(),
        relax.transform.FuseOps(),
        relax.transform.FuseTIR(),
    ]
    return tvm.ir.transform.Sequential(steps)(mod)


def test_before_and_after():
    copy = tvm.ir.load_json(tvm.ir.save_json(Before))
    inlined = InlineBlocks()(Before)
    assert_structural_equal(inlined, Expected)
    relax.analysis.well_formed(inlined)
    assert_structural_equal(Before, copy)
    assert_structural_equal(InlineBlocks()(inlined), inlined)


def test_no_blocks():
    assert InlineBlocks()(Expected).same_as(Expected)


def test_round_trip(mbconv_network):
    mod = mbconv_network()
    assert_structural_equal(InlineBlocks()(LiftBlocks()(mod)), mod)


def test_round_trip_of_a_symbolic_batch(mbconv_network):
    mod = mbconv_network(batch=tvm.tirx.Var("n", "int64"))
    back = InlineBlocks()(LiftBlocks()(mod))
    relax.analysis.well_formed(back)
    assert_structural_equal(back, mod)


def test_after_fusion_memory_is_planned_over_the_network(mbconv_network):
    mod = mbconv_network()
    lifted = lower(LiftBlocks()(mod))
    inlined = InlineBlocks()(lifted)
    relax.analysis.well_formed(inlined)
    relax_functions = [f for f in inlined.functions.values() if isinstance(f, relax.Function)]
    assert len(relax_functions) == 1

    def storage(module):
        steps = [
            relax.transform.ToNonDataflow(),
            relax.transform.CallTIRRewrite(),
            relax.transform.StaticPlanBlockMemory(),
        ]
        text = tvm.ir.transform.Sequential(steps)(module)["main"].script()
        return text.count("R.memory.alloc_storage")

    assert storage(inlined) == storage(lower(mod)) <= 4


@pytest.mark.parametrize("fuse", [False, True])
def test_numerics_are_exactly_kept(mbconv_network, compile_network, fuse):
    mod = mbconv_network(((8,), (8,)))
    lifted = LiftBlocks()(mod)
    inlined = InlineBlocks()(lower(lifted) if fuse else lifted)
    x = np.random.default_rng(1).standard_normal((1, 16, 16, 3), "float32")
    np.testing.assert_array_equal(compile_network(inlined)(x), compile_network(mod)(x))


def test_bodies_that_left_dataflow_are_refused(mbconv_network):
    lifted = LiftBlocks()(mbconv_network(((8,),)))
    name, block = next((n, f) for n, f in lifted.functions.items() if n.name_hint != "main")
    flat = tvm.IRModule({**dict(lifted.functions.items()), name: _without_dataflow(block)})
    with pytest.raises(ValueError, match=f"{name.name_hint}.*Run InlineBlocks before"):
        InlineBlocks()(flat)
    # Where the callers left it too, blocks are still put back.
    done = InlineBlocks()(relax.transform.ToNonDataflow()(lifted))
    relax.analysis.well_formed(done)
    assert [n.name_hint for n in done.functions] == ["main"]


def _without_dataflow(function):
    mod = relax.transform.ToNonDataflow()(tvm.IRModule({"f": function}))
    return mod["f"]
