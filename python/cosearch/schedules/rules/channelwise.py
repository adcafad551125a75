"""Stages that reduce each channel for itself: depthwise convolution, pooling, means."""

import math
from dataclasses import dataclass, replace

import numpy as np
from tvm.s_tir import Schedule
from tvm.sym import Analyzer, detect_linear_equation

from cosearch.schedules.rules.anatomy import Stage, axes, operand_iterators
from cosearch.schedules.rules.machine import L1_WAYS, LINE_BYTES, Machine
from cosearch.schedules.rules.register_tile import beside_streams
from cosearch.schedules.rules.tile import (
    ORDERS,
    Cycles,
    Integers,
    Tile,
    Tiles,
    divisors,
    finish_tile,
    fit_tile,
    grid,
    row_shapes,
    spread,
    tile_loops,
    tile_reduction,
)

MAX_WINDOW = 64
"""Values of a window that are unrolled; a larger one stays a loop."""
MAX_BODY, MAX_LONG_BODY = 700, 300
"""Vector operations of an unrolled tile that borders on others, beyond which it slows down: those
on registers of AVX-512 are longer."""
AHEAD = 448
"""Operations that a core looks ahead: so far the next tiles' chains of additions overlap."""
MAX_ROWS = 16
"""Columns of the result in a tile."""
TILE_CYCLES = 10
SPILLED = 1.2
"""What a tile takes more whose results and columns of data do not fit the registers."""
CROWDED = 2.0
"""What a tile takes more whose data push each other out of the cache. A line is used a few times
at most: twice as many as the cache has ways do no harm yet."""


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


@dataclass(frozen=True)
class Channelwise:
    """A channelwise stage.

    Channels lie in vectors; the window and a few columns of the result are unrolled, so that a
    value of the input is loaded once for all results of the tile that it belongs to, and the
    results stay in registers. Padding is decided at each load: where a tile spans all columns that
    is known while compiling. It assumes channels last (NHWC).

    Attributes
    ----------
    extents, window, data : tuple of int
        Extents of the result, of what each value of it reduces, and of the input.
    operands : int
        Buffers that it reads.
    machine : Machine
    """

    extents: tuple[int, ...]
    window: tuple[int, ...]
    data: tuple[int, ...]
    operands: int
    machine: Machine

    @property
    def stride(self) -> int:
        """Steps of the window, taken as equal along its axes."""
        return max(1, round(math.sqrt(math.prod(self.data) / math.prod(self.extents))))

    @property
    def lines(self) -> int:
        """Values of the window in one row."""
        return self.window[1] if len(self.window) > 1 else self.window[0]

    def tiles(self) -> Tiles:
        """Return tiles of one row."""
        _, _, rows_extent, channels = grid(self.extents)
        return Tiles.of_rows(
            (1, rows, vectors, lanes, order, 0, 1, 0, 0)
            for vectors, lanes in row_shapes(channels, self.machine)
            for rows in divisors(rows_extent, MAX_ROWS)
            if self._hold(rows, vectors)
            for order in range(len(ORDERS))
        )

    def holds(self, tile: Tile) -> bool:
        """Tell whether the results of a tile leave half of the registers free."""
        return self._hold(tile.rows, tile.vectors)

    def _hold(self, rows: int, vectors: int) -> bool:
        return rows * vectors <= self.machine.registers // 2

    def cycles(self, tiles: Tiles) -> Cycles:
        """Count multiply-adds and loads of a tile, and what streams through the caches."""
        outer, height, rows, width = tiles.counts(self.extents)
        compute = outer * height * rows * width * _tile_cycles(self, tiles, self.machine)
        return beside_streams(compute, _stream_cycles(self, tiles, self.machine))

    def tasks(self, tiles: Tiles) -> Integers:
        """Return the iterations of the parallel loop with each tile."""
        return tiles.tasks(self.extents)

    def fit(self, tile: Tile) -> Tile:
        """Refit a tile of another such stage."""
        fitted = fit_tile(tile, self.extents, self.machine, self.holds)
        return replace(fitted, height=1, padding="inline", unroll=1)


