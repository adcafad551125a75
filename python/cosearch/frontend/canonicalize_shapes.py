"""One form of each op that only moves elements: reshape, permute_dims, strided_slice, concat."""

import math
from typing import Any

import numpy as np
import tvm
from tvm import relax
from tvm.ir import Call
from tvm.relax import Expr

from cosearch.frontend.canonicalize import Canonicalizer, rule
from cosearch.frontend.graph import Dim, as_dim, dims, op_name, same_dim, same_dims


@rule("flatten", "nn.batch_flatten", "squeeze", "expand_dims")
def _as_reshape(cz: Canonicalizer, call: Call) -> Expr | None:
    shape = dims(cz.graph.typed(call))
    return None if shape is None else cz.reshape(call.args[0], shape)


@rule("reshape")
def _reshape(cz: Canonicalizer, call: Call) -> Expr | None:
    """Reshapes merge, keep a 3-d linear layer whole, and are gone where they change nothing."""
    call, value = cz.graph.typed(call), call.args[0]
    shape, source = dims(call), dims(value)
    if shape is None or source is None:
        return None
    if same_dims(shape, source):
        return value
    inner = cz.graph.call(value, "reshape")
    if inner is not None:
        return cz.reshape(inner.args[0], shape)
    linear = _linear_of_reshape(cz, value, shape)
    if linear is not None:
        return linear
    if same_dims(shape, [as_dim(extent) for extent in getattr(call.args[1], "values", ())]):
        return None
    return cz.reshape(value, shape)


def _linear_of_reshape(cz: Canonicalizer, value: Expr, shape: tuple[Dim, ...]) -> Expr | None:
    """``reshape(matmul(reshape(x), w) + b)`` as ``matmul(x, w) + b`` on more than two axes.

    torch.export flattens the leading axes of a linear layer's input, ONNX does not.
    """
    biased = cz.graph.call(value, "add")
    bias = biased.args[1] if biased is not None else None
    if bias is not None and not _is_vector(cz, bias):
        return None
    matmul = cz.graph.call(biased.args[0] if biased is not None else value, "matmul")
    inner = cz.graph.call(matmul.args[0], "reshape") if matmul is not None else None
    if matmul is None or inner is None or cz.graph.array(matmul.args[1]) is None:
        return None
    source, flat, weight = dims(inner.args[0]), dims(inner), dims(matmul.args[1])
    if source is None or flat is None or weight is None or len(weight) != 2 or len(flat) != 2:
        return None
    lead = shape[:-1]
    as_many = all(isinstance(extent, int) for extent in lead) and math.prod(lead) == flat[0]
    if not same_dim(shape[-1], weight[1]) or not (as_many or same_dims(lead, source[:-1])):
        return None
    rows = cz.reshape(inner.args[0], (*lead, weight[0]))
    product = cz.apply(relax.op.matmul(rows, matmul.args[1]))
    return product if bias is None else cz.apply(relax.op.add(product, bias))


@rule("reshape")
def _product_of_reshapes(cz: Canonicalizer, call: Call) -> Expr | None:
    """``reshape(matmul(a, b))`` that splits the batch axis as a product of more axes.

    torch.export runs attention as products of three axes, ONNX as products of four.
    """
    shape, matmul = dims(cz.graph.typed(call)), cz.graph.call(call.args[0], "matmul")
    sides = [dims(arg) for arg in matmul.args] if matmul is not None else []
    if matmul is None or shape is None or len(shape) < 4 or any(s is None for s in sides):
        return None
    left, right = ([*side] for side in sides if side is not None)
    if len(left) != 3 or len(right) != 3 or not same_dim(left[0], right[0]):
        return None
    *lead, rows, columns = shape
    if not (same_dim(rows, left[1]) and same_dim(columns, right[2])):
        return None
    if not all(isinstance(extent, int) for extent in (*lead, left[0])):
        return None
    if math.prod(lead) != left[0]:
        return None
    first = cz.reshape(matmul.args[0], [*lead, *left[1:]])
    return cz.apply(relax.op.matmul(first, cz.reshape(matmul.args[1], [*lead, *right[1:]])))


def _is_vector(cz: Canonicalizer, value: Expr) -> bool:
    array = cz.graph.array(value)
    return array is not None and array.ndim <= 1


@rule("permute_dims")
def _permute(cz: Canonicalizer, call: Call) -> Expr | None:
    """Permutations merge; one that only moves extents of 1 is a reshape."""
    value, shape = call.args[0], dims(call.args[0])
    rank = value.ty.ndim
    if rank < 0:
        return None
    given = call.attrs.axes
    axes = [int(axis) % rank for axis in given] if given is not None else [*range(rank)][::-1]
    inner = cz.graph.call(value, "permute_dims")
    if inner is not None:
        first = [int(axis) % rank for axis in inner.attrs.axes]
        return cz.apply(relax.op.permute_dims(inner.args[0], [first[axis] for axis in axes]))
    if axes == sorted(axes):
        return value
    if shape is not None and moves_ones_only(axes, shape):
        return cz.reshape(value, [shape[axis] for axis in axes])
    if given is not None and axes == [int(axis) for axis in given]:
        return None
    return cz.apply(relax.op.permute_dims(value, axes))


def moves_ones_only(axes: list[int], shape: tuple[Dim, ...]) -> bool:
    """Whether a permutation leaves the order of the extents above 1 as it is."""
    kept = [axis for axis in axes if not same_dim(shape[axis], 1)]
    return kept == sorted(kept)


