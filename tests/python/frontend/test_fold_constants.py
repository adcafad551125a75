"""fold_constants: numpy's results are TVM's, and nothing is compiled for common ops."""

import numpy as np
import pytest
from tvm import relax
from tvm.ir import GenericConst

from cosearch.frontend import fold_constants as module
from cosearch.frontend.fold_constants import fold_constants
from cosearch.frontend.graph import Graph

OP = relax.op
X = np.array([[0.5, -1.5, 2.0], [3.0, 0.25, -0.75]], "float32")
Y = np.array([[2.0, 3.0, -1.0]], "float32")
INTS = np.array([7, -7, 4], "int32")


def const(array):
    return relax.const(np.ascontiguousarray(array))


COMMON = {
    "reshape": lambda: OP.reshape(const(X), (3, 2)),
    "permute": lambda: OP.permute_dims(const(X)),
    "expand": lambda: OP.expand_dims(const(X), [0, 3]),
    "squeeze": lambda: OP.squeeze(const(Y)),
    "broadcast": lambda: OP.broadcast_to(const(Y), (2, 3)),
    "concat": lambda: OP.concat([const(X), const(Y)], axis=0),
    "slice": lambda: OP.strided_slice(const(X), [1], [-2], [3]),
    "take": lambda: OP.take(const(Y), const(np.array([2, 0], "int64")), axis=1),
    "where": lambda: OP.where(OP_isnan(), const(X), const(Y)),
    "subtract": lambda: OP.subtract(const(X), const(Y)),
    "divide": lambda: OP.divide(const(X), const(Y)),
    "power": lambda: OP.power(const(np.abs(X)), const(Y)),
    "rsqrt": lambda: OP.rsqrt(const(np.abs(X))),
    "astype": lambda: OP.astype(const(X), "int32"),
    "mean": lambda: OP.mean(const(X), [1], keepdims=True),
    "sum": lambda: OP.sum(const(X)),
    "zeros": lambda: OP.zeros((2, 2), "float32"),
    "full": lambda: OP.full((2,), relax.const(1.5), "float32"),
    "greater": lambda: OP.greater(const(X), const(Y)),
}


def OP_isnan():
    return const(np.isnan(X))


def by_tvm(call):
    return module._fold_with_tvm(relax.BlockBuilder().normalize(call)).value.numpy()


@pytest.mark.parametrize("name", COMMON)
def test_numpy_agrees_with_tvm(name, monkeypatch):
    wanted = by_tvm(COMMON[name]())
    monkeypatch.setattr(module, "_fold_with_tvm", None)
    folded = fold_constants(Graph(), COMMON[name]())
    assert isinstance(folded, GenericConst)
    got = folded.value.numpy()
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_others_are_folded_by_tvm():
    folded = fold_constants(Graph(), OP.sinh(const(X)))
    np.testing.assert_allclose(folded.value.numpy(), np.sinh(X), rtol=1e-5)


def test_what_is_not_constant_stays():
    x = relax.Var("x", relax.TensorType((2, 3), "float32"))
    assert fold_constants(Graph(), OP.add(x, const(X))) is None


def test_large_results_stay(monkeypatch):
    monkeypatch.setattr(module, "_MAX_ELEMENTS", 8)
    assert fold_constants(Graph(), OP.zeros((3, 3), "float32")) is None
    assert fold_constants(Graph(), OP.broadcast_to(const(Y), (4, 3))) is None
    # A weight that is only moved is no larger than it was.
    big = np.ones((3, 4), "float32")
    assert fold_constants(Graph(), OP.permute_dims(const(big))) is not None


def test_equal_scalars_are_one_object():
    graph = Graph()
    six = fold_constants(graph, OP.add(relax.const(2.0), relax.const(4.0)))
    assert six.same_as(graph.constant(np.array(6.0, "float32")))
