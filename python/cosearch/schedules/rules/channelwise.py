"""Stages that reduce each channel for itself: depthwise convolution, pooling, means."""

import math
from dataclasses import dataclass

from tvm.s_tir import Schedule
from tvm.sym import Analyzer, detect_linear_equation

from cosearch.schedules.rules.anatomy import Stage, axes, operand_iterators
from cosearch.schedules.rules.machine import L1_WAYS, LINE_BYTES, Machine
from cosearch.schedules.rules.tile import (
    Order,
    Tile,
    divisors,
    finish_tile,
    grid,
    row_shapes,
    spread,
    tile_loops,
    tile_reduction,
    with_threads,
)

MAX_WINDOW = 64
"""Values of a window that are unrolled; a larger one stays a loop."""
MAX_BODY = 300
"""Vector operations of an unrolled tile that borders on others, beyond which it slows down."""
TILE_CYCLES = 10
SPILLED = 1.1
"""What a tile takes more whose results and columns of data do not fit the registers."""
CROWDED = 2.0
"""What a tile takes more whose data push each other out of the cache. A line is used a few times
at most: twice as many as the cache has ways do no harm yet."""
ORDERS: dict[Order, float] = {"rows": 1.0, "columns": 1.02}
"""What each order of the tiles takes: those of a row share lines of the cache."""


def matches(schedule: Schedule, stage: Stage) -> bool:
    """Tell whether all that the stage reads lies along its channels, its last axis."""
    if stage.anchor is None:
        return False
    channel = len(axes(schedule, stage.anchor).spatial) - 1
    variable = schedule.get(stage.anchor).iter_vars[channel].var
    data, used = operand_iterators(schedule, stage.anchor)[0]
    if channel not in used:
        return False
    linear = detect_linear_equation(data.region[-1].min, [variable])
    return bool(linear) and Analyzer().can_prove_equal(linear[0], 1)


def rank(schedule: Schedule, stage: Stage, machine: Machine) -> list[Tile]:
    """Return tiles for a channelwise stage, best first, by the cycles that they should take.

    Channels lie in vectors; the window and a few columns of the result are unrolled, so that a
    value of the input is loaded once for all results of the tile that it belongs to, and the
    results stay in registers. Padding is decided at each load: where a tile spans all columns that
    is known while compiling. It assumes channels last (NHWC).
    """
    shape = _measure(schedule, stage)
    outer, height_extent, rows_extent, channels = grid(shape.extents)
    tiles: list[Tile] = []
    for vectors, lanes in row_shapes(channels, machine):
        width = vectors * lanes
        for rows in divisors(rows_extent, 16):
            if rows * vectors > machine.registers // 2:
                continue
            count = outer * height_extent * (rows_extent // rows) * (channels // width)
            cycles = count * _tile_cycles(shape, Tile(1, rows, vectors, lanes), machine)
            cycles += machine.stream_cycles(4 * math.prod(shape.data), 0.5)
            for order, more in ORDERS.items():
                tile = Tile(1, rows, vectors, lanes, order)
                tiles += with_threads(tile, cycles * more, shape.extents, machine)
    return sorted(tiles, key=lambda tile: tile.cycles)


@dataclass(frozen=True)
class _Shape:
    """A channelwise workload in numbers: extents of result, window and data; what it reads."""

    extents: tuple[int, ...]
    window: tuple[int, ...]
    data: tuple[int, ...]
    operands: int

    @property
    def stride(self) -> int:
        """Steps of the window, taken as equal along its axes."""
        return max(1, round(math.sqrt(math.prod(self.data) / math.prod(self.extents))))

    @property
    def lines(self) -> int:
        """Values of the window in one row."""
        return self.window[1] if len(self.window) > 1 else self.window[0]


def _measure(schedule: Schedule, stage: Stage) -> _Shape:
    found = axes(schedule, stage.anchor)
    operands = operand_iterators(schedule, stage.anchor)
    data = tuple(int(extent) for extent in operands[0][0].source.shape)
    return _Shape(found.spatial, found.reduction, data, len(operands))


def _tile_cycles(shape: _Shape, tile: Tile, machine: Machine) -> float:
    rows, vectors = tile.rows, tile.vectors
    size, breadth = math.prod(shape.window), shape.lines
    columns = (rows - 1) * shape.stride + breadth
    loads = size / breadth * columns + size * (shape.operands - 1)
    work = max(
        rows * vectors * size * machine.multiply_add_cycles(tile.lanes),
        vectors * loads / machine.loads_per_cycle,
        machine.latency * min(size, 8),
    )
    if size <= MAX_WINDOW:
        body = (rows * size + loads) * vectors
        if rows < grid(shape.extents)[2] and body > MAX_BODY:
            work *= body / MAX_BODY
        if (rows + columns) * vectors + 1 > machine.registers:
            work *= SPILLED
        if machine.is_crowded(_line_offsets(shape, columns, vectors), 2 * L1_WAYS):
            work *= CROWDED
    return work + TILE_CYCLES + 2 * rows * vectors


def _line_offsets(shape: _Shape, columns: int, vectors: int) -> list[int]:
    """Where the window of a tile finds its data, in bytes."""
    _, _, data_rows, channels = grid(shape.data)
    lines = math.prod(shape.window) // shape.lines
    return [
        4 * channels * (line * data_rows + column) + LINE_BYTES * vector
        for line in range(lines)
        for column in range(min(columns, data_rows))
        for vector in range(vectors)
    ]


def apply(schedule: Schedule, stage: Stage, tile: Tile) -> None:
    """Tile the stage, with the window unrolled around the tile."""
    anchor = stage.anchor
    extents = axes(schedule, anchor).spatial
    window = axes(schedule, anchor).reduction
    for pad in stage.pads:
        schedule.compute_inline(pad)
    nest = tile_loops(schedule, stage.last, tile, extents)
    spread(schedule, nest, tile, extents)
    schedule.compute_at(anchor, nest.outer[-1], preserve_unit_loops=True)
    finish_tile(schedule, nest.inner)
    spatial, reducing = tile_reduction(schedule, anchor, tile, len(extents))
    schedule.reorder(*reducing, *spatial)
    finish_tile(schedule, spatial)
    if math.prod(window) <= MAX_WINDOW:
        for loop in reducing:
            schedule.unroll(loop)
    schedule.decompose_reduction(anchor, reducing[0])
