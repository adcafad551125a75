"""normalize: the pass itself, on plain Relax modules."""

import numpy as np
import pytest
import tvm
import tvm_ffi
from tvm import relax
from tvm.script import ir as I
from tvm.script import relax as R
from tvm.script import tirx as T

from cosearch.frontend import FrontendError, Normalize, normalize

RNG = np.random.default_rng(0)


def array(*shape):
    return RNG.normal(size=shape).astype("float32")


def network(body, *params, attrs=None, name="main"):
    """A module of one function: `body` emits its ops."""
    builder = relax.BlockBuilder()
    with builder.function(name, list(params), attrs=attrs):
        with builder.dataflow():
            output = builder.emit_output(body(builder, *params))
        builder.emit_func_output(output)
    return builder.finalize()


def tensor(name, *shape):
    return relax.Var(name, relax.TensorType(shape, "float32"))


def conv_bn(builder, x, weight=None, **options):
    weight = relax.const(array(8, 3, 3, 3)) if weight is None else weight
    y = builder.emit(relax.op.nn.conv2d(x, weight, padding=1, **options))
    stats = [relax.const(np.abs(array(8)) + 0.5) for _ in range(4)]
    y = builder.emit(relax.op.nn.batch_norm(y, *stats, axis=1, training=False))
    return builder.emit(relax.op.clip(builder.emit(relax.TupleGetItem(y, 0)), 0, 6))


@pytest.fixture
def mod():
    return network(conv_bn, tensor("x", 1, 3, 8, 8), attrs={"num_input": 1})


def test_canonical_form(mod, ops, scalars):
    result = normalize(mod)
    relax.analysis.well_formed(result)
    assert ops(result) == [
        *("permute_dims", "nn.conv2d", "add", "nn.relu", "minimum", "permute_dims")
    ]
    assert scalars(result) == [6.0]
    main = result["main"]
    assert len(main.body.blocks) == 1
    assert isinstance(main.body.blocks[0], relax.DataflowBlock)
    conv, bias = (main.body.blocks[0].bindings[i].value for i in (1, 2))
    assert (conv.attrs.data_layout, conv.attrs.kernel_layout) == ("NHWC", "HWIO")
    assert tuple(bias.args[1].value.shape) == (1, 1, 1, 8)
    assert main.attrs["num_input"] == 1
    assert result.attrs["cosearch.normalized"] == "NHWC"
    assert result.attrs["cosearch.model"] == ""


def test_numerics(mod, run_both):
    x = array(1, 3, 8, 8)
    np.testing.assert_allclose(*run_both(mod, normalize(mod), x), atol=1e-5)


def test_batch_norm_is_inference_whatever_it_says(mod):
    """As in TVM's DecomposeOpsForInference: the attribute is true unless one says otherwise."""
    text = mod.script(show_meta=True)
    assert "training=False" in text
    training = tvm.script.from_source(text.replace("training=False", "training=True"))
    assert tvm_ffi.structural_equal(normalize(training)["main"], normalize(mod)["main"])


def test_input_is_left_as_it_was(mod):
    before = tvm.ir.load_json(tvm.ir.save_json(mod))
    normalize(mod)
    tvm.ir.assert_structural_equal(mod, before)


def test_twice_is_once(mod):
    once = normalize(mod)
    assert normalize(once).same_as(once)
    # The form itself is a fixed point, not only the attribute that says so.
    again = normalize(once.without_attr("cosearch.normalized"))
    assert tvm_ffi.structural_equal(once["main"], again["main"])


def test_survives_json(mod):
    once = normalize(mod)
    tvm.ir.assert_structural_equal(tvm.ir.load_json(tvm.ir.save_json(once)), once)


def test_as_a_pass(mod):
    seen = []

    @tvm.instrument.pass_instrument
    class Watch:
        def run_before_pass(self, _mod, info):
            seen.append(info.name)

    with tvm.transform.PassContext(instruments=[Watch()]):
        result = tvm.transform.Sequential([Normalize()])(mod)
    assert "cosearch.frontend.Normalize" in seen
    tvm.ir.assert_structural_equal(result, normalize(mod))
    with tvm.transform.PassContext(disabled_pass=["cosearch.frontend.Normalize"]):
        tvm.ir.assert_structural_equal(tvm.transform.Sequential([Normalize()])(mod), mod)


def test_nchw_has_no_transposes(mod, ops, run_both):
    result = normalize(mod, layout="NCHW")
    assert ops(result) == ["nn.conv2d", "add", "nn.relu", "minimum"]
    x = array(1, 3, 8, 8)
    np.testing.assert_allclose(*run_both(mod, result, x), atol=1e-5)
    with pytest.raises(FrontendError, match=r"layout='NCHWc'.*NHWC"):
        normalize(mod, layout="NCHWc")


