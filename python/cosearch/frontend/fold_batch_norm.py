"""Fold batch-norm, and any per-channel scale, into the convolution or linear layer before it."""

from typing import Any

import numpy as np
from tvm import relax
from tvm.ir import Call
from tvm.relax import Expr

from cosearch.frontend.canonicalize import Canonicalizer, per_channel, rule
from cosearch.frontend.graph import dims, op_name, same_dim


@rule("nn.batch_norm")
def _batch_norm(cz: Canonicalizer, call: Call) -> Expr | None:
    """Write inference batch-norm as a multiplication and an addition per channel.

    The attribute `training`, true unless one says otherwise, is not regarded: TVM's own
    DecomposeOpsForInference does the same.
    """
    value, *weights = call.args
    axis, rank = int(call.attrs.axis), value.ty.ndim
    shape = [1] * rank
    extent = (dims(value) or (None,) * rank)[axis]
    shape[axis] = extent
    if rank <= 0 or extent is None:
        return None
    arrays = [cz.graph.array(arg) for arg in weights]
    if any(array is None for array in arrays):
        scale, shift = _from_params(cz, call)
        scale, shift = cz.reshape(scale, shape), cz.reshape(shift, shape)
    else:
        scales, shifts = _from_constants(call.attrs, *arrays)
        dtype = str(value.ty.dtype)
        scale = cz.graph.constant(scales.astype(dtype).reshape(shape))
        shift = cz.graph.constant(shifts.astype(dtype).reshape(shape))
    scaled = cz.apply(relax.op.multiply(value, scale))
    return relax.Tuple([cz.apply(relax.op.add(scaled, shift)), *weights[2:]])


def _from_constants(attrs: Any, *arrays: Any) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta, mean, variance = (array.astype("float64") for array in arrays)
    scale = 1 / np.sqrt(variance + float(attrs.epsilon))
    if attrs.scale:
        scale = scale * gamma
    shift = -mean * scale
    return scale, shift + beta if attrs.center else shift


def _from_params(cz: Canonicalizer, call: Call) -> tuple[Expr, Expr]:
    """Batch-norm of a module whose weights are still parameters: computed on the vectors."""
    _, gamma, beta, mean, variance = call.args
    epsilon = cz.graph.number(float(call.attrs.epsilon), variance)
    deviation = cz.apply(relax.op.sqrt(cz.apply(relax.op.add(variance, epsilon))))
    numerator = gamma if call.attrs.scale else cz.graph.number(1, variance)
    scale = cz.apply(relax.op.divide(numerator, deviation))
    shift = cz.apply(relax.op.negative(cz.apply(relax.op.multiply(mean, scale))))
    return scale, cz.apply(relax.op.add(shift, beta)) if call.attrs.center else shift


@rule("multiply", "add")
def _before_reshape(cz: Canonicalizer, call: Call) -> Expr | None:
    """``reshape(linear(x)) * s`` as ``reshape(linear(x) * s)``: batch-norm of tokens folds too."""
    value, array = call.args[0], cz.graph.array(call.args[1])
    reshape = cz.graph.call(value, "reshape")
    if reshape is None or array is None or array.ndim != 1 or not cz.single_use(value):
        return None
    inner, shape, source = reshape.args[0], dims(value), dims(reshape.args[0])
    biased = cz.graph.call(inner, "add")
    layer = cz.graph.call(biased.args[0], "matmul") if biased is not None else None
    if layer is None or shape is None or source is None or not cz.single_use(inner):
        return None
    if not same_dim(shape[-1], source[-1]) or not same_dim(shape[-1], array.size):
        return None
    return cz.reshape(cz.apply(Call(call.op, [inner, call.args[1]], call.attrs)), shape)


@rule("multiply")
def _scale_into_weight(cz: Canonicalizer, call: Call) -> Expr | None:
    """``(conv(x, w) + b) * s`` is ``conv(x, w * s) + b * s``."""
    value, scale = call.args[0], cz.graph.array(call.args[1])
    if scale is None or scale.ndim == 0 or not cz.single_use(value):
        return None
    biased = cz.graph.call(value, "add")
    anchor = _anchor(cz, biased.args[0] if biased is not None else value)
    if anchor is None or (biased is not None and not cz.single_use(biased.args[0])):
        return None
    layer, weight, channel, weight_axis = anchor
    vector = per_channel(scale, value.ty.ndim, channel, weight.shape[weight_axis])
    if vector is None:
        return None
    bias = cz.graph.array(biased.args[1]) if biased is not None else None
    if biased is not None and bias is None:
        return None
    along = [1] * weight.ndim
    along[weight_axis] = -1
    scaled = cz.graph.constant(weight * vector.reshape(along))
    made = Call(layer.op, [layer.args[0], scaled], layer.attrs, ret_ty=layer.ty)
    result = cz.apply(made)
    if bias is None:
        return result
    return cz.apply(relax.op.add(result, cz.graph.constant(bias * scale)))


@rule("add")
def _merge_biases(cz: Canonicalizer, call: Call) -> Expr | None:
    """``(conv + b) + c`` is ``conv + (b + c)`` for a constant `c` per channel."""
    value, shift = call.args[0], cz.graph.array(call.args[1])
    biased = cz.graph.call(value, "add") if shift is not None and shift.ndim else None
    if biased is None or shift is None or not cz.single_use(value):
        return None
    bias, anchor = cz.graph.array(biased.args[1]), _anchor(cz, biased.args[0])
    if bias is None or anchor is None or bias.ndim == 0:
        return None
    _, weight, channel, weight_axis = anchor
    if per_channel(shift, value.ty.ndim, channel, weight.shape[weight_axis]) is None:
        return None
    return cz.apply(relax.op.add(biased.args[0], cz.graph.constant(bias + shift)))


def _anchor(cz: Canonicalizer, value: Expr) -> tuple[Call, np.ndarray, int, int] | None:
    """Find a layer with a constant weight: op, weight, channel axis, the weight's same axis."""
    layer = cz.graph.call(value, "nn.conv2d", "matmul")
    weight = cz.graph.array(layer.args[1]) if layer is not None else None
    if layer is None or weight is None:
        return None
    if op_name(layer) == "nn.conv2d":
        attrs = layer.attrs
        return layer, weight, str(attrs.out_layout).index("C"), str(attrs.kernel_layout).index("O")
    return (layer, weight, value.ty.ndim - 1, 1) if weight.ndim == 2 else None
