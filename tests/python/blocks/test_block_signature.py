"""Block signatures: blind to names and orders, sensitive to what changes a schedule."""

import itertools

import hypothesis.strategies as st
import pytest
import tvm
from hypothesis import given, settings
from tvm import relax
from tvm.script import ir as I
from tvm.script import relax as R
from tvm.script import tirx as T

from cosearch.blocks import block_signature


def conv_block(**changes):
    """Signature of a convolution with bias and activation; `changes` to what is below."""
    options = {
        "batch": 1, "size": 28, "inputs": 16, "outputs": 32, "kernel": 3, "stride": 1, "pad": 1,
        "dilation": 1, "groups": 1, "dtype": "float32", "act": relax.op.nn.relu, "layout": "NHWC",
        "bias": True, "out_dtype": None, "num_input": 1, "names": ("x", "w", "b"),
    } | changes  # fmt: skip
    kernel, groups = options["kernel"], options["groups"]
    in_shape = {"C": options["inputs"], "H": options["size"], "W": options["size"]}
    shape = [options["batch"], *(in_shape[axis] for axis in options["layout"][1:])]
    weight = (options["outputs"], kernel, kernel, options["inputs"] // groups)
    bias = [options["outputs"] if axis == "C" else 1 for axis in options["layout"]]
    shapes = (shape, weight, bias)
    x, w, b = (
        relax.Var(name, relax.TensorType(s, options["dtype"]))
        for name, s in zip(options["names"], shapes, strict=True)
    )
    builder = relax.BlockBuilder()
    with builder.function("f", [x, w, b], attrs={"num_input": options["num_input"]}):
        with builder.dataflow():
            y = relax.op.nn.conv2d(
                x, w, strides=options["stride"], padding=options["pad"],
                dilation=options["dilation"], groups=groups, data_layout=options["layout"],
                kernel_layout="OHWI", out_dtype=options["out_dtype"],
            )  # fmt: skip
            y = builder.emit(y)
            y = builder.emit(relax.op.add(y, b)) if options["bias"] else y
            y = builder.emit_output(options["act"](y))
        builder.emit_func_output(y)
    return block_signature(builder.finalize()["f"])


def relu6(x, high=6.0):
    return relax.op.minimum(relax.op.nn.relu(x), relax.const(high, "float32"))


SENSITIVE = [
    {"dtype": "float16"},
    {"layout": "NCHW"},
    {"stride": 2},
    {"dilation": 2},
    {"kernel": 1, "pad": 0},
    {"groups": 4},
    {"groups": 16},
    {"groups": 16, "outputs": 16},
    {"pad": 0},
    {"bias": False},
    {"act": relax.op.nn.silu},
    {"act": relu6},
    {"act": lambda x: relu6(x, 5.0)},
    {"num_input": 3},
    {"batch": tvm.tirx.Var("n", "int64")},
]


def test_sensitive_to_what_changes_a_schedule():
    found = [conv_block(), *(conv_block(**change) for change in SENSITIVE)]
    for kind in ("shape_aware", "shape_agnostic"):
        for (i, a), (j, b) in itertools.combinations(enumerate(getattr(s, kind) for s in found), 2):
            assert a != b, (kind, [{}, *SENSITIVE][i], [{}, *SENSITIVE][j])


@pytest.mark.parametrize(
    "change",
    [
        {"size": 14},
        {"batch": 4},
        {"inputs": 24},
        {"outputs": 48},
        {"size": 7, "inputs": 96, "outputs": 8},
        {"kernel": 5, "pad": 2},
        {"pad": [0, 0, 1, 1]},
    ],
    ids=str,
)
def test_extents_count_only_where_shapes_do(change):
    base, changed = conv_block(), conv_block(**change)
    assert changed.shape_aware != base.shape_aware
    assert changed.shape_agnostic == base.shape_agnostic


def test_group_counts_are_extents():
    assert conv_block(groups=4).shape_agnostic == conv_block(groups=8).shape_agnostic
    depthwise = [conv_block(groups=c, inputs=c, outputs=c).shape_agnostic for c in (16, 48)]
    assert depthwise[0] == depthwise[1]


@pytest.mark.parametrize("change", [{"out_dtype": "float32"}, {"names": ("a", "b", "c")}], ids=str)
def test_spellings_of_one_thing(change):
    assert conv_block(**change) == conv_block()


def test_result_dtype_counts():
    widened = conv_block(dtype="float16", out_dtype="float32", bias=False)
    assert widened.shape_agnostic != conv_block(dtype="float16", bias=False).shape_agnostic


def test_form_is_32_hex_digits():
    signature = conv_block()
    for text in (signature.shape_aware, signature.shape_agnostic):
        assert len(text) == 32
        assert set(text) <= set("0123456789abcdef")


def test_sharing_counts():
    @I.ir_module
    class Module:
        @R.function
        def twice(x: R.Tensor((4,), "float32"), y: R.Tensor((4,), "float32")):
            with R.dataflow():
                z = R.add(x, x)
                R.output(z)
            return z

        @R.function
        def both(x: R.Tensor((4,), "float32"), y: R.Tensor((4,), "float32")):
            with R.dataflow():
                z = R.add(x, y)
                R.output(z)
            return z

        @R.function
        def recomputed(x: R.Tensor((4,), "float32"), y: R.Tensor((4,), "float32")):
            with R.dataflow():
                a = R.exp(x)
                b = R.exp(x)
                z = R.add(a, b)
                R.output(z)
            return z

        @R.function
        def computed_once(x: R.Tensor((4,), "float32"), y: R.Tensor((4,), "float32")):
            with R.dataflow():
                a = R.exp(x)
                z = R.add(a, a)
                R.output(z)
            return z

    signatures = {block_signature(f) for f in Module.functions.values()}
    assert len(signatures) == 4


@pytest.mark.parametrize("kind", ["shape_aware", "shape_agnostic"])
def test_which_value_is_read_again_counts(kind):
    def read_again(first):
        x, y = (relax.Var(n, relax.TensorType((4,), "float32")) for n in "xy")
        builder = relax.BlockBuilder()
        with builder.function("f", [x, y]):
            with builder.dataflow():
                total = builder.emit(relax.op.subtract(x, y))
                z = builder.emit_output(relax.op.multiply(total, x if first else y))
            builder.emit_func_output(z)
        return getattr(block_signature(builder.finalize()["f"]), kind)

    assert read_again(first=True) != read_again(first=False)


def test_axes_from_the_end():
    def softmax(axis):
        x = relax.Var("x", relax.TensorType((2, 3, 4), "float32"))
        builder = relax.BlockBuilder()
        with builder.function("f", [x]):
            builder.emit_func_output(builder.emit(relax.op.nn.softmax(x, axis=axis)))
        return block_signature(builder.finalize()["f"])

    assert softmax(-1) == softmax(2)
    assert softmax(-1) != softmax(1)


def test_a_constant_weight_is_a_weight(mbconv_network):
    # Captured or passed behind num_input: one signature.
    mod = mbconv_network(((8,),))
    passed = relax.transform.LiftTransformParams()(mod)["main"]
    assert block_signature(passed) == block_signature(mod["main"])


def test_symbols_by_first_use():
    def pair(first, second):
        x = relax.Var("x", relax.TensorType((first, 3), "float32"))
        y = relax.Var("y", relax.TensorType((second, 4), "float32"))
        builder = relax.BlockBuilder()
        with builder.function("f", [x, y]):
            with builder.dataflow():
                z = builder.emit_output(relax.Tuple([relax.op.exp(x), relax.op.exp(y)]))
            builder.emit_func_output(z)
        return block_signature(builder.finalize()["f"])

    n, m, k = (tvm.tirx.Var(name, "int64") for name in "nmk")
    assert pair(n, n) == pair(k, k)
    assert pair(n, m) == pair(m, n) == pair(k, m)
    assert pair(n, n).shape_aware != pair(n, m).shape_aware
    assert pair(n, n).shape_agnostic == pair(n, m).shape_agnostic
    assert pair(n, n).shape_agnostic != pair(5, 5).shape_agnostic


def test_callees_count_by_what_they_compute():
    def module(name, op):
        x = relax.Var("x", relax.TensorType((4,), "float32"))
        y = relax.Var("y", relax.TensorType((4,), "float32"))
        builder = relax.BlockBuilder()
        with builder.function(name, [y], private=True):
            builder.emit_func_output(builder.emit(op(y)))
        callee = builder.get().get_global_var(name)
        with builder.function("main", [x]):
            builder.emit_func_output(builder.emit(relax.Call(callee, [x])))
        mod = builder.finalize()
        return block_signature(mod["main"], mod), block_signature(mod["main"])

    (a, by_name_a), (b, by_name_b) = module("f", relax.op.exp), module("g", relax.op.exp)
    assert a == b
    assert by_name_a != by_name_b
    assert module("f", relax.op.log)[0] != a


def test_kernels_count_by_what_they_compute():
    def module(name, value):
        @T.prim_func(private=True, s_tir=True)
        def kernel(a: T.Buffer((4,), "float32"), b: T.Buffer((4,), "float32")):
            for i in range(4):
                with T.sblock("b"):
                    v = T.axis.spatial(4, i)
                    b[v] = a[v] + T.float32(value)

        builder = relax.BlockBuilder()
        x = relax.Var("x", relax.TensorType((4,), "float32"))
        gv = builder.add_func(kernel, name)
        with builder.function("main", [x]):
            out = relax.TensorType((4,), "float32")
            builder.emit_func_output(builder.emit(relax.op.call_tir(gv, (x,), out)))
        mod = builder.finalize()
        return block_signature(mod["main"], mod)

    assert module("f", 1.0) == module("g", 1.0)
    assert module("f", 1.0) != module("f", 2.0)


UNARY = (relax.op.exp, relax.op.sqrt, relax.op.nn.relu)
BINARY = (relax.op.add, relax.op.multiply, relax.op.subtract)


@st.composite
def graphs(draw):
    """A random DAG: parameter count, and ops as (op, operands), operands by value number."""
    params = draw(st.integers(1, 3))
    ops = []
    for i in range(draw(st.integers(1, 8))):
        arity = draw(st.integers(1, 2))
        op = draw(st.integers(0, 2))
        ops.append((arity, op, [draw(st.integers(0, params + i - 1)) for _ in range(arity)]))
    return params, ops


def build(graph, draw=None):
    """The graph as a function; with `draw`, other names, program order and parameter order."""
    params, ops = graph
    used = {operand for _, _, operands in ops for operand in operands}
    sinks = [params + i for i in range(len(ops)) if params + i not in used]
    suffix = "" if draw is None else draw(st.text("abc", min_size=1, max_size=3))
    values = {
        i: relax.Var(f"p{suffix}{i}", relax.TensorType((4, 4), "float32")) for i in range(params)
    }
    order = list(range(params)) if draw is None else draw(st.permutations(range(params)))
    builder = relax.BlockBuilder()
    with builder.function("f", [values[i] for i in order]):
        with builder.dataflow():
            pending = list(range(len(ops)))
            while pending:
                ready = [i for i in pending if all(o in values for o in ops[i][2])]
                i = ready[0] if draw is None else draw(st.sampled_from(ready))
                arity, op, operands = ops[i]
                call = (UNARY if arity == 1 else BINARY)[op](*(values[o] for o in operands))
                values[params + i] = builder.emit(call, name_hint=f"v{suffix}")
                pending.remove(i)
            result = builder.emit_output(relax.Tuple([values[s] for s in sinks]))
        builder.emit_func_output(result)
    return builder.finalize()["f"]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_names_program_order_and_parameter_order_do_not_count(data):
    graph = data.draw(graphs())
    assert block_signature(build(graph, data.draw)) == block_signature(build(graph))


@settings(max_examples=40, deadline=None)
@given(graphs(), st.data())
def test_one_operator_or_operand_changed_counts(graph, data):
    params, ops = graph
    changed = data.draw(st.integers(0, len(ops) - 1))
    arity, op, operands = ops[changed]
    other = (params, [*ops[:changed], (arity, (op + 1) % 3, operands), *ops[changed + 1 :]])
    assert block_signature(build(other)) != block_signature(build(graph))
