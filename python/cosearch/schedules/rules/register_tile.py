"""Matrix-like stages: pointwise, direct and grouped convolution, dense layers."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm.s_tir import Schedule
from tvm.s_tir.analysis import estimate_tir_flops
from tvm.s_tir.schedule import LoopRV, SBlockRV
from tvm.tirx import IndexMap

from cosearch.schedules.rules import elementwise
from cosearch.schedules.rules.anatomy import (
    Axes,
    Stage,
    axes,
    operand_iterators,
    statement_of,
)
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.rules.tile import (
    ORDERS,
    PADDINGS,
    Cycles,
    Integers,
    Nest,
    Order,
    Padding,
    Tile,
    Tiles,
    divisors,
    finish_tile,
    fit_tile,
    grid,
    rank_tiles,
    row_shapes,
    split,
    spread,
    tile_loops,
    tile_reduction,
)

UNROLLS = (1, 2)
"""Steps of the reduction that are unrolled; more take LLVM longer, and a core no less."""
TILE_CYCLES = 20
"""Start and end of a tile's reduction loop."""
CROWDED = 1.9
"""What a step takes more where the rows of the data push each other out of the cache."""
MAX_TAIL_FLOPS = 8
"""Operations of a tail that is unrolled over the rows; a longer one runs out of registers."""
FLAT = 1.1
"""What flat tiles are taken to take more: the loops of whole tiles and of the last one are one to
LLVM until late, which is not always kind to its choice of registers."""
STREAM_SHARE = 0.3
"""Share of the time for streaming that the arithmetic cannot hide."""


@dataclass(frozen=True)
class Product:
    """A matrix-like stage.

    A tile of rows x columns is accumulated in registers over the whole reduction and written once,
    through the elementwise tail. For each step of the reduction it takes the vectors of one row of
    packed weights and a broadcast value for each row, so the tile must be large enough to hide the
    latency of its additions and the loads, and small enough for the register file (Goto and van de
    Geijn, "Anatomy of High-Performance Matrix Multiplication", TOMS 2008, section 6; Georganas et
    al., "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures", SC 2018,
    section II). Where each row depends on one row of the data alone, a tile may be flat: its rows
    go on from one line of the picture to the next, and the last tile has what is left of them. It
    assumes that weights are packed while compiling, or lie with their columns next to each other.

    Attributes
    ----------
    axes : Axes
        Extents of the result, and of what each value of it sums up.
    group : int
        Results of a position that share their inputs.
    data_bytes, weight_bytes : int
        What it reads.
    data_shape : tuple of int
    pad_values, pad_width : int
        Values of the padded input and of its last axis, 0 where nothing pads.
    machine : Machine
    """

    axes: Axes
    group: int
    data_bytes: int
    weight_bytes: int
    data_shape: tuple[int, ...]
    pad_values: int
    pad_width: int
    machine: Machine

    @property
    def extents(self) -> tuple[int, ...]:
        """Extents of the result."""
        return self.axes.spatial

    @property
    def depth(self) -> int:
        """Multiply-adds for a result."""
        return math.prod(self.axes.reduction)

    @property
    def positions(self) -> int:
        """Rows of the result: all its axes but the last together."""
        return math.prod(self.extents[:-1])

    @property
    def can_be_flat(self) -> bool:
        """Whether each row of the result depends on the row of the data in the same place.

        A sum of one product is none: TVM would take what it reduces for an axis of the result.
        """
        alone = math.prod(self.axes.reduction[:-1]) == 1 and not self.pad_values
        return alone and self.depth > 1 and self.data_shape[:-1] == self.extents[:-1]

    @property
    def placements(self) -> list[tuple[Order, Padding]]:
        """Orders of the tiles, each with a place for the padding."""
        if self.pad_values:
            return [("rows", "tile"), ("rows", "root"), ("columns", "root")]
        return [("rows", "inline"), ("columns", "inline")]

    def tiles(self) -> Tiles:
        """Return the tiles that the registers hold."""
        _, height_extent, rows_extent, _ = grid(self.extents)
        unrolls = [steps for steps in UNROLLS if self.axes.reduction[-1] % steps == 0]
        most = self.machine.registers
        shapes = [
            (height, rows, unroll, 0)
            for height in divisors(height_extent, most)
            for rows in divisors(rows_extent, most)
            for unroll in unrolls
        ]
        if self.can_be_flat:
            divided = {height * rows for height, rows, *_ in shapes}
            others = set(range(2, min(self.positions, most))) - divided
            # LLVM runs out of registers where it unrolls both variants, of whole and last tiles.
            shapes += [(1, rows, 1, 1) for rows in sorted(others)]
        return Tiles.of_rows(
            (
                *(height, rows, vectors, lanes, ORDERS.index(order), PADDINGS.index(padding)),
                *(unroll, flat, 0),
            )
            for vectors, lanes in row_shapes(self.group, self.machine)
            for height, rows, unroll, flat in shapes
            if self.machine.holds(height * rows, vectors)
            for order, padding in self.placements
        )

    def holds(self, tile: Tile) -> bool:
        """Tell whether the registers hold a tile, a row of weights and values of the data."""
        return self.machine.holds(tile.points, tile.vectors)

    def cycles(self, tiles: Tiles) -> Cycles:
        """Count the steps of the reduction, and what streams through the caches."""
        return _cycles(self, tiles, self.machine)

    def tasks(self, tiles: Tiles) -> Integers:
        """Return the iterations of the parallel loop with each tile."""
        return tiles.tasks(self.extents)

    def fit(self, tile: Tile) -> Tile:
        """Refit a tile of another such stage."""
        fitted = fit_tile(tile, (*self.extents[:-1], self.group), self.machine, self.holds)
        places = [padding for order, padding in self.placements if order == tile.order]
        unroll = tile.unroll if self.axes.reduction[-1] % tile.unroll == 0 else 1
        padding = tile.padding if tile.padding in places else places[0]
        fitted = replace(fitted, padding=padding, unroll=unroll)
        return self._made_flat(fitted, tile.rows) if tile.flat and self.can_be_flat else fitted

    def _made_flat(self, tile: Tile, most_rows: int) -> Tile:
        """Return a tile that is flat, with as many rows as the registers hold."""
        counts = range(min(most_rows, self.positions), 0, -1)
        rows = next(rows for rows in counts if self.machine.holds(rows, tile.vectors))
        return replace(tile, height=1, rows=rows, unroll=1, flat=True)


