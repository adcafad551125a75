"""Convolutions by Winograd's minimal filtering: a quarter of the multiplications, or fewer.

A tile of m × m results of a 3 × 3 convolution takes (m + 2)² multiplications for each pair of
channels instead of 9 m² (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR
2016, section 4): 2.25 times fewer for m = 2, four times fewer for m = 4. Sums over the channels are
matrix products, one for each of the (m + 2)² places of a transformed tile; what comes before and
after are a few additions for each value.
"""

import functools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tvm import relax, te, tirx
from tvm.ir import Expr, GlobalVar, IRModule, Op
from tvm.s_tir import Schedule
from tvm.target import Target
from tvm.tirx import PrimFunc

from cosearch.schedules.conditions import Conditions
from cosearch.schedules.rules.anatomy import WINOGRAD, Axes
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.rules.register_tile import Product
from cosearch.schedules.rules.tile import MAX_LANES, Study, rank_tiles
from cosearch.schedules.rules.winograd import Winograd

TAPS = 3
"""Rows and columns of the convolution's window."""
TILES = (4, 2)
"""Rows and columns of results that are computed at once; larger tiles lose too many digits."""
MARGIN = 0.95
"""Share of the cycles of the direct convolution that are worth a rounding error."""

WEIGHT = "cosearch.winograd_weight"
"""Attribute of a kernel that transforms weights: the rows of a tile of results."""
LAYOUT_FREE = "layout_free_buffers"
"""TVM's attribute of a kernel: places of the parameters that a schedule may lay out anew."""
FUSES_ELEMENTWISE, OPAQUE = 4, 8
"""TVM's patterns of an operator: elementwise ones may follow in its loops, or nothing."""

Legalizer = Callable[[relax.BlockBuilder, relax.Call], relax.Expr]
_Place = Callable[[int], Expr]
_FLOAT = "float32"


@dataclass(frozen=True)
class Transforms:
    """The matrices of minimal filtering F(m, 3).

    Attributes
    ----------
    data : numpy.ndarray
        Bᵀ, ``[m + 2, m + 2]``: values of a window to a transformed window.
    weight : numpy.ndarray
        G, ``[m + 2, 3]``: taps to transformed taps.
    result : numpy.ndarray
        Aᵀ, ``[m, m + 2]``: products to results.
    """

    data: np.ndarray
    weight: np.ndarray
    result: np.ndarray

    @classmethod
    def of_tile(cls, m: int) -> "Transforms":
        """Return the matrices for a tile, from the points 0, ±1, ±2 … and infinity.

        A filter's product with data is a product of polynomials, which is found from its values at
        m + 1 points and its leading coefficient (Toom and Cook). Lavin and Gray's matrices for m of
        2 and 4 are these but for signs and factors that cancel out.
        """
        points = np.array([0, 1, -1, 2, -2][: m + 1], float)
        size = m + TAPS - 1
        others = [np.delete(points, place) for place in range(len(points))]
        scales = np.array(
            [np.prod(point - rest) for point, rest in zip(points, others, strict=True)]
        )
        data = np.zeros((size, size))
        for row, rest in zip(data, others, strict=False):
            row[: size - 1] = np.poly(rest)[::-1]
        data[-1] = np.poly(points)[::-1]
        infinity = np.eye(1, TAPS, TAPS - 1)
        weight = np.vstack([np.vander(points, TAPS, increasing=True) / scales[:, None], infinity])
        last = np.eye(1, m, m - 1)
        result = np.vstack([np.vander(points, m, increasing=True), last]).T
        return cls(data, weight, result)


def winograd_weight(weight: te.Tensor, m: int) -> te.Tensor:
    """Define the transform of a convolution's weights, G g Gᵀ.

    Parameters
    ----------
    weight : tvm.te.Tensor
        float32 ``[3, 3, inputs, outputs]``.
    m : {2, 4}
        Rows and columns of a tile of results.

    Returns
    -------
    tvm.te.Tensor
        float32 ``[m + 2, m + 2, inputs, outputs]``.
    """
    matrix, size = Transforms.of_tile(m).weight, m + TAPS - 1
    return te.compute(
        (size, size, *weight.shape[2:]),
        lambda a, b, c, k: _weigh(
            [_column(matrix, a, tap) for tap in range(TAPS)],
            lambda row: _weigh(
                [_column(matrix, b, tap) for tap in range(TAPS)],
                lambda column: weight[row, column, c, k],
            ),
        ),
        name="winograd_weight",
    )