@rule("concat")
def _concat(cz: Canonicalizer, call: Call) -> Expr | None:
    fields = getattr(call.args[0], "fields", None)
    if fields is None or call.attrs.axis is None:
        return None
    if len(fields) == 1:
        return fields[0]
    axis, rank = int(call.attrs.axis), fields[0].ty.ndim
    return cz.apply(relax.op.concat(list(fields), axis % rank)) if axis < 0 < rank else None


@rule("split")
def _split(cz: Canonicalizer, call: Call) -> Expr | None:
    """Each output of a split as a slice, which fuses into what reads it."""
    value, shape = call.args[0], dims(call.args[0])
    axis = int(call.attrs.axis) % max(value.ty.ndim, 1)
    if shape is None or not isinstance(shape[axis], int):
        return None
    sections = call.attrs.indices_or_sections
    if isinstance(sections, int | tvm.tirx.IntImm):
        step = -(-shape[axis] // int(sections))
        cuts = [*range(step, shape[axis], step)]
    else:
        cuts = [int(cut) for cut in sections]
    bounds = zip([0, *cuts], [*cuts, shape[axis]], strict=True)
    return relax.Tuple([slice_axes(cz, value, {axis: (low, high, 1)}) for low, high in bounds])


def slice_axes(cz: Canonicalizer, value: Expr, cuts: dict[int, tuple[int, int, int]]) -> Expr:
    """Emit a slice: begin, end and step by axis."""
    axes = sorted(cuts)
    begin, end, step = ([cuts[axis][part] for axis in axes] for part in range(3))
    return cz.apply(relax.op.strided_slice(value, axes, begin, end, step))


@rule("strided_slice")
def _slice(cz: Canonicalizer, call: Call) -> Expr | None:
    """Axes ascending, bounds inside the tensor, whole axes left out, steps given."""
    shape = dims(call.args[0])
    lists = [_ints(arg) for arg in call.args[1:]]
    if shape is None or any(values is None for values in lists):
        return None
    axes, begins, ends, *steps = ([*values] for values in lists if values is not None)
    strides = steps[0] if steps else [1] * len(axes)
    cuts: dict[int, tuple[int, int, int]] = {}
    for given, begin, end, step in zip(axes, begins, ends, strides, strict=True):
        axis = given % len(shape)
        extent = shape[axis]
        if not isinstance(extent, int):
            if begin == 0 and step == 1 and end >= 1 << 31:
                continue
            return None
        bounds = slice(begin, end, step).indices(extent)
        if bounds != (0, extent, 1):
            cuts[axis] = bounds
    if not cuts:
        return call.args[0]
    if any(step < 0 for _, _, step in cuts.values()):
        return None
    ordered = [[cuts[axis][part] for axis in sorted(cuts)] for part in range(3)]
    if [axes, begins, ends, *steps] == [sorted(cuts), *ordered]:
        return None
    return slice_axes(cz, call.args[0], cuts)


def _ints(value: Any) -> list[int] | None:
    fields = getattr(value, "fields", None) or getattr(value, "values", None)
    if fields is None:
        return None
    found = [as_dim(field) for field in fields]
    return found if all(isinstance(field, int) for field in found) else None


@rule("tile")
def _tile(cz: Canonicalizer, call: Call) -> Expr | None:
    """Broadcast where only extents of 1 are repeated: an elementwise op does so by itself."""
    shape, source = dims(cz.graph.typed(call)), dims(call.args[0])
    if shape is None or source is None or len(shape) != len(source):
        return None
    if not all(same_dim(a, 1) or same_dim(a, b) for a, b in zip(source, shape, strict=True)):
        return None
    return cz.apply(relax.op.broadcast_to(call.args[0], list(shape)))


@rule("shape_of")
def _shape_of(cz: Canonicalizer, call: Call) -> Expr | None:
    shape = dims(call.args[0])
    return None if shape is None else relax.ShapeExpr(list(shape))


@rule("take")
def _take_run(cz: Canonicalizer, call: Call) -> Expr | None:
    """Slice where the elements taken are consecutive, reshape where they are all."""
    value, indices, shape = call.args[0], cz.graph.array(call.args[1]), dims(call.args[0])
    if indices is None or shape is None or indices.size == 0:
        return None
    if call.attrs.axis is None and len(shape) != 1:
        return None
    axis = int(call.attrs.axis or 0) % len(shape)
    extent, first = shape[axis], int(indices.reshape(-1)[0])
    if not isinstance(extent, int):
        return None
    first += extent if first < 0 else 0
    run = np.arange(first, first + indices.size)
    if run[-1] >= extent or not np.array_equal(indices.reshape(-1) % extent, run):
        return None
    part = slice_axes(cz, value, {axis: (first, first + indices.size, 1)})
    return cz.reshape(part, [*shape[:axis], *indices.shape, *shape[axis + 1 :]])


@rule("broadcast_to", "astype", "nn.dropout")
def _no_change(cz: Canonicalizer, call: Call) -> Expr | None:
    value = call.args[0]
    if op_name(call) == "nn.dropout":
        return relax.Tuple([value, value])  # inference: nothing reads the mask
    if op_name(call) == "astype":
        return value if str(call.attrs.dtype) == str(value.ty.dtype) else None
    shape, source = dims(cz.graph.typed(call)), dims(value)
    same = shape is not None and source is not None and same_dims(shape, source)
    return value if same else None