def matches(schedule: Schedule, stage: Stage) -> bool:
    """Tell whether the stage sums products of data and weights.

    One operand, the weights, must not depend on the rows of the result; the other one, the data,
    must not depend on its columns, or on groups of them alone.
    """
    if stage.anchor is None:
        return False
    operands = operand_iterators(schedule, stage.anchor)
    if len(operands) != 2:
        return False
    columns = len(axes(schedule, stage.anchor).spatial) - 1
    rows = set(range(columns))
    (_, data), (_, weights) = operands
    if not rows.isdisjoint(weights) and math.prod(_extents(schedule, stage, rows & weights)) > 1:
        return False
    return columns in weights and (columns not in data or _group(schedule, stage) > 1)


def _extents(schedule: Schedule, stage: Stage, places: set[int] | frozenset[int]) -> list[int]:
    iterators = schedule.get(stage.anchor).iter_vars
    return [int(iterators[place].dom.extent) for place in places]


def _group(schedule: Schedule, stage: Stage) -> int:
    """Columns of the result that share their inputs: all, or those of a group."""
    columns = axes(schedule, stage.anchor).spatial[-1]
    data, used = operand_iterators(schedule, stage.anchor)[0]
    if len(axes(schedule, stage.anchor).spatial) - 1 not in used:
        return columns
    inputs = int(data.source.shape[-1])
    depth = axes(schedule, stage.anchor).reduction[-1]
    return columns * depth // inputs if inputs % depth == 0 else 1


def study(schedule: Schedule, stage: Stage, machine: Machine) -> Product:
    """Put a stage in numbers."""
    (data, _), (weights, _) = operand_iterators(schedule, stage.anchor)
    pad = schedule.get(stage.pads[0]) if stage.pads else None
    data_shape = tuple(int(extent) for extent in data.source.shape)
    pad_shape = [int(extent) for extent in pad.writes[0].source.shape] if pad else [0]
    return Product(
        axes(schedule, stage.anchor),
        _group(schedule, stage),
        4 * math.prod(data_shape),
        4 * math.prod(int(extent) for extent in weights.source.shape),
        data_shape,
        math.prod(pad_shape),
        pad_shape[-1],
        machine,
    )


