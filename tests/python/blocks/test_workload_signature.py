"""Workload signatures: the same demands as on blocks', on loop nests."""

import itertools
import time

import pytest
import tvm
from tvm import relax, te, topi
from tvm.script import tirx as T

from cosearch.blocks import workload_signature


def fused(build, *shapes, dtype="float32", num_input=1):
    """Signatures of the kernels that TVM's own legalisation and fusion make of Relax ops."""
    params = [relax.Var(f"p{i}", relax.TensorType(s, dtype)) for i, s in enumerate(shapes)]
    builder = relax.BlockBuilder()
    with builder.function("main", params, attrs={"num_input": num_input}):
        with builder.dataflow():
            y = builder.emit_output(builder.normalize(build(builder, *params)))
        builder.emit_func_output(y)
    mod = builder.finalize()
    for step in (
        relax.transform.LegalizeOps(),
        relax.transform.AnnotateTIROpPattern(),
        relax.transform.FuseOps(),
        relax.transform.FuseTIR(),
        relax.transform.AttachAttrLayoutFreeBuffers(),
    ):
        mod = step(mod)
    kernels = [f for f in mod.functions.values() if isinstance(f, tvm.tirx.PrimFunc)]
    assert len(kernels) == 1
    return workload_signature(kernels[0])


def conv(**changes):
    options = {
        "size": 28, "inputs": 16, "outputs": 32, "kernel": 3, "stride": 1, "pad": 1,
        "dilation": 1, "groups": 1, "dtype": "float32", "act": relax.op.nn.relu, "bias": True,
        "num_input": 1, "batch": 1,
    } | changes  # fmt: skip
    size, kernel, groups = options["size"], options["kernel"], options["groups"]

    def build(builder, x, w, b):
        y = relax.op.nn.conv2d(
            x, w, strides=options["stride"], padding=options["pad"], groups=groups,
            dilation=options["dilation"], data_layout="NHWC", kernel_layout="OHWI",
        )  # fmt: skip
        y = builder.emit(y)
        y = builder.emit(relax.op.add(y, b)) if options["bias"] else y
        return options["act"](y)

    return fused(
        build,
        (options["batch"], size, size, options["inputs"]),
        (options["outputs"], kernel, kernel, options["inputs"] // groups),
        (1, 1, 1, options["outputs"]),
        dtype=options["dtype"],
        num_input=options["num_input"],
    )


def relu6(x, high=6.0):
    return relax.op.minimum(relax.op.nn.relu(x), relax.const(high, "float32"))


SENSITIVE = [
    {"dtype": "float16"},
    {"stride": 2},
    {"dilation": 2},
    {"kernel": 1, "pad": 0},
    {"pad": 0},
    {"groups": 4},
    {"groups": 16},
    {"groups": 16, "outputs": 16},
    {"act": relax.op.nn.silu},
    {"act": relu6},
    {"act": lambda x: relu6(x, 5.0)},
    {"bias": False},
    {"num_input": 3},
    {"batch": tvm.tirx.Var("n", "int64")},
]


def test_sensitive_to_what_changes_a_schedule():
    found = [conv(), *(conv(**change) for change in SENSITIVE)]
    for kind in ("shape_aware", "shape_agnostic"):
        for (i, a), (j, b) in itertools.combinations(enumerate(getattr(s, kind) for s in found), 2):
            assert a != b, (kind, [{}, *SENSITIVE][i], [{}, *SENSITIVE][j])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"size": 14}),
        ({}, {"inputs": 24, "outputs": 48, "size": 7}),
        ({}, {"kernel": 5, "pad": 2}),
        ({}, {"pad": [0, 0, 1, 1]}),
        ({"stride": 2}, {"stride": 2, "size": 56, "inputs": 8}),
        ({"groups": 16, "outputs": 16}, {"groups": 48, "inputs": 48, "outputs": 48}),
        ({"groups": 4}, {"groups": 8}),
        ({"kernel": 1, "pad": 0}, {"kernel": 1, "pad": 0, "inputs": 112, "outputs": 672}),
        ({"batch": 2}, {"batch": 8}),
    ],
    ids=str,
)
def test_extents_count_only_where_shapes_do(one, other):
    a, b = conv(**one), conv(**other)
    assert a.shape_aware != b.shape_aware
    assert a.shape_agnostic == b.shape_agnostic


def test_a_means_divisor_is_an_extent():
    def mean(size, channels):
        op = lambda _, x: relax.op.mean(x, axis=[1, 2], keepdims=True)  # noqa: E731
        return fused(op, (1, size, size, channels)).shape_agnostic

    assert mean(7, 96) == mean(14, 32)
    total = fused(lambda _, x: relax.op.sum(x, axis=[1, 2], keepdims=True), (1, 7, 7, 96))
    assert mean(7, 96) != total.shape_agnostic


def test_flattened_indices_are_extents():
    def flatten(size, channels):
        shape = (1, size * size * channels)
        op = lambda _, x: relax.op.reshape(x, shape)  # noqa: E731
        return fused(op, (1, size, size, channels)).shape_agnostic

    assert flatten(7, 96) == flatten(14, 32)


def test_factors_are_strides_or_extents():
    def kernel(rank, index):
        @T.prim_func(private=True, s_tir=True)
        def func(a: T.Buffer((4096,), "float32"), b: T.Buffer((8,) * rank, "float32")):
            for i, j in T.grid(8, 8):
                with T.sblock("b"):
                    vi, vj = T.axis.remap("SS", [i, j])
                    if rank == 2:
                        b[vi, vj] = a[index(vi, vj)]
                    else:
                        b[vi] = a[index(vi, vj)]

        return workload_signature(func).shape_agnostic

    # Two spatial variables are flattened by an extent; one alone strides.
    assert kernel(2, lambda i, j: i * 8 + j) == kernel(2, lambda i, j: i * 32 + j)
    assert kernel(1, lambda i, _: i * 2) != kernel(1, lambda i, _: i * 3)
    assert kernel(2, lambda i, j: i * 8 + j) == kernel(2, lambda i, j: j + i * 8)


