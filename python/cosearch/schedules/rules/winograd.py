"""Stages that convolve by minimal filtering: transforms around many small matrix products."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import LoopRV, SBlockRV

from cosearch.schedules.rules.anatomy import Stage, axes, operand_iterators, winograd_part
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.rules.register_tile import (
    TILE_CYCLES,
    UNROLLS,
    accumulate,
    beside_streams,
    step_cycles,
)
from cosearch.schedules.rules.tile import (
    ORDERS,
    PADDINGS,
    Cycles,
    Integers,
    Tile,
    Tiles,
    divisors,
    finish_tile,
    fit_tile,
    row_shapes,
    tile_axes,
)

DATA_CYCLES = {2: 45.0, 4: 130.0}
"""Cycles to transform a vector of windows, by the rows of a tile, at two operations a cycle."""
RESULT_CYCLES = {2: 35.0, 4: 110.0}
"""Cycles to transform a vector of products."""
MATRIX_CYCLES = (0.06, 0.12, 0.24)
"""Cycles to write and read a byte of a matrix in the first cache, in the second, and beyond."""
COPY_CYCLES = 2.0
"""Cycles to copy a vector of the data, with what pads it."""


@dataclass(frozen=True)
class Winograd:
    """A convolution by minimal filtering, F(m × m, 3 × 3).

    A few rows of tiles go together: their windows are transformed into one matrix for each place of
    a window, which stay in the second cache; each is multiplied by that place's weights with a tile
    of results in registers; and the products are transformed into results, which go through the
    elementwise tail (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR
    2016, section 4.1; Jia et al., "Optimizing N-dimensional, Winograd-based Convolution for
    Manycore CPUs", PPoPP 2018, section 4). It assumes channels last (NHWC), and that transformed
    weights are packed while compiling.

    Of a tile, `height` is the rows of tiles that go together and `rows` the rows of a matrix that
    are in registers.

    Attributes
    ----------
    m : int
        Rows and columns of results in a tile.
    tiles_of : tuple of int
        Batch, rows and columns of such tiles.
    inputs, outputs : int
        Channels.
    groups : int
        Into which they are divided.
    machine : Machine
    """

    m: int
    tiles_of: tuple[int, int, int]
    inputs: int
    outputs: int
    groups: int
    machine: Machine

    @property
    def group(self) -> int:
        """Outputs that share their inputs."""
        return self.outputs // self.groups

    @property
    def depth(self) -> int:
        """Multiply-adds for a product."""
        return self.inputs // self.groups

    @property
    def places(self) -> int:
        """Places of a transformed window."""
        return (self.m + 2) ** 2

    def tiles(self) -> Tiles:
        """Return the tiles that the registers hold."""
        unrolls = [steps for steps in UNROLLS if self.depth % steps == 0]
        return Tiles.of_rows(
            (height, rows, vectors, lanes, order, PADDINGS.index("tile"), unroll, 0, 0)
            for vectors, lanes in row_shapes(self.group, self.machine)
            for height in divisors(self.tiles_of[1])
            for rows in self._rows(height)
            if self.machine.holds(rows, vectors)
            for unroll in unrolls
            for order in range(len(ORDERS))
        )

    def _rows(self, height: int) -> Iterator[int]:
        """Yield what may be in registers of so many rows of tiles: parts of a row, or some rows."""
        columns = self.tiles_of[2]
        yield from divisors(columns, self.machine.registers)
        yield from (columns * rows for rows in divisors(height, self.machine.registers)[1:])

    def holds(self, tile: Tile) -> bool:
        """Tell whether the registers hold a tile, a row of weights and a value of the data."""
        return self.machine.holds(tile.rows, tile.vectors)

    def tasks(self, tiles: Tiles) -> Integers:
        """Return the iterations of the parallel loop."""
        batch, height, _ = self.tiles_of
        return np.asarray(batch * height // tiles.height)

    def cycles(self, tiles: Tiles) -> Cycles:
        """Count the steps of the products, the transforms, and what streams through the caches."""
        machine, places = self.machine, self.places
        steps, together = self.tasks(tiles), tiles.height * self.tiles_of[2]
        row_tiles, column_tiles = together // tiles.rows, self.outputs // tiles.width
        step = step_cycles(tiles, tiles.rows, machine)
        tile = self.depth * step + TILE_CYCLES + 3 * tiles.rows * tiles.vectors
        compute = places * row_tiles * column_tiles * tile + together * self._transform_cycles()
        weights = 4 * self.depth * self.outputs
        by_rows = tiles.order == ORDERS.index("rows")
        stream = places * np.where(
            by_rows,
            machine.stream_cycles(weights, row_tiles),
            machine.stream_cycles(4 * together * self.inputs, column_tiles / self.groups),
        )
        stream += machine.stream_cycles(places * weights, 1)
        for channels in (self.inputs, self.outputs):
            compute = compute + self._matrix_cycles(4 * places * together * channels)
        stream = stream * steps
        values = 4 * math.prod(self.tiles_of) * self.m**2
        stream += machine.stream_cycles(values * self.inputs, 1)
        stream += machine.stream_cycles(values * self.outputs, 1)
        return beside_streams(compute * steps, stream)

    def _matrix_cycles(self, sizes: Integers) -> Cycles:
        """Return the cycles to write and read matrices of so many bytes."""
        machine = self.machine
        place = (sizes > machine.l1_bytes).astype("int64") + (sizes > machine.kept_bytes)
        return np.asarray(sizes * np.choose(place, MATRIX_CYCLES))

    def _transform_cycles(self) -> float:
        """Return the cycles of the transforms of a tile, and of copying what it reads."""
        inputs, outputs = (
            channels // math.gcd(channels, self.machine.lanes)
            for channels in (self.inputs, self.outputs)
        )
        arithmetic = DATA_CYCLES[self.m] * inputs + RESULT_CYCLES[self.m] * outputs
        copied = COPY_CYCLES * self.m * (self.m + 1) * inputs
        return 2 / self.machine.vectors_per_cycle * arithmetic + copied

    def fit(self, tile: Tile) -> Tile:
        """Return the tile that is nearest to one for other extents."""
        extents = (*self.tiles_of, self.group)
        fitted = fit_tile(replace(tile, rows=1), extents, self.machine, self.holds)
        allowed = [
            rows for rows in self._rows(fitted.height) if self.machine.holds(rows, fitted.vectors)
        ]
        rows = min(allowed, key=lambda rows: abs(math.log(rows / tile.rows)))
        unroll = tile.unroll if self.depth % tile.unroll == 0 else 1
        return replace(fitted, rows=rows, padding="tile", unroll=unroll)


def matches(_schedule: Schedule, stage: Stage) -> bool:
    """Tell whether the stage has the blocks of such a convolution."""
    return bool(stage.transforms)


def study(schedule: Schedule, stage: Stage, machine: Machine) -> Winograd:
    """Put a stage in numbers."""
    found = axes(schedule, stage.anchor)
    _, _, batch, rows, columns, outputs = found.spatial
    _, m = winograd_part(schedule, stage.anchor)
    (data, _), _ = operand_iterators(schedule, stage.anchor)
    inputs = int(data.source.shape[-1])
    groups = inputs // found.reduction[0]
    return Winograd(m, (batch, rows, columns), inputs, outputs, groups, machine)


def apply(schedule: Schedule, stage: Stage, tile: Tile, machine: Machine) -> None:
    """Put the blocks of the convolution into one loop over some rows of tiles."""
    blocks = {
        winograd_part(schedule, block)[0]: block
        for block in (*stage.pads, stage.anchor, *stage.transforms)
    }
    (data, _), _ = operand_iterators(schedule, stage.anchor)
    lanes = math.gcd(int(data.source.shape[-1]), machine.lanes)
    written = schedule.cache_write(stage.anchor, 0, "global")
    loop = _tile_results(schedule, stage.last, blocks, tile)
    _tile_products(schedule, stage.anchor, written, loop, tile)
    _tile_data(schedule, blocks, loop, lanes)


def _tile_results(
    schedule: Schedule, last: SBlockRV, blocks: dict[str, SBlockRV], tile: Tile
) -> LoopRV:
    """Tile what is written at last; return the loop over rows of tiles that go together."""
    _, m = winograd_part(schedule, blocks["result"])
    batch, height, width, channels = schedule.get_loops(last)
    outer, together, row = schedule.split(height, [None, tile.height, m])
    place, column = schedule.split(width, [None, m])
    vector, lanes = schedule.split(channels, [None, tile.lanes])
    schedule.reorder(batch, outer, together, place, vector, row, column, lanes)
    finish_tile(schedule, [row, column, lanes])
    loop = schedule.fuse(batch, outer)
    if tile.parallel:
        schedule.parallel(loop)
    inner = [blocks["result_rows"]]
    if winograd_part(schedule, last)[0] != "result":
        inner.insert(0, blocks["result"])
    for block in inner:
        schedule.compute_at(block, vector, preserve_unit_loops=True)
        finish_tile(schedule, schedule.get_loops(block)[4:])
    return loop


def _tile_products(
    schedule: Schedule, anchor: SBlockRV, written: SBlockRV, loop: LoopRV, tile: Tile
) -> None:
    """Multiply matrices, with a tile of results in registers."""
    schedule.compute_at(written, loop, preserve_unit_loops=True)
    last = schedule.get_loops(written)[-3:]
    extents = [int(schedule.get(axis).extent) for axis in last]
    rows = replace(tile, height=max(1, tile.rows // extents[1]), rows=min(tile.rows, extents[1]))
    nest = tile_axes(schedule, last, rows, extents)
    schedule.compute_at(anchor, nest.outer[-1], preserve_unit_loops=True)
    finish_tile(schedule, nest.inner)
    accumulate(schedule, anchor, nest, tile.unroll)


def _tile_data(schedule: Schedule, blocks: dict[str, SBlockRV], loop: LoopRV, lanes: int) -> None:
    """Transform windows, one vector of channels of each at a time."""
    data, data_rows, padded = blocks["data"], blocks["data_rows"], blocks["padded"]
    schedule.compute_at(data, loop, preserve_unit_loops=True)
    down, across, batch, row, column, channels = schedule.get_loops(data)[1:]
    vector, lane = schedule.split(channels, [None, lanes])
    schedule.reorder(batch, row, column, vector, down, across, lane)
    finish_tile(schedule, [down, across, lane])
    schedule.compute_at(data_rows, vector, preserve_unit_loops=True)
    finish_tile(schedule, schedule.get_loops(data_rows)[5:])
    schedule.compute_at(padded, loop, preserve_unit_loops=True)
    schedule.vectorize(schedule.split(schedule.get_loops(padded)[-1], [None, lanes])[1])
