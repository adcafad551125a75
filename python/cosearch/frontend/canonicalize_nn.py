"""One form of convolutions, pools, reductions and linear layers."""

from typing import Any

import numpy as np
from tvm import relax
from tvm.ir import Call
from tvm.relax import Expr

from cosearch.frontend.canonicalize import Canonicalizer, rule
from cosearch.frontend.graph import dims, dtype_of, op_name, same_dim

_REDUCTIONS = ("mean", "sum", "max", "min")


def short(value: float) -> float:
    """Round a float attribute: ONNX's float32 makes 9.99999974e-6 of 1e-5, torch does not."""
    return float(f"{value:.6g}")


def with_attrs_of(call: Call, made: Call) -> Expr | None:
    """Give the op `made`, typed as the one it replaces; None where nothing changed."""
    if all(map(_same, call.args, made.args)) and str(call.attrs) == str(made.attrs):
        return None
    return Call(made.op, list(made.args), made.attrs, ret_ty=call.ty)


def _same(left: Expr, right: Expr) -> bool:
    return bool(left == right)


@rule("nn.conv2d")
def _conv2d(cz: Canonicalizer, call: Call) -> Expr | None:
    """Zero padding before a convolution is the convolution's own; no redundant out_dtype."""
    attrs, value = call.attrs, call.args[0]
    padding = [int(amount) for amount in attrs.padding]
    before = _zero_padding(cz, value, str(attrs.data_layout))
    if before is not None:
        value, padding = before[0], [a + b for a, b in zip(padding, before[1], strict=True)]
    out_dtype = str(cz.graph.typed(call).ty.dtype)
    made = relax.op.nn.conv2d(
        value,
        call.args[1],
        strides=[int(step) for step in attrs.strides],
        padding=padding,
        dilation=[int(step) for step in attrs.dilation],
        groups=int(attrs.groups),
        data_layout=str(attrs.data_layout),
        kernel_layout=str(attrs.kernel_layout),
        out_layout=str(attrs.out_layout),
        out_dtype=None if out_dtype == dtype_of(value) else out_dtype,
    )
    changed = with_attrs_of(call, made)
    if changed is not None:
        return cz.apply(changed)
    return _with_bias(cz, call, str(attrs.out_layout).index("C"))


def _with_bias(cz: Canonicalizer, layer: Call, channel: int) -> Expr:
    """Emit a layer and its bias, which is zero until another is merged into it.

    torch's exporters leave out a bias that happens to be zero, as it is before training. The
    signature of a block must not depend on that.
    """
    layer = cz.graph.typed(layer)
    value, shape = cz.graph.emit(layer), dims(layer)
    weight = cz.graph.array(layer.args[1])
    if weight is None or weight.ndim < 2 or shape is None or not isinstance(shape[channel], int):
        return value
    if dtype_of(layer)[:5] != "float":
        return value
    extents = [1] * len(shape)
    extents[channel] = shape[channel]
    zeros = np.zeros(extents, dtype_of(layer))
    return cz.apply(relax.op.add(value, cz.graph.constant(zeros)))


def _zero_padding(cz: Canonicalizer, value: Expr, layout: str) -> tuple[Expr, list[int]] | None:
    """Read a spatial zero padding: what it pads, and by how much: top, left, bottom, right."""
    pad = cz.graph.call(value, "nn.pad")
    if pad is None or str(pad.attrs.pad_mode) != "constant" or float(pad.attrs.pad_value) != 0:
        return None
    width = [int(amount) for amount in pad.attrs.pad_width]
    by_axis = {axis: width[2 * i : 2 * i + 2] for i, axis in enumerate(layout)}
    if len(width) != 8 or min(width) < 0 or any(by_axis["N"] + by_axis["C"]):
        return None
    (top, bottom), (left, right) = by_axis["H"], by_axis["W"]
    return pad.args[0], [top, left, bottom, right]


