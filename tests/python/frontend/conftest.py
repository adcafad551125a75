"""What the frontend's tests share: calibrated networks, exporters, a runner, a reader of IR."""

import io
import warnings

import numpy as np
import pytest
import tvm
from tvm import relax


def _pictures(*shape):
    """Noise with a colour of its own for each picture: pooling leaves nothing of noise alone."""
    import torch

    return torch.randn(*shape) + 2 * torch.randn(*shape[:2], 1, 1)


def _calibrate(module, *shapes, batches=3):
    """Give batch-norm the statistics of a few batches; random ones make numeric checks blind."""
    import torch

    torch.manual_seed(0)
    module.train()
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None  # the plain mean of the batches
    with torch.no_grad():
        for _ in range(batches):
            module(*(_pictures(8, *shape[1:]) for shape in shapes))
    return module.eval(), tuple(_pictures(*shape) for shape in shapes)


def _export_onnx(module, inputs, *, dynamo=False, **options):
    """The bytes of the network as one of torch's two exporters writes it."""
    import torch

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            program = torch.onnx.export(module, inputs, dynamo=True, verbose=False, **options)
            program.save(buffer)
        else:
            torch.onnx.export(module, inputs, buffer, dynamo=False, **options)
    return buffer.getvalue()


def _run(mod, *inputs):
    """The outputs of `main` on TVM's default pipeline, as a list of arrays."""
    machine = relax.VirtualMachine(tvm.compile(mod, "llvm"), tvm.cpu())
    result = machine["main"](*(tvm.runtime.tensor(np.asarray(value)) for value in inputs))
    return [value.numpy() for value in ([result] if hasattr(result, "numpy") else result)]


def _run_both(before, after, *inputs):
    """The outputs of two modules' `main`, built as one: LLVM starts once."""
    parts = {"before": before["main"], "after": after["main"]}
    parts = {name: func.with_attr("global_symbol", name) for name, func in parts.items()}
    machine = relax.VirtualMachine(tvm.compile(tvm.IRModule(parts), "llvm"), tvm.cpu())
    arguments = [tvm.runtime.tensor(value) for value in inputs]
    return [machine[name](*arguments).numpy() for name in parts]


def _ops(mod, name="main"):
    """Names of the operators of a function, in order."""
    found = []
    for block in mod[name].body.blocks:
        for binding in block.bindings:
            call = binding.value
            if isinstance(call, tvm.ir.Call):
                operator = call.op.name if isinstance(call.op, tvm.ir.Op) else call.op.name_hint
                found.append(operator.removeprefix("relax."))
    return found


def _scalars(mod):
    """Every rank-0 constant of `main`, in order."""
    found = []

    def visit(expr):
        if isinstance(expr, tvm.ir.GenericConst) and not expr.value.shape:
            found.append(float(expr.value.numpy()))

    relax.analysis.post_order_visit(mod["main"], visit)
    return found


@pytest.fixture(scope="session")
def calibrate():
    return _calibrate


@pytest.fixture(scope="session")
def pictures():
    return _pictures


@pytest.fixture(scope="session")
def export_onnx():
    return _export_onnx


@pytest.fixture(scope="session")
def run():
    return _run


@pytest.fixture(scope="session")
def run_both():
    return _run_both


@pytest.fixture(scope="session")
def ops():
    return _ops


@pytest.fixture(scope="session")
def scalars():
    return _scalars
