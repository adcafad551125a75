"""How each operator is computed on operands whose axes are permuted in memory."""

from typing import Any

from tvm import relax
from tvm.ir import Call
from tvm.relax import Var

from cosearch.frontend.convert_layout import (
    LayoutConverter,
    Order,
    Placed,
    layout_rule,
    order_of,
    permuted,
    weight_in,
)
from cosearch.frontend.graph import Dim, dims, op_name, same_dim
from cosearch.frontend.layout_reshape import regroup

_UNARY = frozenset(
    "nn.relu nn.gelu nn.gelu_tanh nn.silu nn.selu nn.leakyrelu nn.softplus sigmoid tanh exp log "
    "sqrt rsqrt erf abs negative square floor ceil round sign sin cos astype isnan isinf isfinite "
    "logical_not clip".split()
)
_SEVERAL = frozenset(
    "add subtract multiply divide maximum minimum power floor_divide floor_mod mod greater less "
    "greater_equal less_equal equal not_equal logical_and logical_or where".split()
)


@layout_rule(*_UNARY, *_SEVERAL)
def _elementwise(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    if dims(var) is None or (op_name(call) in _SEVERAL and None in map(dims, call.args)):
        return None
    count = 1 if op_name(call) in _UNARY else len(call.args)
    order = converter.common_order(call.args[:count], var.ty.ndim)
    args = [converter.broadcast(arg, order) for arg in call.args[:count]]
    made = Call(call.op, [*args, *call.args[count:]], call.attrs)
    return converter.emit(made, order)


@layout_rule("nn.conv2d")
def _conv2d(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    """Kernels as HWIO, a depthwise one as HWOI: what LegalizeOps makes clean NHWC loops of."""
    attrs = call.attrs
    layout, kernel = str(attrs.data_layout), str(attrs.kernel_layout)
    if sorted(layout) != sorted("NCHW") or sorted(kernel) != sorted("OIHW"):
        return None
    if str(attrs.out_layout) != layout:
        return None
    order = order_of(layout, converter.layout)
    weight = dims(call.args[1])
    depthwise = int(attrs.groups) > 1 and weight is not None and weight[kernel.index("I")] == 1
    wanted = "OIHW" if converter.layout == "NCHW" else "HWOI" if depthwise else "HWIO"
    made = relax.op.nn.conv2d(
        converter.place(call.args[0], order),
        weight_in(converter, call.args[1], kernel, wanted),
        strides=attrs.strides,
        padding=attrs.padding,
        dilation=attrs.dilation,
        groups=attrs.groups,
        data_layout=converter.layout,
        kernel_layout=wanted,
        out_layout=converter.layout,
        out_dtype=attrs.out_dtype,
    )
    return converter.emit(_typed(made, var, order), order)


def _typed(made: Call, var: Var, order: Order) -> Call:
    """Give the call its known type: TVM takes half a millisecond to infer a convolution's."""
    shape = dims(var)
    if shape is None:
        return made
    ty = relax.TensorType(permuted(shape, order), var.ty.dtype)
    return Call(made.op, list(made.args), made.attrs, ret_ty=ty)


@layout_rule("nn.max_pool2d", "nn.avg_pool2d", "nn.adaptive_avg_pool2d", "image.resize2d")
def _spatial(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    """Pools and resizing take either layout as it comes."""
    attrs, placed = call.attrs, converter.of(call.args[0])
    layout = str(attrs.layout)
    if sorted(layout) != sorted("NCHW"):
        return None
    as_placed = "".join(permuted(list(layout), placed.order))
    wanted = as_placed if as_placed in ("NCHW", "NHWC") else converter.layout
    order = order_of(layout, wanted)
    value = converter.place(call.args[0], order)
    if op_name(call) == "image.resize2d":
        made = _resized(value, call, wanted)
    elif op_name(call) == "nn.adaptive_avg_pool2d":
        made = relax.op.nn.adaptive_avg_pool2d(value, attrs.output_size, wanted, wanted)
    else:
        average = op_name(call) == "nn.avg_pool2d"
        pool = relax.op.nn.avg_pool2d if average else relax.op.nn.max_pool2d
        options = (attrs.pool_size, attrs.strides, attrs.padding, attrs.dilation)
        flags = (bool(attrs.ceil_mode), bool(attrs.count_include_pad))
        made = pool(value, *options, *flags, wanted, wanted)
    return converter.emit(made, order)


def _resized(value: Any, call: Call, layout: str) -> Call:
    attrs = call.attrs
    return relax.op.image.resize2d(
        value,
        call.args[1],
        list(attrs.roi),
        layout,
        attrs.method,
        attrs.coordinate_transformation_mode,
        attrs.rounding_method,
        attrs.cubic_alpha,
        attrs.cubic_exclude,
        attrs.extrapolation_value,
        attrs.out_dtype,
    )


@layout_rule("mean", "sum", "max", "min", "prod", "variance", "std")
def _reduction(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    """Keep the order through a reduction that keeps its axes."""
    placed = converter.of(call.args[0])
    if call.attrs.axis is None or not call.attrs.keepdims or not placed.order:
        return None
    rank = len(placed.order)
    axes = sorted(placed.order.index(int(axis) % rank) for axis in call.attrs.axis)
    made = getattr(relax.op, op_name(call))(placed.value, axes, keepdims=True)
    return converter.emit(made, placed.order)


@layout_rule("nn.softmax", "nn.log_softmax")
def _softmax(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    placed = converter.of(call.args[0])
    axis = placed.order.index(int(call.attrs.axis) % len(placed.order))
    function = getattr(relax.op.nn, op_name(call).removeprefix("nn."))
    return converter.emit(function(placed.value, axis), placed.order)


@layout_rule("nn.layer_norm")
def _layer_norm(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    attrs, placed = call.attrs, converter.of(call.args[0])
    if len(attrs.axes) != 1:
        return None
    axes = [placed.order.index(int(attrs.axes[0]) % len(placed.order))]
    affine = [converter.restored(arg) for arg in call.args[1:]]
    options = (float(attrs.epsilon), bool(attrs.center), bool(attrs.scale))
    return converter.emit(
        relax.op.nn.layer_norm(placed.value, *affine, axes, *options), placed.order
    )


@layout_rule("nn.group_norm")
def _group_norm(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    attrs, placed = call.attrs, converter.of(call.args[0])
    rank = len(placed.order)
    channel = placed.order.index(int(attrs.channel_axis) % rank)
    axes = sorted(placed.order.index(int(axis) % rank) for axis in attrs.axes)
    affine = [converter.restored(arg) for arg in call.args[1:]]
    options = (float(attrs.epsilon), bool(attrs.center), bool(attrs.scale))
    made = relax.op.nn.group_norm(
        placed.value, *affine, int(attrs.num_groups), channel, axes, *options
    )
    return converter.emit(made, placed.order)


@layout_rule("concat")
def _concat(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    fields, axis = getattr(call.args[0], "fields", None), call.attrs.axis
    if fields is None or axis is None:
        return None
    rank = var.ty.ndim
    order = converter.common_order(fields, rank)
    values = [converter.place(field, order) for field in fields]
    return converter.emit(relax.op.concat(values, order.index(int(axis) % rank)), order)


@layout_rule("strided_slice")
def _slice(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    placed = converter.of(call.args[0])
    axes = [int(axis) for axis in getattr(call.args[1], "fields", ())]
    if not axes:
        return None
    cuts = sorted(
        (placed.order.index(axis), *(arg.fields[i] for arg in call.args[2:]))
        for i, axis in enumerate(axes)
    )
    lists = [list(part) for part in zip(*cuts, strict=True)]
    return converter.emit(relax.op.strided_slice(placed.value, *lists), placed.order)


@layout_rule("nn.pad")
def _pad(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    attrs, placed = call.attrs, converter.of(call.args[0])
    width = [int(amount) for amount in attrs.pad_width]
    if len(width) != 2 * len(placed.order):
        return None
    moved = [amount for axis in placed.order for amount in width[2 * axis : 2 * axis + 2]]
    made = relax.op.nn.pad(placed.value, moved, str(attrs.pad_mode), float(attrs.pad_value))
    return converter.emit(made, placed.order)


@layout_rule("permute_dims")
def _permute(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    """Move nothing: only the names of the axes change."""
    placed = converter.of(call.args[0])
    axes = [int(axis) for axis in call.attrs.axes]
    return Placed(placed.value, tuple(axes.index(axis) for axis in placed.order))


@layout_rule("reshape")
def _reshape(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    """Split and merge axes in memory, wherever the other axes lie."""
    placed, shape, source = converter.of(call.args[0]), dims(var), dims(call.args[0])
    if shape is None or source is None or placed.order == tuple(range(len(source))):
        return None
    plan = regroup(source, shape, placed.order)
    if plan is None:
        return None
    before, after = plan
    value = converter.place(call.args[0], before)
    return Placed(converter.canonicalizer.reshape(value, permuted(shape, after)), after)


@layout_rule("matmul")
def _matmul(converter: LayoutConverter, var: Var, call: Call) -> Placed | None:
    """Flatten a picture for a linear layer as it lies: the rows of the weight move instead."""
    flat = converter.graph.call(call.args[0], "reshape")
    weight = converter.graph.array(call.args[1])
    source = dims(flat.args[0]) if flat is not None else None
    shape = dims(call.args[0])
    if flat is None or weight is None or source is None or shape is None or weight.ndim != 2:
        return None
    placed = converter.of(flat.args[0])
    inner = placed.order[1:]
    if len(shape) != 2 or not placed.order or placed.order[0] != 0 or inner == tuple(sorted(inner)):
        return None
    extents: list[Dim] = list(source[1:])
    if not same_dim(source[0], shape[0]) or not all(isinstance(e, int) for e in extents):
        return None
    rows = weight.reshape(*extents, -1).transpose(*(axis - 1 for axis in inner), len(extents))
    moved = converter.graph.constant(rows.reshape(weight.shape))
    value = converter.canonicalizer.reshape(placed.value, shape)
    return converter.emit(relax.op.matmul(value, moved), (0, 1))
