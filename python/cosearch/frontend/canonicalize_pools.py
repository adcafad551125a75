"""One form of pools and of resizing."""

from tvm import relax
from tvm.ir import Call
from tvm.relax import Expr

from cosearch.frontend.canonicalize import Canonicalizer, rule
from cosearch.frontend.canonicalize_nn import short, with_attrs_of
from cosearch.frontend.graph import Dim, as_dim, dims, op_name, same_dims


@rule("nn.avg_pool2d", "nn.max_pool2d")
def _pool2d(cz: Canonicalizer, call: Call) -> Expr | None:
    """Make a mean of an average over the whole picture; drop options that change nothing."""
    attrs, value, shape = call.attrs, call.args[0], dims(call.args[0])
    layout = str(attrs.layout)
    if shape is None or layout not in ("NCHW", "NHWC") or str(attrs.out_layout) != layout:
        return None
    size = [int(extent) for extent in attrs.pool_size]
    strides = [int(step) for step in attrs.strides]
    padding = [int(amount) for amount in attrs.padding]
    axes = [layout.index("H"), layout.index("W")]
    extents = [shape[axis] for axis in axes]
    average = op_name(call) == "nn.avg_pool2d"
    counts_padding = bool(attrs.count_include_pad) and average and any(padding)
    if average and not counts_padding and _covers(extents, size, padding):
        return cz.apply(relax.op.mean(value, axes, keepdims=True))
    totals = [padding[i] + padding[i + 2] for i in range(2)]
    exact = all(
        isinstance(extent, int) and (extent + total - window) % step == 0
        for extent, total, window, step in zip(extents, totals, size, strides, strict=True)
    )
    options = (
        *(size, strides, padding, [int(step) for step in attrs.dilation]),
        bool(attrs.ceil_mode) and not exact,
        counts_padding,
    )
    pool = relax.op.nn.avg_pool2d if average else relax.op.nn.max_pool2d
    changed = with_attrs_of(call, pool(value, *options, layout, layout))
    return None if changed is None else cz.apply(changed)


def _covers(extents: list[Dim], size: list[int], padding: list[int]) -> bool:
    """Whether a window, even one that is larger than the picture, sees all of it at once."""
    if not any(padding) and same_dims(extents, size):
        return True
    return all(
        isinstance(extent, int) and before + extent + after <= window
        for extent, window, before, after in zip(
            extents, size, padding[:2], padding[2:], strict=True
        )
    )


@rule("nn.adaptive_avg_pool2d")
def _adaptive_pool2d(cz: Canonicalizer, call: Call) -> Expr | None:
    value, shape, layout = call.args[0], dims(call.args[0]), str(call.attrs.layout)
    if shape is None or layout not in ("NCHW", "NHWC"):
        return None
    axes = [layout.index("H"), layout.index("W")]
    size = call.attrs.output_size
    wanted = [int(extent) for extent in size] if size is not None else [shape[a] for a in axes]
    if wanted == [1, 1]:
        return cz.apply(relax.op.mean(value, axes, keepdims=True))
    extents = [shape[axis] for axis in axes]
    if same_dims(extents, wanted):
        return value
    pairs = list(zip(extents, wanted, strict=True))
    if not all(isinstance(extent, int) and extent % out == 0 for extent, out in pairs):
        return None
    window = [extent // out for extent, out in pairs]
    pool = relax.op.nn.avg_pool2d(value, window, window, 0, 1, False, False, layout, layout)
    return cz.apply(pool)


@rule("image.resize2d")
def _resize2d(cz: Canonicalizer, call: Call) -> Expr | None:
    """Options that change nothing for a method have one value, whoever gave them."""
    attrs, shape, size = call.attrs, dims(call.args[0]), getattr(call.args[1], "values", None)
    layout, method = str(attrs.layout), str(attrs.method)
    if shape is None or size is None or sorted(layout) != sorted("NCHW"):
        return None
    mode, rounding = str(attrs.coordinate_transformation_mode), str(attrs.rounding_method)
    if mode == "tf_crop_and_resize":
        return None
    extents = [shape[layout.index(label)] for label in "HW"]
    whole = all(
        isinstance(extent, int) and as_dim(out) % extent == 0
        for extent, out in zip(extents, size, strict=True)
    )
    if method == "nearest_neighbor" and whole:
        # Each pixel is repeated: rounding half-pixel coordinates and cutting plain ones agree.
        if (mode, rounding) in (("half_pixel", "round"), ("half_pixel", "round_prefer_floor")):
            mode, rounding = "asymmetric", "floor"
    elif method != "nearest_neighbor":
        rounding = "round"
    cubic = (
        (short(attrs.cubic_alpha), int(attrs.cubic_exclude)) if method == "cubic" else (-0.75, 0)
    )
    made = relax.op.image.resize2d(
        *(call.args[0], call.args[1], [0.0] * 4, layout, method, mode, rounding),
        *(*cubic, 0.0, attrs.out_dtype),
    )
    changed = with_attrs_of(call, made)
    return None if changed is None else cz.apply(changed)
