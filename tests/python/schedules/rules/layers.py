"""Networks of one layer, and the workloads that they become."""

import numpy as np
from tvm import relax

from cosearch.schedules import extract_workloads, lower_to_workloads, resolve_target

OPS = relax.op


def layer(shape, build, **options):
    """Lower a network of one operator; return the module of its largest workload."""
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType(shape, "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            out = builder.emit_output(builder.emit(build(x, **options)))
        builder.emit_func_output(out)
    target = resolve_target("llvm -mcpu=native -num-cores=2")
    tasks = extract_workloads(lower_to_workloads(builder.get(), target))
    return max(tasks, key=lambda task: len(str(task.workload.mod))).workload.mod


def random(*shape):
    values = np.random.default_rng(0).standard_normal(shape, dtype="float32")
    return relax.const(values / np.sqrt(np.prod(shape[:-1])))


def conv(
    x,
    *,
    out,
    inputs=None,
    kernel=1,
    stride=1,
    groups=1,
    padding=None,
    tail=None,
    bias=True,
    dilation=1,
):
    channels = inputs or int(x.ty.shape[-1])
    depthwise = groups == channels > 1
    weights = (
        (kernel, kernel, channels, 1) if depthwise else (kernel, kernel, channels // groups, out)
    )
    y = OPS.nn.conv2d(
        x,
        random(*weights),
        strides=stride,
        padding=kernel // 2 if padding is None else padding,
        groups=groups,
        dilation=dilation,
        data_layout="NHWC",
        kernel_layout="HWOI" if depthwise else "HWIO",
    )
    if bias:
        y = y + random(1, 1, 1, out)
    return tail(y) if tail else y


def depthwise(x, **options):
    channels = int(x.ty.shape[-1])
    return conv(x, out=channels, groups=channels, **options)


def residual(y):
    return OPS.nn.relu(y + OPS.clip(y, -1.0, 1.0))


def squeeze(x, **options):
    gate = OPS.sigmoid(conv(OPS.mean(x, [1, 2], keepdims=True), **options))
    return x * gate


MAX_POOL = {"pool_size": 3, "strides": 2, "padding": 1, "layout": "NHWC"}
AVERAGE_POOL = {"pool_size": 2, "strides": 2, "layout": "NHWC"}
WORKLOADS = {
    "pointwise": ((1, 14, 14, 24), conv, {"out": 96, "tail": OPS.nn.relu}),
    "pointwise, no tail": ((1, 7, 7, 32), conv, {"out": 40, "bias": False}),
    "pointwise, odd channels": ((1, 9, 9, 13), conv, {"out": 17}),
    "pointwise, prime extents": ((1, 13, 17, 16), conv, {"out": 58, "tail": OPS.nn.silu}),
    "pointwise, residual": ((1, 14, 14, 48), conv, {"out": 16, "tail": residual}),
    "pointwise, 512 channels": ((1, 14, 14, 512), conv, {"out": 64}),
    "pointwise, stride": ((1, 14, 14, 32), conv, {"out": 64, "stride": 2}),
    "batch of two": ((2, 7, 7, 32), conv, {"out": 64, "tail": OPS.nn.gelu}),
    "direct": ((1, 14, 14, 16), conv, {"out": 32, "kernel": 3, "padding": 2, "dilation": 2}),
    "winograd": ((1, 16, 16, 32), conv, {"out": 32, "kernel": 3, "tail": OPS.nn.relu}),
    "winograd, no tail": ((1, 20, 20, 16), conv, {"out": 24, "kernel": 3, "bias": False}),
    "winograd, ragged": ((2, 13, 18, 24), conv, {"out": 40, "kernel": 3, "padding": 0}),
    "winograd, grouped": ((1, 16, 16, 64), conv, {"out": 64, "kernel": 3, "groups": 2}),
    "winograd, residual": ((1, 10, 10, 32), conv, {"out": 32, "kernel": 3, "tail": residual}),
    "direct, stride": ((1, 15, 15, 8), conv, {"out": 24, "kernel": 5, "stride": 2}),
    "first": ((1, 32, 32, 3), conv, {"out": 16, "kernel": 3, "stride": 2, "tail": OPS.sigmoid}),
    "grouped": ((1, 14, 14, 24), conv, {"out": 24, "kernel": 3, "groups": 3}),
    "grouped, widening": ((1, 7, 7, 12), conv, {"out": 32, "groups": 4}),
    "depthwise": ((1, 14, 14, 32), depthwise, {"kernel": 3, "tail": OPS.nn.relu}),
    "depthwise, stride": ((1, 15, 15, 24), depthwise, {"kernel": 5, "stride": 2}),
    "depthwise, wide": ((1, 56, 56, 16), depthwise, {"kernel": 3}),
    "depthwise, 512 channels": ((1, 14, 14, 512), depthwise, {"kernel": 3}),
    "depthwise, odd channels": ((1, 7, 7, 19), depthwise, {"kernel": 3, "tail": OPS.tanh}),
    "max pool": ((1, 15, 15, 32), OPS.nn.max_pool2d, MAX_POOL),
    "average pool": ((1, 14, 14, 12), OPS.nn.avg_pool2d, AVERAGE_POOL),
    "global mean": ((1, 14, 14, 40), OPS.mean, {"axis": [1, 2], "keepdims": True}),
    "squeeze and excitation": ((1, 8, 8, 16), squeeze, {"inputs": 16, "out": 16}),
    "dense": ((1, 96), lambda x: OPS.matmul(x, random(96, 50)) + random(50), {}),
    "dense, rows": ((6, 32), lambda x: OPS.nn.gelu(OPS.matmul(x, random(32, 64))), {}),
    "activation": ((1, 9, 9, 20), OPS.exp, {}),
    "vector": ((37,), OPS.nn.relu, {}),
    "transpose": ((1, 3, 16, 16), OPS.permute_dims, {"axes": [0, 2, 3, 1]}),
    "concatenate": ((1, 4, 4, 16), lambda x: OPS.concat([x, OPS.nn.relu(x)], axis=3), {}),
}  # fmt: skip
