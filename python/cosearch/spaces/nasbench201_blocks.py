"""Blocks of NAS-Bench-201: names, builders and counts, made one by one when asked for."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, overload

import numpy as np

from cosearch.spaces.block import Block
from cosearch.spaces.counts import Counts, batch_norm, convolution, linear
from cosearch.spaces.nasbench201_cells import EDGES, NONE, OPERATIONS, format_cell
from cosearch.spaces.space import Integers

STAGES = ((16, 32), (32, 16), (64, 8))
"""Channels, and height and width, of each stage."""


def fixed_blocks(classes: int) -> tuple[Block, ...]:
    """Describe the stem, the reductions between stages, and the head."""
    (first, size), (last, _) = STAGES[0], STAGES[-1]
    stem = _block(
        f"stem k3 s1 3->{first}",
        (3, size),
        convolution(3, first, 3, size * size),
        partial(_build, "stem", first),
    )
    reductions = [
        _reduction(channels, size, outputs) for (channels, size), (outputs, _) in pairwise(STAGES)
    ]
    head = _block(
        f"head {last}->{classes}",
        STAGES[-1],
        batch_norm(last) + linear(last, classes),
        partial(_build, "head", last, classes),
    )
    return (replace(stem, first=True), *reductions, head)


def operation_counts(stage: int) -> Integers:
    """Count each operation of a stage, int64 ``[5, 2]``: multiply-adds and parameters."""
    channels, size = STAGES[stage]
    kernels = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}
    costs = [
        convolution(channels, channels, kernels[name], size * size) if name in kernels else Counts()
        for name in OPERATIONS
    ]
    return np.array([(cost.multiply_adds, cost.parameters) for cost in costs], np.int64)


class CellCatalogue(Sequence[Block]):
    """The fixed blocks, then all cells of the first stage, of the second, and of the third.

    Parameters
    ----------
    fixed : tuple of Block
        See `fixed_blocks`.
    cells : numpy.ndarray
        int64 ``[n, 6]``, each canonical cell once.
    """

    def __init__(self, fixed: tuple[Block, ...], cells: Integers) -> None:
        self._fixed, self._cells = fixed, cells

    def __len__(self) -> int:
        """Count blocks."""
        return len(self._fixed) + len(STAGES) * len(self._cells)

    @overload
    def __getitem__(self, place: int) -> Block: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Block, ...]: ...
    def __getitem__(self, place: int | slice) -> Block | tuple[Block, ...]:
        """Make the block of a place, or those of several."""
        places = range(len(self))[place]  # with the bounds and the negative places of a sequence
        if isinstance(places, range):
            return tuple(self[one] for one in places)
        if places < len(self._fixed):
            return self._fixed[places]
        stage, cell = divmod(places - len(self._fixed), len(self._cells))
        return _cell(self._cells[cell], stage)


def _cell(cell: Integers, stage: int) -> Block:
    channels = STAGES[stage][0]
    multiply_adds, parameters = operation_counts(stage)[cell].sum(0).tolist()
    edges = [
        (source, target, OPERATIONS[operation])
        for (source, target), operation in zip(EDGES, cell.tolist(), strict=True)
        if operation != NONE
    ]
    kind = f"cell {format_cell(cell)}"
    counts = Counts(multiply_adds, parameters)
    block = _block(kind, STAGES[stage], counts, partial(_build, "Cell", edges, channels))
    return replace(block, kind=kind)


def _reduction(inputs: int, size: int, outputs: int) -> Block:
    pixels = (size // 2) ** 2
    counts = convolution(inputs, outputs, 3, pixels) + convolution(outputs, outputs, 3, pixels)
    return _block(
        f"reduction {inputs}->{outputs}",
        (inputs, size),
        counts + convolution(inputs, outputs, 1, pixels, norm=False),
        partial(_build, "Reduction", inputs, outputs),
    )


def _block(name: str, shape: tuple[int, int], counts: Counts, build: "partial[Any]") -> Block:
    channels, size = shape
    return Block(
        f"{name} {channels}x{size}x{size}",
        (1, channels, size, size),
        build,
        counts.multiply_adds,
        counts.parameters,
    )


def _build(name: str, *arguments: Any) -> Any:
    from cosearch.spaces import nasbench201_modules

    return getattr(nasbench201_modules, name)(*arguments)
