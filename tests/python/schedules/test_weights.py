"""Weights are packed at compile time: rewrites are hoisted out of blocks and folded."""

import numpy as np
import pytest
import tvm
from tvm import relax
from tvm.script import ir as I
from tvm.script import relax as R
from tvm.script import tirx as T

from cosearch.schedules.call_sites import CallSites
from cosearch.schedules.fold_weights import fold_weights
from cosearch.schedules.hoist_weights import hoist_weights


@I.ir_module
class Blocks:
    @T.prim_func(private=True, s_tir=True)
    def pack(w: T.Buffer((4, 8), "float32"), p: T.Buffer((2, 4, 4), "float32")):
        for i, j in T.grid(4, 8):
            with T.sblock("p"):
                vi, vj = T.axis.remap("SS", [i, j])
                p[vj // 4, vi, vj % 4] = w[vi, vj]

    @T.prim_func(private=True, s_tir=True)
    def add(
        x: T.Buffer((4, 8), "float32"),
        p: T.Buffer((2, 4, 4), "float32"),
        y: T.Buffer((4, 8), "float32"),
    ):
        for i, j in T.grid(4, 8):
            with T.sblock("y"):
                vi, vj = T.axis.remap("SS", [i, j])
                y[vi, vj] = x[vi, vj] + p[vj // 4, vi, vj % 4]

    @R.function(private=True)
    def block(x: R.Tensor((4, 8), "float32"), w: R.Tensor((4, 8), "float32")) -> R.Tensor(
        (4, 8), "float32"
    ):
        R.func_attr({"cosearch.block": "mbconv", "num_input": 1})
        cls = Blocks
        with R.dataflow():
            p = R.call_tir(cls.pack, (w,), out_ty=R.Tensor((2, 4, 4), "float32"))
            y = R.call_tir(cls.add, (x, p), out_ty=R.Tensor((4, 8), "float32"))
            R.output(y)
        return y

    @R.function
    def main(
        x: R.Tensor((4, 8), "float32"),
        w: R.Tensor((4, 8), "float32"),
        v: R.Tensor((4, 8), "float32"),
    ) -> R.Tensor((4, 8), "float32"):
        cls = Blocks
        with R.dataflow():
            a: R.Tensor((4, 8), "float32") = cls.block(x, w)
            b: R.Tensor((4, 8), "float32") = cls.block(a, v)
            c: R.Tensor((4, 8), "float32") = cls.block(b, w)
            R.output(c)
        return c


RNG = np.random.default_rng(0)
X, W, V = (RNG.standard_normal((4, 8)).astype("float32") for _ in range(3))


@pytest.fixture
def network():
    return relax.transform.BindParams("main", {"w": W, "v": V})(Blocks)


def kernel_calls(func) -> list[str]:
    return [
        binding.value.args[0].name_hint
        for block in func.body.blocks
        for binding in block.bindings
        if isinstance(binding.value, relax.Call)
        and binding.value.op == tvm.ir.Op.get("relax.call_tir")
    ]


def run(mod) -> np.ndarray:
    machine = relax.VirtualMachine(tvm.compile(mod, tvm.target.Target({"kind": "llvm"})), tvm.cpu())
    return machine["main"](tvm.runtime.tensor(X)).numpy()


def test_fold_after_inlining(network):
    inlined = relax.transform.InlinePrivateFunctions()(network)
    before = inlined.clone()
    folded = fold_weights(inlined)
    assert relax.analysis.check_well_formed(folded)
    assert kernel_calls(folded["main"]) == ["add", "add", "add"]
    assert "pack" not in [var.name_hint for var in folded.get_global_vars()]
    np.testing.assert_array_equal(run(folded), X + W + V + W)
    tvm.ir.assert_structural_equal(inlined, before)


def test_fold_shares_equal_results(network):
    folded = fold_weights(relax.transform.InlinePrivateFunctions()(network))
    packed = [
        binding.value.args[1].fields[1].value.data_ptr()
        for binding in folded["main"].body.blocks[0].bindings
    ]
    assert packed[0] == packed[2] != packed[1]


@I.ir_module
class Constants:
    @T.prim_func(private=True, s_tir=True)
    def reverse(w: T.Buffer((4,), "int64"), p: T.Buffer((4,), "int64")):
        for i in range(4):
            with T.sblock("p"):
                vi = T.axis.spatial(4, i)
                p[vi] = w[3 - vi]

    @T.prim_func(private=True, s_tir=True)
    def double(w: T.Buffer((4,), "int64"), p: T.Buffer((4,), "int64")):
        for i in range(4):
            with T.sblock("p"):
                vi = T.axis.spatial(4, i)
                p[vi] = w[vi] * T.int64(2)

    @R.function
    def main(w: R.Tensor((4,), "int64")) -> R.Tuple(
        R.Tensor((4,), "int64"), R.Tensor((4,), "int64")
    ):
        cls = Constants
        with R.dataflow():
            a = R.call_tir(cls.reverse, (w,), out_ty=R.Tensor((4,), "int64"))
            b = R.call_tir(cls.double, (w,), out_ty=R.Tensor((4,), "int64"))
            result = (a, b)
            R.output(result)
        return result


def test_fold_copies_by_numpy_and_compiles_the_rest(monkeypatch):
    compiled, build = [], tvm.tirx.build

    def recording_build(mod, **options):
        compiled.extend(var.name_hint for var in mod.get_global_vars())
        return build(mod, **options)

    monkeypatch.setattr(tvm.tirx, "build", recording_build)
    weights = np.array([1, 2, 3, 2**40], "int64")  # what float32 or int32 would not hold
    folded = fold_weights(relax.transform.BindParams("main", {"w": weights})(Constants))
    assert relax.analysis.check_well_formed(folded)
    assert compiled == ["double"]
    assert [var.name_hint for var in folded.get_global_vars()] == ["main"]
    machine = relax.VirtualMachine(
        tvm.compile(folded, tvm.target.Target({"kind": "llvm"})), tvm.cpu()
    )
    reverse, double = machine["main"]()
    np.testing.assert_array_equal(reverse.numpy(), weights[::-1])
    np.testing.assert_array_equal(double.numpy(), weights * 2)


def test_fold_leaves_calls_on_inputs():
    inlined = relax.transform.InlinePrivateFunctions()(Blocks)
    assert kernel_calls(fold_weights(inlined)["main"]).count("pack") == 3


def test_hoist_then_fold_keeps_blocks(network):
    hoisted = hoist_weights(network)
    assert relax.analysis.check_well_formed(hoisted)
    blocks = [
        func
        for func in hoisted.functions.values()
        if isinstance(func, relax.Function) and "cosearch.block" in (func.attrs or {})
    ]
    assert [kernel_calls(block) for block in blocks] == [["add"]]
    folded = fold_weights(hoisted)
    assert kernel_calls(folded["main"]) == []
    np.testing.assert_array_equal(run(folded), X + W + V + W)


def test_hoist_without_rewrites_changes_nothing(network):
    inlined = relax.transform.InlinePrivateFunctions()(network)
    tvm.ir.assert_structural_equal(hoist_weights(inlined), inlined)


def test_call_sites_follow_blocks(network):
    sites = CallSites.of(network).kernels
    assert list(sites) == ["pack", "add"]
    assert sites["add"].calls == 3
    assert sites["add"].blocks == ("mbconv",)
