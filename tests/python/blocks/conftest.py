"""Small networks, written with Relax's own operators, for the tests of the blocks room."""

from collections.abc import Sequence

import numpy as np
import pytest
import tvm
from tvm import relax
from tvm.ir import IRModule

LAYOUTS = {"data_layout": "NHWC", "kernel_layout": "OHWI"}


class NetworkBuilder:
    """Builds NHWC networks as the frontend's normalisation leaves them: weights are constants."""

    def __init__(self, seed: int = 0) -> None:
        self.builder = relax.BlockBuilder()
        self.random = np.random.default_rng(seed)

    def constant(self, *shape: int) -> relax.Expr:
        return relax.const(self.random.uniform(-0.5, 0.5, shape).astype("float32"))

    def emit(self, call: relax.Expr) -> relax.Var:
        return self.builder.emit(call)

    def conv(self, x, channels, kernel=3, stride=1, groups=1, act="relu6"):
        weight = self.constant(channels, kernel, kernel, int(x.ty.shape[-1]) // groups)
        options = {"strides": stride, "padding": kernel // 2, "groups": groups, **LAYOUTS}
        y = self.emit(relax.op.nn.conv2d(x, weight, **options))
        y = self.emit(relax.op.add(y, self.constant(1, 1, 1, channels)))
        if act is None:
            return y
        y = self.emit(relax.op.nn.relu(y))
        return y if act == "relu" else self.emit(relax.op.minimum(y, relax.const(6.0, "float32")))

    def mbconv(self, x, channels, expand=2, kernel=3, stride=1):
        before = int(x.ty.shape[-1])
        y = self.conv(x, before * expand, 1) if expand > 1 else x
        y = self.conv(y, before * expand, kernel, stride, groups=before * expand)
        y = self.conv(y, channels, 1, act=None)
        if stride == 1 and channels == before:
            y = self.emit(relax.op.add(x, y))
        return y

    def network(self, blocks: Sequence[tuple], batch=1, size=16) -> IRModule:
        x = relax.Var("x", relax.TensorType((batch, size, size, 3), "float32"))
        with self.builder.function("main", [x]):
            with self.builder.dataflow():
                y = self.conv(x, 8, 3, 2)
                for block in blocks:
                    y = self.mbconv(y, *block)
                y = self.emit(relax.op.mean(y, [1, 2], keepdims=True))
                y = self.builder.emit_output(y)
            self.builder.emit_func_output(y)
        return self.builder.finalize()


@pytest.fixture
def mbconv_network():
    """A network of MBConv blocks: (channels, expansion, kernel, stride) each."""

    def build(blocks=((8,), (8,), (16, 4, 5, 2), (16, 4, 5)), seed=0, **options):
        return NetworkBuilder(seed).network(blocks, **options)

    return build


@pytest.fixture
def compile_network():
    """Compile a module for the CPU, with its kernels as they are, into a function on arrays."""

    def compiled(mod: IRModule):
        executable = tvm.compile(mod, tvm.target.Target({"kind": "llvm"}))
        machine = relax.VirtualMachine(executable, tvm.cpu())
        return lambda *inputs: machine["main"](*map(tvm.runtime.tensor, inputs)).numpy()

    return compiled
