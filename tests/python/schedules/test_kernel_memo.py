import pytest
import torch
from torch import nn
from tvm import relax
from tvm.ir import assert_structural_equal
from tvm.script import ir as I
from tvm.script import relax as R

from cosearch import frontend
from cosearch.schedules import lower as lowering
from cosearch.schedules import lower_to_workloads, resolve_target
from cosearch.schedules.kernel_memo import KernelMemo, legalized_operators

TARGET = resolve_target("llvm -mcpu=native -num-cores=1")


class Cell(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU6())
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.Hardswish())
        self.pool = nn.AvgPool2d(3, 1, 1)

    def forward(self, x):
        y = self.second(self.first(x))
        return torch.cat([y + x, self.pool(y) * torch.sigmoid(x)], 1)


def imported(channels):
    torch.manual_seed(0)
    return frontend.from_pytorch(Cell(channels).eval(), (torch.zeros(1, channels, 12, 12),))


@pytest.fixture
def cleared():
    lowering._legalizers.cache_clear()
    yield
    lowering._legalizers.cache_clear()


@pytest.mark.usefixtures("cleared")
def test_what_is_remembered_is_what_would_be_made():
    first, others = imported(32), [imported(channels) for channels in (8, 64)]
    fresh = lower_to_workloads(first, TARGET)
    for other in others:  # names and kernels of these must not come into the first
        lower_to_workloads(other, TARGET)
    assert_structural_equal(lower_to_workloads(first, TARGET), fresh)


@pytest.mark.usefixtures("cleared")
def test_kernels_are_made_once(monkeypatch):
    made = []
    call_te = relax.BlockBuilder.call_te
    monkeypatch.setattr(
        relax.BlockBuilder, "call_te", lambda *a, **k: made.append(a) or call_te(*a, **k)
    )
    mod = imported(24)
    lower_to_workloads(mod, TARGET)
    once = len(made)
    lower_to_workloads(mod, TARGET)
    assert once > 5
    assert len(made) == once


def legalize(mod, memo):
    legalizers = {name: memo.legalizer(name) for name in legalized_operators()}
    return relax.transform.LegalizeOps(legalizers)(mod)


def module(expression):
    """Make a function of x and y, float32 [4]."""
    x, y = (relax.Var(name, relax.TensorType((4,), "float32")) for name in "xy")
    builder = relax.BlockBuilder()
    with builder.function("main", [x, y]):
        with builder.dataflow():
            result = builder.emit_output(builder.emit(expression(x, y)))
        builder.emit_func_output(result)
    return builder.get()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda x, _: relax.op.add(x, x), relax.op.add),
        (relax.op.add, lambda x, _: relax.op.add(x, x)),
        (
            lambda x, _: relax.op.add(x, relax.const(1.0)),
            lambda x, _: relax.op.add(x, relax.const(2.0)),
        ),
        (lambda x, y: relax.op.concat([x, y], 0), lambda x, y: relax.op.concat([y, x], 0)),
        (lambda x, _: relax.op.sum(x, 0), lambda x, _: relax.op.sum(x, 0, keepdims=True)),
        (lambda x, _: relax.op.reshape(x, (2, 2)), lambda x, _: relax.op.reshape(x, (1, 4))),
    ],
    ids=["twice", "two", "scalars", "order", "attributes", "shapes"],
)
def test_operators_that_differ_are_not_taken_for_each_other(first, second):
    memo = KernelMemo()
    legalize(module(first), memo)
    found = legalize(module(second), memo)
    assert_structural_equal(found, relax.transform.LegalizeOps()(module(second)))


def test_shapes_that_vary_are_left_to_tvm():
    @I.ir_module
    class Module:
        @R.function
        def main(x: R.Tensor(("n", 4), "float32")) -> R.Tensor(("n", 4), "float32"):
            with R.dataflow():
                gv = R.nn.relu(x)
                R.output(gv)
            return gv

    memo = KernelMemo()
    plain = relax.transform.LegalizeOps()(Module)
    assert_structural_equal(legalize(Module, memo), plain)
    assert_structural_equal(legalize(Module, memo), plain)
    assert not memo._known


def test_a_full_memory_is_cleared(monkeypatch):
    monkeypatch.setattr("cosearch.schedules.kernel_memo.MOST", 2)
    memo = KernelMemo()
    for operator in (relax.op.exp, relax.op.tanh, relax.op.sin):
        legalize(module(lambda x, _, operator=operator: operator(x)), memo)
    assert len(memo._known) == 1
