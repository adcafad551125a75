"""Fold ops on constants with numpy; TVM's own folder compiles each op with LLVM."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tvm
from tvm import relax
from tvm.ir import Call, GenericConst
from tvm.relax import Expr

from cosearch.frontend.graph import Graph, as_dim, dims, op_name

_MAX_ELEMENTS = 1 << 24
"""A result that is larger, and than what it is made of, is better computed where it is read."""

Fold = Callable[[Call, list[Any]], np.ndarray]


def _axes(value: Any) -> Any:
    return tuple(int(axis) for axis in value) if value is not None else None


def _reduce(function: Callable[..., Any]) -> Fold:
    return lambda call, args: function(
        args[0], axis=_axes(call.attrs.axis), keepdims=bool(call.attrs.keepdims)
    ).astype(args[0].dtype)


def _slice(call: Call, args: list[Any]) -> np.ndarray:
    steps = args[4] if len(args) > 4 else [1] * len(args[1])
    index = [slice(None)] * args[0].ndim
    for axis, begin, end, step in zip(args[1], args[2], args[3], steps, strict=True):
        index[axis] = slice(begin, end, step)
    return np.asarray(args[0][tuple(index)])


def _divide(call: Call, args: list[Any]) -> np.ndarray:
    quotient = args[0] / args[1]
    return np.asarray(quotient if args[0].dtype.kind == "f" else np.trunc(quotient))


_FOLDS: dict[str, Fold] = {
    "reshape": lambda call, args: args[0].reshape(args[1]),
    "permute_dims": lambda call, args: args[0].transpose(_axes(call.attrs.axes)),
    "expand_dims": lambda call, args: np.expand_dims(args[0], _axes(call.attrs.axis)),
    "squeeze": lambda call, args: np.squeeze(args[0], _axes(call.attrs.axis)),
    "broadcast_to": lambda call, args: np.broadcast_to(args[0], args[1]),
    "concat": lambda call, args: np.concatenate(args[0], int(call.attrs.axis or 0)),
    "stack": lambda call, args: np.stack(args[0], int(call.attrs.axis or 0)),
    "strided_slice": _slice,
    "take": lambda call, args: np.take(
        args[0], args[1], None if call.attrs.axis is None else int(call.attrs.axis), mode="wrap"
    ),
    "shape_to_tensor": lambda call, args: np.array(args[0], "int64"),
    "astype": lambda call, args: args[0].astype(str(call.attrs.dtype)),
    "where": lambda call, args: np.asarray(np.where(args[0], args[1], args[2])),
    "divide": _divide,
    "rsqrt": lambda call, args: 1 / np.sqrt(args[0]),
    "mean": _reduce(np.mean),
    "sum": _reduce(np.sum),
    "max": _reduce(np.max),
    "min": _reduce(np.min),
    "full": lambda call, args: np.full(args[0], args[1]),
    "zeros": lambda call, args: np.zeros(args[0], str(call.attrs.dtype)),
    "ones": lambda call, args: np.ones(args[0], str(call.attrs.dtype)),
    "zeros_like": lambda call, args: np.zeros_like(args[0]),
    "ones_like": lambda call, args: np.ones_like(args[0]),
}
_NUMPY = (
    "add subtract multiply maximum minimum power negative abs sqrt exp log square tanh isnan isinf "
    "isfinite floor ceil less less_equal greater greater_equal equal not_equal logical_and "
    "logical_or logical_not"
)


def _named(name: str) -> Fold:
    function = getattr(np, name)
    return lambda call, args: np.asarray(function(*args))


_FOLDS.update({name: _named(name) for name in _NUMPY.split()})


def fold_constants(graph: Graph, call: Call) -> GenericConst | None:
    """Compute an op whose arguments are all constant; None where it cannot be, or is too large."""
    name = op_name(call)
    if not name or name.startswith("call_"):
        return None
    args = [_constant_value(graph, arg) for arg in call.args]
    if any(arg is None for arg in args):
        return None
    call = graph.typed(call)
    shape = dims(call)
    if shape is None or not all(isinstance(extent, int) for extent in shape):
        return None
    read = sum(arg.size for arg in args if isinstance(arg, np.ndarray))
    if np.prod(shape) > max(_MAX_ELEMENTS, read):
        return None
    if name in _FOLDS:
        with np.errstate(all="ignore"):
            return graph.constant(_FOLDS[name](call, args).astype(str(call.ty.dtype), copy=False))
    return _fold_with_tvm(call)


def _constant_value(graph: Graph, arg: Expr) -> Any:
    if isinstance(arg, GenericConst):
        return graph.array(arg)
    if isinstance(arg, relax.ShapeExpr):
        extents = [as_dim(extent) for extent in arg.values]
        return extents if all(isinstance(extent, int) for extent in extents) else None
    if isinstance(arg, relax.Tuple):
        fields = [_constant_value(graph, field) for field in arg.fields]
        return None if any(field is None for field in fields) else fields
    if isinstance(arg, tvm.tirx.IntImm):
        return int(arg)
    return float(arg) if isinstance(arg, tvm.tirx.FloatImm) else None


def _fold_with_tvm(call: Call) -> GenericConst | None:
    builder = relax.BlockBuilder()
    with builder.function("main", []):
        with builder.dataflow():
            output = builder.emit_output(call)
        builder.emit_func_output(output)
    folded = relax.transform.FoldConstant()(builder.get())["main"].body
    value = folded.blocks[0].bindings[-1].value if folded.blocks else folded.body
    return value if isinstance(value, GenericConst) else None