@rule("sum", "max", "min")
def _sum_of_stack(cz: Canonicalizer, call: Call) -> Expr | None:
    """Add up what is stacked only to be summed: TVM imports ONNX's Sum of several so."""
    stack, given = cz.graph.call(call.args[0], "stack"), call.attrs.axis
    fields = getattr(stack.args[0], "fields", ()) if stack is not None else ()
    if stack is None or not fields or given is None or call.attrs.keepdims:
        return None
    rank = call.args[0].ty.ndim
    if [int(axis) % rank for axis in given] != [int(stack.attrs.axis or 0) % rank]:
        return None
    pairwise = {"sum": relax.op.add, "max": relax.op.maximum, "min": relax.op.minimum}
    result = fields[0]
    for field in list(fields)[1:]:
        result = cz.apply(pairwise[op_name(call)](result, field))
    return result


@rule(*_REDUCTIONS)
def _reduction(cz: Canonicalizer, call: Call) -> Expr | None:
    """Reductions keep their axes; a reshape after them drops what the network dropped."""
    value, shape, given = call.args[0], dims(call.args[0]), call.attrs.axis
    if shape is None:
        return None
    rank = len(shape)
    wanted = sorted(int(axis) % rank for axis in given) if given is not None else [*range(rank)]
    axes = [axis for axis in wanted if not same_dim(shape[axis], 1)]
    kept = [1 if axis in axes else extent for axis, extent in enumerate(shape)]
    if not axes:
        reduced = value
    else:
        made = getattr(relax.op, op_name(call))(value, axes, keepdims=True)
        if given is not None and [int(axis) for axis in given] == axes and call.attrs.keepdims:
            return None
        reduced = cz.apply(made)
    if call.attrs.keepdims:
        return reduced
    return cz.reshape(reduced, [kept[axis] for axis in range(rank) if axis not in wanted])


@rule("matmul")
def _matmul(cz: Canonicalizer, call: Call) -> Expr | None:
    """No redundant out_dtype, which torch's importer gives and ONNX's does not; a bias."""
    out_dtype, (left, right) = call.attrs.out_dtype, call.args
    if out_dtype is not None and str(out_dtype) not in ("", "void"):
        if str(out_dtype) == dtype_of(left):
            return cz.apply(relax.op.matmul(left, right))
        return None
    weight = cz.graph.array(right)
    if weight is not None and weight.ndim == 2:
        return _with_bias(cz, call, left.ty.ndim - 1)
    return None


@rule("matmul")
def _one_weight_for_all(cz: Canonicalizer, call: Call) -> Expr | None:
    """Use a weight once that torch.export repeats for each picture of a batch."""
    weight, shape = cz.graph.array(call.args[1]), dims(call.args[0])
    if weight is None or shape is None or not 2 < weight.ndim <= len(shape):
        return None
    if not same_dim(shape[-weight.ndim], len(weight)) or not (weight == weight[:1]).all():
        return None
    return cz.apply(relax.op.matmul(call.args[0], cz.graph.constant(weight[0])))


@rule("nn.softmax", "nn.log_softmax")
def _softmax(cz: Canonicalizer, call: Call) -> Expr | None:
    value, axis = call.args[0], int(call.attrs.axis)
    if axis >= 0 or value.ty.ndim <= 0:
        return None
    function: Any = getattr(relax.op.nn, op_name(call).removeprefix("nn."))
    return cz.apply(function(value, axis % value.ty.ndim))


@rule("nn.layer_norm")
def _layer_norm(cz: Canonicalizer, call: Call) -> Expr | None:
    attrs, rank = call.attrs, call.args[0].ty.ndim
    if rank <= 0:
        return None
    axes = [int(axis) % rank for axis in attrs.axes]
    made = relax.op.nn.layer_norm(
        *call.args, axes, short(attrs.epsilon), bool(attrs.center), bool(attrs.scale)
    )
    changed = with_attrs_of(call, made)
    return None if changed is None else cz.apply(changed)


@rule("nn.leakyrelu")
def _leaky_relu(cz: Canonicalizer, call: Call) -> Expr | None:
    alpha = float(call.attrs.alpha)
    if alpha == short(alpha):
        return None
    return cz.apply(relax.op.nn.leakyrelu(call.args[0], short(alpha)))
