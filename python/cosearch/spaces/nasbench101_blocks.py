"""Blocks of NAS-Bench-101: names, builders and counts, made one by one when asked for."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from cosearch.spaces.block import Block
from cosearch.spaces.catalogue import square_block
from cosearch.spaces.counts import Counts, convolution, linear
from cosearch.spaces.nasbench101_cells import EDGES, INNER, OPERATIONS, Cells, Truths, edge_bits
from cosearch.spaces.nasbench101_text import cell_sources, format_cell
from cosearch.spaces.space import Integers

STEM = 128
KINDS = ((128, 128, 32), (128, 256, 16), (256, 256, 16), (256, 512, 8), (512, 512, 8))
"""Channels in and out, and height and width, of the different surroundings of a cell."""
STACKS = ((0, 0, 0), (1, 2, 2), (3, 4, 4))
"""Places in `KINDS` of the cells of each stack."""
_PROJECTION = len(OPERATIONS)


def fixed_blocks(classes: int) -> tuple[Block, ...]:
    """Describe the stem, the poolings between stacks, and the head."""
    size, (_, last, last_size) = KINDS[0][2], KINDS[-1]
    stem = square_block(
        f"stem k3 s1 3->{STEM}",
        (3, size),
        convolution(3, STEM, 3, size * size),
        partial(_build, "stem", STEM),
    )
    poolings = [
        square_block(
            "downsample", (KINDS[kind][1], KINDS[kind][2]), Counts(), partial(_build, "downsample")
        )
        for *_, kind in STACKS[:-1]
    ]
    head = square_block(
        f"head {last}->{classes}",
        (last, last_size),
        linear(last, classes),
        partial(_build, "head", last, classes),
    )
    return (replace(stem, first=True), *poolings, head)


def vertex_channels(edges: Truths, outputs: int) -> Integers:
    """Divide the channels of the output among the vertices (Ying et al., section 2.2 and figure 1).

    Vertices that lead to the output share its channels, the first ones with one more where the
    division leaves a rest; any other has as many as the widest vertex that it leads to.

    Parameters
    ----------
    edges : numpy.ndarray
        bool ``[count, 21]``, of cells without extraneous vertices.
    outputs : int
        Channels of the output.

    Returns
    -------
    numpy.ndarray
        int64 ``[count, 5]``: of the inner vertices, 0 where a vertex is not used.
    """
    leading = edges[:, -INNER:]
    sharing = np.maximum(leading.sum(1), 1)
    rest = (outputs % sharing)[:, None]
    share = (outputs // sharing)[:, None] + (np.cumsum(leading, 1) <= rest)
    channels = np.where(leading, share, 0)
    for edge, (source, target) in reversed(list(enumerate(EDGES[:-INNER]))):
        if source:
            wider = edges[:, edge] & ~leading[:, source - 1]
            widest = np.maximum(channels[:, source - 1], channels[:, target - 1])
            channels[:, source - 1] = np.where(wider, widest, channels[:, source - 1])
    return channels


def cell_counts(cells: Cells, kind: int) -> Integers:
    """Count multiply-adds and parameters of all cells in one surrounding, int64 ``[cells, 2]``."""
    outputs = KINDS[kind][1]
    edges = edge_bits(cells.wirings)
    channels = vertex_channels(edges, outputs)
    costs = _layer_costs(kind)
    entered = edges[:, [EDGES.index((0, target)) for target in range(1, INNER + 2)]]
    projected = np.pad(channels, ((0, 0), (0, 1)), constant_values=outputs)
    total = (costs[_PROJECTION, projected] * entered[:, :, None]).sum(1)[cells.wiring]
    operations = cells.operations(np.arange(len(cells)))
    for vertex in range(INNER):
        total += costs[operations[:, vertex], channels[cells.wiring, vertex]]
    counts: Integers = total
    return counts


def _layer_costs(kind: int) -> Integers:
    """Count each operation and the projection, by channels of the vertex, ``[4, channels, 2]``."""
    inputs, outputs, size = KINDS[kind]
    costs = np.zeros((_PROJECTION + 1, outputs + 1, 2), np.int64)
    for channels in range(outputs + 1):
        layers = {
            OPERATIONS.index("conv3x3"): convolution(channels, channels, 3, size * size),
            OPERATIONS.index("conv1x1"): convolution(channels, channels, 1, size * size),
            _PROJECTION: convolution(inputs, channels, 1, size * size),
        }
        for layer, cost in layers.items():
            costs[layer, channels] = cost.multiply_adds, cost.parameters
    return costs


def cell_block(row: Integers, kind: int, counts: Counts) -> Block:
    """Describe a cell in one of the surroundings of `KINDS`; the row is canonical."""
    inputs, outputs, size = KINDS[kind]
    channels = vertex_channels(row[None, : len(EDGES)] > 0, outputs)[0].tolist()
    _, *sources, output = cell_sources(row)
    names = [OPERATIONS[operation] for operation in row[len(EDGES) :].tolist()]
    vertices = [v for v in zip(names, channels, sources, strict=True) if v[1]]
    return square_block(
        f"cell {format_cell(row)} {inputs}->{outputs}",
        (inputs, size),
        counts,
        partial(_build, "Cell", vertices, output, inputs, outputs),
    )


def _build(name: str, *arguments: Any) -> Any:
    from cosearch.spaces import nasbench101_modules

    return getattr(nasbench101_modules, name)(*arguments)
