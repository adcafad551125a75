"""Blocks of NAS-Bench-201: names, builders and counts, made one by one when asked for."""

from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from cosearch.spaces.block import Block
from cosearch.spaces.catalogue import square_block
from cosearch.spaces.counts import Counts, batch_norm, convolution, linear
from cosearch.spaces.nasbench201_cells import EDGES, NONE, OPERATIONS, format_cell
from cosearch.spaces.space import Integers

STAGES = ((16, 32), (32, 16), (64, 8))
"""Channels, and height and width, of each stage."""


def fixed_blocks(classes: int) -> tuple[Block, ...]:
    """Describe the stem, the reductions between stages, and the head."""
    (first, size), (last, _) = STAGES[0], STAGES[-1]
    stem = square_block(
        f"stem k3 s1 3->{first}",
        (3, size),
        convolution(3, first, 3, size * size),
        partial(_build, "stem", first),
    )
    reductions = [
        _reduction(channels, size, outputs) for (channels, size), (outputs, _) in pairwise(STAGES)
    ]
    head = square_block(
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


def cell_block(cell: Integers, stage: int) -> Block:
    """Describe a canonical cell in a stage."""
    channels = STAGES[stage][0]
    multiply_adds, parameters = operation_counts(stage)[cell].sum(0).tolist()
    edges = [
        (source, target, OPERATIONS[operation])
        for (source, target), operation in zip(EDGES, cell.tolist(), strict=True)
        if operation != NONE
    ]
    kind = f"cell {format_cell(cell)}"
    counts = Counts(multiply_adds, parameters)
    block = square_block(kind, STAGES[stage], counts, partial(_build, "Cell", edges, channels))
    return replace(block, kind=kind)


def _reduction(inputs: int, size: int, outputs: int) -> Block:
    pixels = (size // 2) ** 2
    counts = convolution(inputs, outputs, 3, pixels) + convolution(outputs, outputs, 3, pixels)
    return square_block(
        f"reduction {inputs}->{outputs}",
        (inputs, size),
        counts + convolution(inputs, outputs, 1, pixels, norm=False),
        partial(_build, "Reduction", inputs, outputs),
    )


def _build(name: str, *arguments: Any) -> Any:
    from cosearch.spaces import nasbench201_modules

    return getattr(nasbench201_modules, name)(*arguments)