def winograd_conv2d(
    data: te.Tensor, weight: te.Tensor, padding: Sequence[int], m: int, groups: int = 1
) -> te.Tensor:
    """Define a 3 × 3 convolution of stride 1 by minimal filtering.

    Its blocks say in the annotation ``cosearch.winograd`` what they do, so that a rule finds them.

    Parameters
    ----------
    data : tvm.te.Tensor
        float32 ``[batch, height, width, inputs]``.
    weight : tvm.te.Tensor
        Transformed by `winograd_weight`: float32 ``[m + 2, m + 2, inputs / groups, outputs]``.
    padding : sequence of int
        Zeros above, to the left, below and to the right.
    m : {2, 4}
        Rows and columns of a tile of results.
    groups : int
        Into which channels are divided.

    Returns
    -------
    tvm.te.Tensor
        float32 ``[batch, height, width, outputs]``.
    """
    transforms, size = Transforms.of_tile(m), m + TAPS - 1
    batch, height, width, inputs = (int(extent) for extent in data.shape)
    outputs = int(weight.shape[3])
    top, left, bottom, right = padding
    rows, columns = height + top + bottom - TAPS + 1, width + left + right - TAPS + 1
    tiles = (batch, -(-rows // m), -(-columns // m))
    zero = tirx.const(0.0, _FLOAT)

    def first(k: Expr) -> Expr:
        """Return the first input of the group of an output."""
        return k // (outputs // groups) * (inputs // groups) if groups > 1 else 0

    def compute(part: str, shape: Sequence[int], body: Callable[..., Expr]) -> te.Tensor:
        # MetaSchedule's own rules fail on such blocks.
        attrs = {WINOGRAD: f"{part} {m}", "schedule_rule": "None"}
        return te.compute(tuple(shape), body, name=part, attrs=attrs)

    padded = compute(
        "padded",
        (batch, tiles[1] * m + TAPS - 1, tiles[2] * m + TAPS - 1, inputs),
        lambda n, h, w, c: tirx.if_then_else(
            tirx.all(h >= top, h < top + height, w >= left, w < left + width),
            data[n, h - top, w - left, c],
            zero,
        ),
    )
    data_rows = compute(
        "data_rows",
        (size, size, *tiles, inputs),
        lambda a, j, n, y, x, c: _row(
            transforms.data, a, lambda i: padded[n, y * m + i, x * m + j, c]
        ),
    )
    windows = compute(
        "data",
        (size, size, *tiles, inputs),
        lambda a, b, n, y, x, c: _row(transforms.data, b, lambda j: data_rows[a, j, n, y, x, c]),
    )
    channel = te.reduce_axis((0, inputs // groups), name="c")
    products = compute(
        "product",
        (size, size, *tiles, outputs),
        lambda a, b, n, y, x, k: te.sum(
            windows[a, b, n, y, x, first(k) + channel] * weight[a, b, channel, k], channel
        ),
    )
    result_rows = compute(
        "result_rows",
        (m, size, *tiles, outputs),
        lambda i, b, n, y, x, k: _row(transforms.result, i, lambda a: products[a, b, n, y, x, k]),
    )
    return compute(
        "result",
        (batch, rows, columns, outputs),
        lambda n, h, w, k: _row(
            transforms.result,
            w % m,
            lambda b: result_rows[h % m, b, n, h // m, w // m, k],
        ),
    )


def _row(matrix: np.ndarray, row: Expr, term: _Place) -> Expr:
    """Multiply a row of a matrix by terms; the row is known where its loop is unrolled."""
    return _choose(row, [_sum(values, term) for values in matrix])


def _column(matrix: np.ndarray, row: Expr, column: int) -> Expr:
    return _choose(row, [tirx.const(float(value), _FLOAT) for value in matrix[:, column]])


def _weigh(weights: Sequence[Expr], term: _Place) -> Expr:
    products = [weight * term(place) for place, weight in enumerate(weights)]
    return sum(products[1:], products[0])


def _choose(index: Expr, choices: Sequence[Expr]) -> Expr:
    *others, chosen = choices
    for place in reversed(range(len(others))):
        chosen = tirx.Select(index == place, others[place], chosen)
    return chosen


def _sum(weights: Sequence[float], term: _Place) -> Expr:
    """Sum terms of weights other than zero, without the multiplications by one."""
    places = [place for place, weight in enumerate(weights) if weight]
    total: Expr | None = None
    for place in sorted(places, key=lambda place: weights[place] < 0):  # there is a positive one
        size = abs(float(weights[place]))
        value = term(place) if size == 1 else term(place) * tirx.const(size, _FLOAT)
        if total is None:
            total = value
        else:
            total = total + value if weights[place] > 0 else total - value
    return total


def winograd_legalizers(target: Target) -> dict[str, Legalizer]:
    """Return what `relax.transform.LegalizeOps` makes convolutions of, by name of the operator.

    Those become minimal filtering that the rules expect to gain enough by it on one thread of the
    target; TVM legalises the others. The inputs, and the outputs of a group, must fill halves of
    vectors: the transforms do not pay where values are handled one by one.
    """
    if target.kind.name != "llvm":
        return {}
    machine = Machine.of(Conditions.of(target))
    otherwise = Op.get("relax.nn.conv2d").get_attr("FLegalize")

    def legalize(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
        m = _best_tile(call, machine)
        if m is None:
            return otherwise(builder, call)
        data, weight = call.args
        *_, inputs, outputs = (int(extent) for extent in weight.ty.shape.values)
        kernel = builder.add_func(_weight_kernel(m, inputs, outputs), "winograd_weight")
        size = m + TAPS - 1
        transformed = builder.emit(
            relax.call_tir(kernel, weight, relax.TensorType((size, size, inputs, outputs), _FLOAT))
        )
        return builder.call_te(
            winograd_conv2d,
            data,
            transformed,
            [int(pad) for pad in call.attrs.padding],
            m,
            int(call.attrs.groups),
            primfunc_name_hint="conv2d",
            primfunc_attrs={"op_pattern": FUSES_ELEMENTWISE},
        )

    return {"relax.nn.conv2d": legalize}


@functools.lru_cache
def _weight_kernel(m: int, inputs: int, outputs: int) -> PrimFunc:
    """Make the kernel that transforms weights: one that needs no schedule of a database."""
    weight = te.placeholder((TAPS, TAPS, inputs, outputs), _FLOAT, "weight")
    schedule = Schedule(te.create_prim_func([weight, winograd_weight(weight, m)]))
    down, across, channel, output = schedule.get_loops(schedule.get_sblock("winograd_weight"))
    vector, lanes = schedule.split(output, [None, math.gcd(outputs, MAX_LANES)])
    schedule.reorder(channel, vector, down, across, lanes)
    schedule.unroll(down)
    schedule.unroll(across)
    schedule.vectorize(lanes)
    func = schedule.mod["main"].without_attr("global_symbol")
    return func.with_attrs(
        {WEIGHT: m, "op_pattern": OPAQUE, "tirx.is_scheduled": True, "tirx.noalias": True}
    )


def transform_weight(weight: np.ndarray, m: int) -> np.ndarray:
    """Transform weights as the kernel of `winograd_weight` does.

    Parameters
    ----------
    weight : numpy.ndarray
        float32 ``[3, 3, inputs, outputs]``.
    m : {2, 4}
        Rows and columns of a tile of results.

    Returns
    -------
    numpy.ndarray
        float32 ``[m + 2, m + 2, inputs, outputs]``.
    """
    matrix = Transforms.of_tile(m).weight
    columns = np.tensordot(matrix, weight, axes=(1, 1))
    return np.ascontiguousarray(np.tensordot(matrix, columns, axes=(1, 1)), _FLOAT)


def free_weight_layouts(mod: IRModule) -> IRModule:
    """Let schedules choose the layout of transformed weights, as of any others.

    TVM's AttachAttrLayoutFreeBuffers sees only constants and the parameters of blocks.
    """
    freed: dict[GlobalVar, set[int]] = defaultdict(set)
    for func in mod.functions.values():
        if isinstance(func, relax.Function):
            for kernel, place in _uses_of_weights(mod, func):
                freed[kernel].add(place)
    result = IRModule(dict(mod.functions.items()), attrs=mod.attrs, global_infos=mod.global_infos)
    for kernel, places in freed.items():
        func = mod[kernel]
        places.update(int(place) for place in (func.attrs or {}).get(LAYOUT_FREE, ()))
        result.update_func(kernel, func.with_attr(LAYOUT_FREE, sorted(places)))
    return result


def _uses_of_weights(mod: IRModule, func: relax.Function) -> Iterator[tuple[GlobalVar, int]]:
    """Yield each kernel that a function gives transformed weights, with the argument's place."""
    call_tir = Op.get("relax.call_tir")
    weights: set[relax.Var] = set()
    for block in func.body.blocks:
        for binding in block.bindings:
            value = getattr(binding, "value", None)
            if not isinstance(value, relax.Call) or value.op != call_tir:
                continue
            kernel, arguments = value.args[0], value.args[1]
            if WEIGHT in (mod[kernel].attrs or {}):
                weights.add(binding.var)
            for place, argument in enumerate(arguments.fields):
                if isinstance(argument, relax.Var) and argument in weights:
                    yield kernel, place


def _best_tile(call: relax.Call, machine: Machine) -> int | None:
    """Return the tile by which a convolution should be computed; None for none."""
    attrs = call.attrs
    data, weight = (_shape(arg) for arg in call.args)
    fits = (
        (str(attrs.data_layout), str(attrs.kernel_layout)) == ("NHWC", "HWIO")
        and str(attrs.out_layout) == "NHWC"
        and str(attrs.out_dtype) in ("None", "void", _FLOAT)
        and all(int(step) == 1 for step in (*attrs.strides, *attrs.dilation))
    )
    if not fits or data is None or weight is None or weight[:2] != (TAPS, TAPS):
        return None
    groups = int(attrs.groups)
    if any(channels % (machine.lanes // 2) for channels in (data[3], weight[3] // groups)):
        return None
    top, left, bottom, right = (int(pad) for pad in attrs.padding)
    rows, columns = data[1] + top + bottom - TAPS + 1, data[2] + left + right - TAPS + 1
    direct = _direct(data, weight, groups, (rows, columns), machine)
    limit = MARGIN * _cycles(direct, math.prod(weight), machine)
    cycles = {}
    for m in TILES:
        tiles = (data[0], -(-rows // m), -(-columns // m))
        study = Winograd(m, tiles, data[3], weight[3], groups, machine)
        cycles[m] = _cycles(study, study.places * math.prod(weight[2:]), machine)
    best = min(cycles, key=lambda m: cycles[m])
    return best if cycles[best] < limit else None


def _shape(arg: relax.Expr) -> tuple[int, ...] | None:
    shape = arg.ty.shape
    if str(arg.ty.dtype) != _FLOAT or shape is None:
        return None
    if not all(isinstance(extent, tirx.IntImm) for extent in shape.values):
        return None
    return tuple(int(extent) for extent in shape.values)


def _direct(
    data: tuple[int, ...],
    weight: tuple[int, ...],
    groups: int,
    result: tuple[int, int],
    machine: Machine,
) -> Product:
    """Return the stage of the direct convolution."""
    batch, _, _, inputs = data
    rows, columns = result
    outputs = weight[3]
    return Product(
        Axes((batch, rows, columns, outputs), weight[:3]),
        outputs // groups,
        4 * math.prod(data),
        4 * math.prod(weight),
        data,
        batch * (rows + TAPS - 1) * (columns + TAPS - 1) * inputs,
        inputs,
        machine,
    )


def _cycles(study: Study, weights: int, machine: Machine) -> float:
    """Return the cycles of the best tile on one thread, so that threads change no network.

    Weights that the second cache does not hold are taken to come from memory: the other layers of a
    network push them out of the third.
    """
    size = 4 * weights
    fetched = size / machine.DRAM_BYTES_PER_CYCLE if size > machine.l2_bytes * 3 // 4 else 0.0
    return rank_tiles(study, machine.alone)[0].cycles + fetched