def test_weights_may_be_parameters(ops, run_both):
    x, weight = tensor("x", 1, 3, 8, 8), tensor("w", 8, 3, 3, 3)
    stats = [tensor(name, 8) for name in ("gamma", "beta", "mean", "variance")]

    def body(builder, x, weight, *stats):
        y = builder.emit(relax.op.nn.conv2d(x, weight))
        y = builder.emit(relax.op.nn.batch_norm(y, *stats, axis=1, training=False))
        return builder.emit(relax.TupleGetItem(y, 0))

    mod = network(body, x, weight, *stats, attrs={"num_input": 1})
    result = normalize(mod)
    relax.analysis.well_formed(result)
    assert "nn.batch_norm" not in ops(result)
    values = [array(1, 3, 8, 8), array(8, 3, 3, 3), *(np.abs(array(8)) for _ in range(4))]
    np.testing.assert_allclose(*run_both(mod, result, *values), atol=1e-4)


def test_lifted_blocks_and_control_flow_stay():
    @I.ir_module
    class Mod:
        @R.function(private=True)
        def block(x: R.Tensor((2, 4), "float32")) -> R.Tensor((2, 4), "float32"):
            R.func_attr({"cosearch.block": "region"})
            with R.dataflow():
                y = R.clip(x, 0, 6)
                R.output(y)
            return y

        @R.function
        def choose(c: R.Tensor((), "bool"), x: R.Tensor((2,), "float32")) -> R.Tensor(
            (2,), "float32"
        ):
            if c:
                y = R.clip(x, 0, 1)
            else:
                y = R.clip(x, 1, 2)
            return y

        @R.function
        def main(x: R.Tensor((2, 4), "float32")) -> R.Tensor((2, 4), "float32"):
            cls = Mod
            with R.dataflow():
                y = cls.block(x)
                z = R.nn.dropout(y)
                w = z[0]
                R.output(w)
            return w

    result = normalize(Mod)
    for name in ("block", "choose"):
        tvm.ir.assert_structural_equal(result[name], Mod[name])
    assert [b.value.op.name_hint for b in result["main"].body.blocks[0].bindings[:-1]] == ["block"]


def test_calls_of_clip_primfuncs_become_ops(ops, scalars):
    @I.ir_module
    class Mod:
        @T.prim_func(private=True, s_tir=True)
        def bound(
            a: T.Buffer((T.int64(2), T.int64(4)), "float32"),
            b: T.Buffer((), "float32"),
            out: T.Buffer((T.int64(2), T.int64(4)), "float32"),
        ):
            for i, j in T.grid(T.int64(2), T.int64(4)):
                with T.sblock("out"):
                    vi, vj = T.axis.remap("SS", [i, j])
                    out[vi, vj] = T.max(a[vi, vj], b[()])

        @T.prim_func(private=True, s_tir=True)
        def turned(
            a: T.Buffer((T.int64(2), T.int64(4)), "float32"),
            b: T.Buffer((), "float32"),
            out: T.Buffer((T.int64(2), T.int64(4)), "float32"),
        ):
            for i, j in T.grid(T.int64(2), T.int64(4)):
                with T.sblock("out"):
                    vi, vj = T.axis.remap("SS", [i, j])
                    out[vi, vj] = T.max(a[T.int64(1) - vi, vj], b[()])

        @R.function
        def main(x: R.Tensor((2, 4), "float32")) -> R.Tensor((2, 4), "float32"):
            cls = Mod
            with R.dataflow():
                low = R.where(R.isnan(R.const(1.0)), R.const(0.0), R.const(1.0))
                y = R.call_tir(cls.bound, (x, low), out_ty=R.Tensor((2, 4), "float32"))
                z = R.call_tir(cls.turned, (y, low), out_ty=R.Tensor((2, 4), "float32"))
                R.output(z)
            return z

    result = normalize(Mod)
    # A maximum is one only where it reads the element that it writes.
    assert ops(result) == ["maximum", "call_tir"]
    assert scalars(result) == [1.0, 1.0]
    assert [var.name_hint for var in result.get_global_vars()] == ["main", "turned"]


def test_several_outputs_and_an_input_that_is_one(run):
    def body(builder, x):
        return relax.Tuple([x, builder.emit(relax.op.exp(x)), relax.const(array(2))])

    mod = network(body, tensor("x", 2, 3))
    result = normalize(mod)
    relax.analysis.well_formed(result)
    x = array(2, 3)
    for got, wanted in zip(run(result, x), run(mod, x), strict=True):
        np.testing.assert_array_equal(got, wanted)