def _cycles(product: Product, tiles: Tiles, machine: Machine) -> Cycles:
    extents = product.axes.spatial
    outer, *counts = tiles.counts(extents)
    row_tiles, column_tiles = outer * counts[0] * counts[1], counts[2]
    crowded = np.where(_are_crowded(product, tiles, machine), CROWDED, 1.0)
    left = np.where(tiles.flat > 0, product.positions % tiles.points, 0)
    compute = (row_tiles - (left > 0)) * _tile_cycles(product, tiles, tiles.points, crowded)
    if left.any():
        compute += (left > 0) * _tile_cycles(product, tiles, left, crowded)
    compute *= column_tiles
    stream = np.where(
        tiles.order == ORDERS.index("rows"),
        machine.stream_cycles(product.weight_bytes, row_tiles)
        + machine.stream_cycles(product.data_bytes, 1),
        machine.stream_cycles(product.data_bytes, column_tiles * product.group / extents[-1])
        + machine.stream_cycles(product.weight_bytes / column_tiles, row_tiles * column_tiles)
        + machine.stream_cycles(product.weight_bytes, 1),
    )
    written = 4 * math.prod(extents)
    stream += machine.stream_cycles(written, 1 + machine.lanes / tiles.width)
    padding = _padding_cycles(product, tiles, machine, row_tiles)
    return beside_streams(compute, stream) + padding


def _tile_cycles(product: Product, tiles: Tiles, rows: Integers, crowded: Cycles) -> Cycles:
    """Return the cycles of a tile of so many rows: its steps, and its way through the tail."""
    step = crowded * step_cycles(tiles, rows, product.machine)
    starts = 1 + math.prod(product.axes.reduction[:-1]) / 4
    cycles = product.depth * step + TILE_CYCLES * starts + 3 * rows * tiles.vectors
    return np.asarray(cycles * np.where(tiles.flat > 0, FLAT, 1.0))


def step_cycles(tiles: Tiles, rows: Integers, machine: Machine) -> Cycles:
    """Return the cycles of a step of the reduction of tiles with so many rows in registers."""
    arithmetic = rows * tiles.vectors * machine.multiply_add_cycles(tiles.lanes)
    loads = (rows + tiles.vectors) / machine.loads_per_cycle
    step = np.maximum(np.maximum(arithmetic, loads), machine.latency)
    return np.asarray(step + machine.loop_cycles / tiles.unroll)


def beside_streams(compute: Cycles | Integers, stream: Cycles) -> Cycles:
    """Return the cycles of arithmetic that hides most of the time for streaming."""
    hidden = np.maximum(compute, (1 - STREAM_SHARE) * stream)
    return np.asarray(hidden + STREAM_SHARE * stream)


def _are_crowded(product: Product, tiles: Tiles, machine: Machine) -> npt.NDArray[np.bool_]:
    """Tell of which tiles the rows of data push each other out of the first cache."""
    shapes = list(zip(tiles.height.tolist(), tiles.rows.tolist(), strict=True))
    crowded = {
        (height, rows): machine.is_crowded(_row_offsets(product, height, rows))
        for height, rows in set(shapes)
    }
    copied = tiles.padding == PADDINGS.index("tile")
    return np.asarray(np.array([crowded[shape] for shape in shapes], bool) & ~copied)


