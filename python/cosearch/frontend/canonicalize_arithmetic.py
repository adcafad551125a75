"""Canonical arithmetic: constants second, scalars of rank 0, clips as maximum and minimum."""

import math
from typing import Any

import numpy as np
import tvm
import tvm_ffi
from tvm import relax
from tvm.ir import Call
from tvm.relax import Expr

from cosearch.frontend.canonicalize import Canonicalizer, rule
from cosearch.frontend.graph import dims, dtype_of, op_name, same_dims

_COMMUTATIVE = ("add", "multiply", "maximum", "minimum")
_COMPARISONS = ("greater", "less", "greater_equal", "less_equal", "equal", "not_equal")
_BINARY = (*_COMMUTATIVE, *_COMPARISONS, "subtract", "divide", "power")


@rule("subtract", "divide")
def _by_constant(cz: Canonicalizer, call: Call) -> Expr | None:
    """``x - c`` is ``x + (-c)``, ``x / c`` is ``x * (1 / c)``: fewer forms, and faster ones."""
    left, right = call.args
    array = cz.graph.array(right)
    if array is None or array.dtype.kind != "f":
        return None
    if op_name(call) == "subtract":
        return cz.apply(relax.op.add(left, cz.graph.constant(-array)))
    inverse = np.asarray(1 / array.astype("float64")).astype(array.dtype)
    return cz.apply(relax.op.multiply(left, cz.graph.constant(inverse)))


@rule(*_BINARY)
def _operands(cz: Canonicalizer, call: Call) -> Expr | None:
    left, right = (_without_broadcast(cz, arg, call) for arg in call.args)
    left, right = _as_operand(cz, left, right), _as_operand(cz, right, left)
    if op_name(call) in _COMMUTATIVE and _rank(cz, left) < _rank(cz, right):
        left, right = right, left
    if left is call.args[0] and right is call.args[1]:
        return None
    if left == call.args[0] and right == call.args[1]:
        return None
    return cz.apply(Call(call.op, [left, right], call.attrs))


def _rank(cz: Canonicalizer, value: Expr) -> int:
    """Order of the operands of a commutative op: the longer way from the input comes first."""
    return -1 if cz.graph.array(value) is not None else cz.graph.depth(value)


def _without_broadcast(cz: Canonicalizer, value: Expr, call: Call) -> Expr:
    """Look through a ``broadcast_to`` that the op would do by itself."""
    spread = cz.graph.call(value, "broadcast_to")
    if spread is None:
        return value
    source, others = spread.args[0], [arg for arg in call.args if arg != value]
    shape = dims(value)
    covered = shape is not None and any(same_dims(dims(arg) or (), shape) for arg in others)
    return source if covered else value


def _as_operand(cz: Canonicalizer, value: Expr, other: Expr) -> Expr:
    array, shape = cz.graph.array(value), dims(other)
    if array is None or shape is None or array.ndim == 0 or array.ndim > len(shape):
        return value
    if array.size == 1:
        return cz.graph.constant(array.reshape(()))
    extents = list(array.shape)
    while len(extents) > 1 and extents[0] == 1:
        extents.pop(0)
    if len(shape) == 4:
        extents = [1] * (4 - len(extents)) + extents
    return value if tuple(extents) == array.shape else cz.graph.constant(array.reshape(extents))


@rule("add", "multiply")
def _identity(cz: Canonicalizer, call: Call) -> Expr | None:
    neutral = 0.0 if op_name(call) == "add" else 1.0
    return call.args[0] if cz.graph.scalar(call.args[1]) == neutral else None


@rule("add", "multiply")
def _two_scalars(cz: Canonicalizer, call: Call) -> Expr | None:
    """``(x + a) + b`` is ``x + (a + b)``, and so for products."""
    inner, second = cz.graph.call(call.args[0], op_name(call)), cz.graph.scalar(call.args[1])
    if inner is None or second is None:
        return None
    first = cz.graph.scalar(inner.args[1])
    if first is None or dtype_of(call.args[1])[:5] != "float":
        return None
    joined = first + second if op_name(call) == "add" else first * second
    return cz.apply(Call(call.op, [inner.args[0], cz.graph.number(joined, call.args[1])]))


@rule("power", "square")
def _square(cz: Canonicalizer, call: Call) -> Expr | None:
    """Write a square as a product and a power of one half as a root."""
    value = call.args[0]
    exponent = 2.0 if op_name(call) == "square" else cz.graph.scalar(call.args[1])
    if exponent == 0.5:
        return cz.apply(relax.op.sqrt(value))
    if exponent != 2:
        return None
    size = cz.graph.call(value, "abs")
    value = value if size is None else size.args[0]
    return cz.apply(relax.op.multiply(value, value))


@rule("maximum")
def _relu(cz: Canonicalizer, call: Call) -> Expr | None:
    value, bound = call.args[0], cz.graph.scalar(call.args[1])
    if bound == -math.inf:
        return value
    return cz.apply(relax.op.nn.relu(value)) if bound == 0 else None


@rule("minimum")
def _no_upper_bound(cz: Canonicalizer, call: Call) -> Expr | None:
    return call.args[0] if cz.graph.scalar(call.args[1]) == math.inf else None


@rule("clip")
def _clip(cz: Canonicalizer, call: Call) -> Expr | None:
    """Write a clip as maximum and minimum, which fuse and know no layout."""
    value = call.args[0]
    bounds = [_number(arg) for arg in call.args[1:3]]
    if len(bounds) < 2 or None in bounds:
        return None
    low, high = (cz.graph.number(bound, value) for bound in bounds if bound is not None)
    return cz.apply(relax.op.minimum(cz.apply(relax.op.maximum(value, low)), high))


def _number(value: Expr) -> float | None:
    if isinstance(value, tvm.tirx.IntImm | tvm.tirx.FloatImm):
        return float(value.value)
    return None


@rule("call_tir")
def _call_of_a_bound(cz: Canonicalizer, call: Call) -> Expr | None:
    """TVM's ONNX importer writes Clip as calls of two PrimFuncs: they are maximum and minimum."""
    function = cz.functions.get(call.args[0])
    bound = _bound(function) if function is not None else None
    if bound is None:
        return None
    operator, constant = bound
    args = list(call.args[1].fields)
    if constant is not None and len(args) == 1:
        args.append(cz.graph.number(constant, args[0]))
    if len(args) != 2 or not same_dims(dims(args[0]) or (), dims(call) or (None,)):
        return None
    return cz.apply(operator(*args))


def _bound(function: Any) -> tuple[Any, float | None] | None:
    """Read a PrimFunc that is one max or min: the op and, where it is a literal, the bound."""
    stores: list[Any] = []

    tvm_ffi.structural_walk(function.body, (tvm.tirx.BufferStore, stores.append))
    if len(stores) != 1 or not isinstance(stores[0].value, tvm.tirx.Max | tvm.tirx.Min):
        return None
    store = stores[0]
    first, second = store.value.a, store.value.b
    operator = relax.op.maximum if isinstance(store.value, tvm.tirx.Max) else relax.op.minimum
    if not _reads(first, list(store.indices)):
        return None
    if isinstance(second, tvm.tirx.FloatImm | tvm.tirx.IntImm):
        return operator, float(second.value)
    return (operator, None) if _reads(second, []) else None


def _reads(value: Any, indices: list[Any]) -> bool:
    """Whether a value is a buffer's element at just these indices."""
    return (
        isinstance(value, tvm.ir.TensorLoad)
        and len(value.indices) == len(indices)
        and all(map(tvm_ffi.structural_equal, value.indices, indices))
    )
