"""How long the passes and signatures of the blocks room take on a network of 300 bindings."""

import numpy as np
import pytest
import tvm_ffi
from tvm import relax
from tvm.ir import IRModule

from cosearch.blocks import InlineBlocks, LiftBlocks, find_blocks

LAYOUTS = {"data_layout": "NHWC", "kernel_layout": "OHWI"}


@pytest.fixture(scope="module")
def network() -> IRModule:
    """Return 27 MBConv blocks in three widths, weights as constants: 300 bindings."""
    builder = relax.BlockBuilder()

    def conv(x: relax.Var, channels: int, kernel: int, groups: int, act: bool) -> relax.Var:
        shape = (channels, kernel, kernel, int(x.ty.shape[-1]) // groups)
        weight, bias = (relax.const(np.zeros(s, "float32")) for s in (shape, (1, 1, 1, channels)))
        y = relax.op.nn.conv2d(x, weight, padding=kernel // 2, groups=groups, **LAYOUTS)
        y = builder.emit(relax.op.add(builder.emit(y), bias))
        if not act:
            return y
        return builder.emit(relax.op.minimum(builder.emit(relax.op.nn.relu(y)), relax.const(6.0)))

    x = relax.Var("x", relax.TensorType((1, 28, 28, 16), "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            y = x
            for i in range(27):
                width = (16, 24, 40)[i // 9]
                hidden = 6 * int(y.ty.shape[-1])
                z = conv(y, hidden, 1, 1, True)
                z = conv(z, hidden, (3, 5)[i % 2], hidden, True)
                z = conv(z, width, 1, 1, False)
                y = builder.emit(relax.op.add(y, z)) if width == int(y.ty.shape[-1]) else z
            y = builder.emit_output(relax.op.mean(y, [1, 2]))
        builder.emit_func_output(y)
    mod = builder.finalize()
    assert len(mod["main"].body.blocks[0].bindings) == 27 * 11 - 2 + 1
    return mod


def test_lift_blocks(benchmark, network: IRModule) -> None:
    """The whole pass: under 10 ms."""
    run = LiftBlocks()
    benchmark(lambda: run(network))
    assert benchmark.stats.stats.min < 10e-3


def test_inline_blocks(benchmark, network: IRModule) -> None:
    """The way back."""
    lifted, run = LiftBlocks()(network), InlineBlocks()
    benchmark(lambda: run(lifted))


def test_find_blocks(benchmark, network: IRModule) -> None:
    """The analysis, with its objects for Python."""
    benchmark(lambda: find_blocks(network))


def test_block_signature(benchmark, network: IRModule) -> None:
    """Both signatures of the whole network as one block."""
    sign = tvm_ffi.get_global_func("cosearch.blocks.BlockSignature")
    benchmark(lambda: sign(network["main"], None))


def test_workload_signature(benchmark, network: IRModule) -> None:
    """Both signatures of one kernel: under 0.2 ms."""
    kernel = relax.transform.LegalizeOps()(network)["conv2d1"]
    sign = tvm_ffi.get_global_func("cosearch.blocks.WorkloadSignature")
    benchmark(lambda: sign(kernel))
    assert benchmark.stats.stats.min < 0.2e-3