def _row_offsets(product: Product, tile_height: int, tile_rows: int) -> Integers:
    """Where the rows of a tile find their data, in bytes."""
    _, height, rows, _ = grid(product.axes.spatial)
    _, data_height, data_rows, depth = grid(product.data_shape)
    down, across = max(1, data_height // height) * data_rows, max(1, data_rows // rows)
    places = down * np.arange(tile_height)[:, None] + across * np.arange(tile_rows)
    return np.asarray(4 * depth * places)


def _padding_cycles(
    product: Product, tiles: Tiles, machine: Machine, row_tiles: Integers
) -> Cycles:
    value = 2 / machine.lanes if product.pad_width % (machine.lanes // 2) == 0 else 1.5
    root = product.pad_values * value + machine.stream_cycles(8 * product.pad_values, 1)
    root = root + (machine.LAUNCH_CYCLES if machine.threads > 1 else 0)
    _, height, rows, _ = grid(product.axes.spatial)
    # A tile also copies the window around it.
    window = [*product.axes.reduction, 1, 1][:2]
    share = (tiles.height + window[0] - 1) * (tiles.rows + window[1] - 1) / (height * rows)
    copied = row_tiles * product.pad_values * share * value
    return np.choose(tiles.padding, [np.zeros(len(tiles)), copied, np.full(len(tiles), root)])


def apply(schedule: Schedule, stage: Stage, tile: Tile, machine: Machine) -> None:
    """Tile the stage: accumulate each tile in registers, write it through the tail."""
    anchor = stage.anchor
    if tile.flat:
        _flatten(schedule, stage)
    extents = axes(schedule, anchor).spatial
    if tile.padding == "inline":
        for pad in stage.pads:
            schedule.compute_inline(pad)
    nest = tile_loops(schedule, stage.last, tile, extents)
    spread(schedule, nest, tile, extents)
    schedule.compute_at(anchor, nest.outer[-1], preserve_unit_loops=True)
    for pad in stage.pads:
        if tile.padding == "tile":
            schedule.compute_at(pad, nest.outer[-2], preserve_unit_loops=True)
            _vectorize_last(schedule, schedule.get_loops(pad)[len(nest.outer) - 1 :], machine)
        elif tile.padding == "root":
            padded = elementwise.Elementwise(axes(schedule, pad).spatial, machine)
            best = rank_tiles(padded, machine)
            chosen = next((t for t in best if t.parallel == tile.parallel), best[0])
            elementwise.apply_to_block(schedule, pad, chosen)
    finish_tile(schedule, nest.inner, unrolled=_tail_flops(schedule, stage) <= MAX_TAIL_FLOPS)
    accumulate(schedule, anchor, nest, tile.unroll)


def _flatten(schedule: Schedule, stage: Stage) -> None:
    """Make one axis of all axes of the result but the last."""
    shape = axes(schedule, stage.anchor).spatial[:-1]

    def merged(*places: Any) -> list[Any]:
        (row, *inner), (column, *reduction) = places[: len(shape)], places[len(shape) :]
        for extent, place in zip(shape[1:], inner, strict=True):
            row = row * extent + place
        # TVM would take the window, which is one place here, for axes of the result.
        return [row, column, *reduction[-1:]]

    def mapping(axes: int) -> IndexMap:
        return IndexMap.from_func(merged, ndim=axes, index_dtype="int64")

    schedule.transform_layout(stage.anchor, ("write", 0), mapping(len(shape) + 1))
    for block in (stage.anchor, stage.last):
        iterators = statement_of(schedule, block).iter_vars
        schedule.transform_block_layout(block, mapping(len(iterators)))


def _tail_flops(schedule: Schedule, stage: Stage) -> float:
    """Return the operations for each result after its reduction."""
    extents = axes(schedule, stage.anchor)
    results = math.prod(extents.spatial)
    total = estimate_tir_flops(schedule.mod)
    return float(total) / results - 2 * math.prod(extents.reduction)


def accumulate(schedule: Schedule, anchor: SBlockRV, nest: Nest, unroll: int) -> None:
    """Add up a tile of a reduction in registers."""
    found = axes(schedule, anchor)
    spatial, (*window, depth) = tile_reduction(schedule, anchor, nest, len(found.spatial))
    steps, unrolled = split(schedule, depth, found.reduction[-1], unroll)
    schedule.reorder(*window, steps, unrolled, *spatial)
    schedule.unroll(unrolled)
    finish_tile(schedule, spatial)
    schedule.decompose_reduction(anchor, (window or [steps])[0])


def _vectorize_last(schedule: Schedule, loops: list[LoopRV], machine: Machine) -> None:
    last = loops[-1]
    extent = int(schedule.get(last).extent)
    widths = [width for width in divisors(extent, 4 * machine.lanes) if width >= machine.lanes // 2]
    if widths:
        inner = split(schedule, last, extent, widths[-1])[1]
        schedule.vectorize(inner)
