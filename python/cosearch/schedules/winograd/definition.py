"""Convolutions by minimal filtering, as TE defines them."""

from collections.abc import Callable, Sequence

import numpy as np
from tvm import te, tirx
from tvm.ir import Expr

from cosearch.schedules.rules.anatomy import WINOGRAD
from cosearch.schedules.winograd.transforms import TAPS, Transforms

_Place = Callable[[int], Expr]
_FLOAT = "float32"


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