def test_other_operators_of_a_network():
    ops = {
        "max_pool": lambda _, x: relax.op.nn.max_pool2d(x, [3, 3], layout="NHWC"),
        "avg_pool": lambda _, x: relax.op.nn.avg_pool2d(x, [3, 3], layout="NHWC"),
        "softmax": lambda _, x: relax.op.nn.softmax(x),
        "sum": lambda _, x: relax.op.sum(x),
        "transpose": lambda _, x: relax.op.permute_dims(x, [0, 3, 1, 2]),
        "other_transpose": lambda _, x: relax.op.permute_dims(x, [0, 2, 1, 3]),
        "exp": lambda _, x: relax.op.exp(x),
    }
    small = {name: fused(op, (1, 8, 8, 4)) for name, op in ops.items()}
    large = {name: fused(op, (1, 12, 12, 6)) for name, op in ops.items()}
    assert len({s.shape_agnostic for s in small.values()}) == len(ops)
    for name in ops:
        assert small[name].shape_agnostic == large[name].shape_agnostic, name
        assert small[name].shape_aware != large[name].shape_aware, name


def two_branches(swapped, names, params_swapped=False):
    """Two independent nests, joined by a third."""
    a = te.placeholder((8, 8), name=names[0])
    b = te.placeholder((8, 8), name=names[1])
    one = te.compute((8, 8), lambda i, j: te.exp(a[i, j]), name=names[2])
    two = te.compute((8, 8), lambda i, j: te.sqrt(b[i, j]), name=names[3])
    join = te.compute((8, 8), lambda i, j: one[i, j] + two[i, j], name=names[4])
    params = [b, a, join] if params_swapped else [a, b, join]
    func = te.create_prim_func(params)
    if not swapped:
        return func
    root = func.body.block
    first, second, *rest = root.body.seq
    body = tvm.tirx.SeqStmt([second, first, *rest])
    block = tvm.s_tir.SBlock(
        root.iter_vars, root.reads, root.writes, root.name_hint, body, root.init,
        root.alloc_buffers, root.match_buffers, root.annotations,
    )  # fmt: skip
    return func.with_body(tvm.s_tir.SBlockRealize([], True, block))


def test_names_and_orders_do_not_count():
    base = workload_signature(two_branches(False, "abcde"))
    assert workload_signature(two_branches(False, "pqrst")) == base
    assert workload_signature(two_branches(True, "abcde")) == base
    assert workload_signature(two_branches(False, "abcde", params_swapped=True)) == base


def test_attributes_do_not_count_but_for_free_layouts():
    func = two_branches(False, "abcde")
    base = workload_signature(func)
    assert workload_signature(func.with_attr("global_symbol", "other")) == base
    assert workload_signature(func.with_attr("tirx.is_scheduled", True)) == base
    free = [workload_signature(func.with_attr("layout_free_buffers", [i])) for i in (0, 1)]
    assert len({base, *free}) == 3


@pytest.mark.parametrize("kind", ["shape_aware", "shape_agnostic"])
def test_hand_written_kernels(kind):
    def kernel(expression, reduce_extent=4):
        @T.prim_func(private=True, s_tir=True)
        def func(a: T.Buffer((8, 32), "float32"), b: T.Buffer((8,), "float32")):
            for i, k in T.grid(8, reduce_extent):
                with T.sblock("b"):
                    vi, vk = T.axis.remap("SR", [i, k])
                    with T.init():
                        b[vi] = T.float32(0)
                    b[vi] = b[vi] + expression(a, vi, vk)

        return getattr(workload_signature(func), kind)

    rows = [
        kernel(lambda a, i, k: a[i, k]),
        kernel(lambda a, i, k: a[i, k], reduce_extent=1),
        kernel(lambda a, i, k: a[i, k * 2]),
        kernel(lambda a, i, k: a[i, 3 - k]),
        kernel(lambda a, i, k: a[i, i * 2 + k]),
        kernel(lambda a, i, k: a[i, i * 2 + k * 2]),
        kernel(lambda a, i, k: a[i, k] * T.float32(3)),
        kernel(lambda a, i, k: a[i, k] * T.float32(5)),
        kernel(lambda a, i, k: a[i, k] * a[i, k]),
        kernel(lambda a, i, k: T.max(a[i, k], T.float32(0))),
        kernel(lambda a, i, k: T.if_then_else(k < 3, a[i, k], T.float32(0))),
        kernel(lambda a, i, k: a[i, k // 2]),
        kernel(lambda a, i, k: a[i, k % 2]),
    ]
    assert len(set(rows)) == len(rows)


def test_takes_less_than_a_fifth_of_a_millisecond():
    x = te.placeholder((1, 56, 56, 64))
    w = te.placeholder((64, 3, 3, 64))
    b = te.placeholder((1, 1, 1, 64))
    y = topi.nn.conv2d(x, w, 1, 1, 1, data_layout="NHWC", kernel_layout="OHWI")
    func = te.create_prim_func([x, w, b, topi.nn.relu(y + b)])
    sign = tvm.get_global_func("cosearch.blocks.WorkloadSignature")
    times = []
    for _ in range(50):
        start = time.perf_counter()
        sign(func)
        times.append(time.perf_counter() - start)
    assert min(times) < 200e-6
