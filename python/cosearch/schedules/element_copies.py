"""Copies between flat arrays whose places are sums over the axes of a loop nest."""

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

_MAX_INDICES = 1 << 22
"""Elements of a nest that is copied through arrays of indices, of eight bytes each."""

Copy = Callable[[Sequence[np.ndarray]], None]
"""Moves elements among flat arrays, the arguments of a kernel."""


def copy_elements(
    source: int, target: int, extents: tuple[int, ...], places: Sequence[list[np.ndarray]]
) -> Copy | None:
    """Make a copy of one array's elements to places of another one.

    Where each axis moves the places by itself it is a copy between two strided views, as of numpy's
    ``reshape`` and ``transpose``, and else one through arrays of indices.

    Parameters
    ----------
    source, target : int
        Positions of the two arrays among the arguments.
    extents : tuple of int
        The loop nest.
    places : sequence of list of numpy.ndarray
        For the source and for the target, the summands of the place in the flat array; their shapes
        broadcast to `extents`. They must lie inside the arrays.

    Returns
    -------
    callable or None
        None where an element is written twice, or where the indices would be too large.
    """
    return _strided_copy(source, target, extents, places) or _indexed_copy(
        source, target, extents, places
    )


def _strided_copy(
    source: int, target: int, extents: tuple[int, ...], places: Sequence[list[np.ndarray]]
) -> Copy | None:
    """Copy between two views, where each iterator moves both places by itself."""
    sides = [table for terms in places if (table := _by_axis(terms, extents)) is not None]
    if len(sides) < len(places):
        return None
    digits: list[tuple[int, ...]] = []
    for tables in zip(*sides, strict=True):
        found = _digits(np.stack(tables))
        if found is None:
            return None
        digits += found
    starts = [sum(int(table[0]) for table in side) for side in sides]
    shape, *strides = zip(*digits, strict=True) if digits else ((), (), ())
    if not _is_injective(shape, strides[1]):
        return None

    def copy(arrays: Sequence[np.ndarray]) -> None:
        views = [
            np.lib.stride_tricks.as_strided(
                arrays[argument][start:], shape, [s * arrays[argument].itemsize for s in steps]
            )
            for argument, start, steps in zip((source, target), starts, strides, strict=True)
        ]
        views[1][...] = views[0]

    return copy


def _by_axis(terms: list[np.ndarray], extents: tuple[int, ...]) -> list[np.ndarray] | None:
    """Sum what each axis adds to a place; None where two do so together."""
    tables = [np.zeros(extent, np.int64) for extent in extents]
    for term in terms:
        moving = [axis for axis, size in enumerate(term.shape) if size > 1]
        if len(moving) > 1:
            return None
        tables[moving[0] if moving else 0] += term.reshape(-1)
    return tables


def _digits(tables: np.ndarray) -> list[tuple[int, ...]] | None:
    """Write an axis as digits of a mixed radix, each of which moves the places evenly.

    ``v // 16`` and ``v % 16`` over 32 values are two digits, of 2 and of 16 values.

    Parameters
    ----------
    tables : numpy.ndarray
        Places for each value of the axis; shape [sides, values].

    Returns
    -------
    list of tuple or None
        Values of each digit and its stride on each side, slowest first; None where there are none.
    """
    tables = tables - tables[:, :1]
    digits: list[tuple[int, ...]] = []
    while (values := tables.shape[1]) > 1:
        step = tables[:, 1:2]
        uneven = np.flatnonzero((np.diff(tables, axis=1) != step).any(axis=0))
        radix = int(uneven[0]) + 1 if uneven.size else values
        if values % radix:
            return None
        split = tables.reshape(len(tables), -1, radix)
        if (split != split[:, :, :1] + step[:, :, None] * np.arange(radix)).any():
            return None
        digits.insert(0, (radix, *(int(stride) for stride in step[:, 0])))
        tables = split[:, :, 0]
    return digits


def _is_injective(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Tell whether no place is met twice, as far as sizes tell: numpy promises no order."""
    reach = 0
    for stride, size in sorted(zip(map(abs, strides), shape, strict=True)):
        if stride <= reach:
            return False
        reach += stride * (size - 1)
    return True


def _indexed_copy(
    source: int, target: int, extents: tuple[int, ...], places: Sequence[list[np.ndarray]]
) -> Copy | None:
    """Copy through arrays of indices."""
    if prod(extents) > _MAX_INDICES:
        return None
    zero = np.zeros(extents, np.int64)
    read, written = (sum(terms, zero).reshape(-1) for terms in places)
    if len(np.unique(written)) < len(written):
        return None

    def copy(arrays: Sequence[np.ndarray]) -> None:
        arrays[target][written] = arrays[source][read]

    return copy