def study(schedule: Schedule, stage: Stage, machine: Machine) -> Channelwise:
    """Put a stage in numbers."""
    found = axes(schedule, stage.anchor)
    operands = operand_iterators(schedule, stage.anchor)
    data = tuple(int(extent) for extent in operands[0][0].source.shape)
    return Channelwise(found.spatial, found.reduction, data, len(operands), machine)


def _tile_cycles(shape: Channelwise, tiles: Tiles, machine: Machine) -> Cycles:
    rows, vectors = tiles.rows, tiles.vectors
    size, breadth = math.prod(shape.window), shape.lines
    columns = (rows - 1) * shape.stride + breadth
    loads = size / breadth * columns + size * (shape.operands - 1)
    arithmetic = rows * vectors * size * machine.multiply_add_cycles(tiles.lanes)
    work = np.maximum(arithmetic, vectors * loads / machine.loads_per_cycle)
    body = (rows * size + loads) * vectors
    work = np.maximum(
        work, machine.latency * np.maximum(min(size, 8), size * np.minimum(1.0, body / AHEAD))
    )
    if size <= MAX_WINDOW:
        most = MAX_LONG_BODY if 4 * machine.lanes == LINE_BYTES else MAX_BODY
        large = (rows < grid(shape.extents)[2]) & (body > most)
        work *= np.where(large, body / most, 1.0)
        work[(rows + columns) * vectors + 1 > machine.registers] *= SPILLED
        pairs = list(zip(columns.tolist(), vectors.tolist(), strict=True))
        crowded = {
            pair: machine.is_crowded(_line_offsets(shape, *pair), 2 * L1_WAYS)
            for pair in set(pairs)
        }
        work[np.array([crowded[pair] for pair in pairs], bool)] *= CROWDED
    return np.asarray(work + TILE_CYCLES + 2 * rows * vectors)


def _stream_cycles(shape: Channelwise, tiles: Tiles, machine: Machine) -> Cycles:
    """Return the cycles to bring data into the first cache.

    Lines of the window come again for each line of the result, out of the second cache where the
    first does not hold them: whole lines of the picture where the tiles of a row follow each other,
    and of a few channels where those of a column do. Fewer channels than a line of the cache has
    fetch it several times.
    """
    _, _, data_rows, channels = grid(shape.data)
    lines = math.prod(shape.window) // shape.lines
    by_rows = tiles.order == ORDERS.index("rows")
    width = np.maximum(4 * tiles.width, LINE_BYTES)
    passes = np.where(by_rows, 1.0, width / (4 * tiles.width))
    kept = lines * data_rows * np.where(by_rows, 4 * channels, width)
    size = 4 * math.prod(shape.data)
    again = size * passes * lines / shape.stride / machine.L2_BYTES_PER_CYCLE
    return machine.stream_cycles(size, passes / 2) + np.where(kept > machine.l1_bytes, again, 0.0)


def _line_offsets(shape: Channelwise, columns: int, vectors: int) -> Integers:
    """Where the window of a tile finds its data, in bytes."""
    _, _, data_rows, channels = grid(shape.data)
    lines = math.prod(shape.window) // shape.lines
    places = data_rows * np.arange(lines)[:, None] + np.arange(min(columns, data_rows))
    return np.asarray(4 * channels * places[..., None] + LINE_BYTES * np.arange(vectors))


def apply(schedule: Schedule, stage: Stage, tile: Tile, _machine: Machine) -> None:
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
    spatial, reducing = tile_reduction(schedule, anchor, nest, len(extents))
    schedule.reorder(*reducing, *spatial)
    finish_tile(schedule, spatial)
    if math.prod(window) <= MAX_WINDOW:
        for loop in reducing:
            schedule.unroll(loop)
    schedule.decompose_reduction(anchor, reducing[0])
