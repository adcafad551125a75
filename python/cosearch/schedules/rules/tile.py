"""A tile of a result that is computed at once, and the nest of loops around it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tvm.s_tir import Schedule
from tvm.s_tir.schedule import LoopRV, SBlockRV

from cosearch.schedules.rules.machine import Machine

MAX_FACTOR = 128
"""Largest tile along one axis, for the search that mutates the factors."""
ENOUGH_TASKS = 64
"""Iterations of a parallel loop above which more of them balance no better."""
MAX_ROW_VECTORS = 6
"""Vectors in a row of a tile."""

Order = Literal["rows", "columns"]
Padding = Literal["inline", "tile", "root"]


@dataclass(frozen=True)
class Tile:
    """How a nest is tiled.

    Attributes
    ----------
    height, rows : int
        Extents of the tile along the third and second last axis of the result.
    vectors, lanes : int
        Vectors along the last axis, and values in each of them.
    order : {"rows", "columns"}
        Whether tiles along the last axis follow each other in the innermost or the outermost loop.
    padding : {"inline", "tile", "root"}
        Whether the input's padding is decided at each load, copied for each tile, or copied for the
        whole input before.
    unroll : int
        Steps of the innermost reduction that are unrolled.
    parallel : bool
        Whether tiles are spread over threads.
    cycles : float
        What the nest should take.
    """

    height: int
    rows: int
    vectors: int
    lanes: int
    order: Order = "rows"
    padding: Padding = "inline"
    unroll: int = 1
    parallel: bool = False
    cycles: float = math.inf

    @property
    def width(self) -> int:
        """Extent of the tile along the last axis."""
        return self.vectors * self.lanes

    @property
    def points(self) -> int:
        """Rows of vectors in the tile."""
        return self.height * self.rows

    def tiles(self, extents: Sequence[int]) -> tuple[int, int, int, int]:
        """Return the numbers of tiles along all axes but three together, and each of these."""
        outer, height, rows, width = grid(extents)
        return outer, height // self.height, rows // self.rows, width // self.width

    def tasks(self, extents: Sequence[int]) -> int:
        """Return the iterations of the parallel loop."""
        return math.prod(self._outer(extents)[: self.fused(extents)])

    def fused(self, extents: Sequence[int]) -> int:
        """Return how many of the outermost loops are fused into the parallel one."""
        loops = self._outer(extents)
        last = len(loops) - (self.order == "rows" and self.padding == "tile")
        # A loop that is left alone needs no division to know where it is.
        for count in range(1, last):
            if math.prod(loops[:count]) >= ENOUGH_TASKS:
                return count
        return last

    def _outer(self, extents: Sequence[int]) -> list[int]:
        outer, height, rows, width = self.tiles(extents)
        ordered = [height, rows, width] if self.order == "rows" else [width, height, rows]
        return [outer, *ordered]


@dataclass
class Nest:
    """The loops of a tiled block.

    Attributes
    ----------
    outer : list of LoopRV
        Loops over tiles, outermost first.
    inner : list of LoopRV
        Loops of the tile: height, rows, vectors and lanes.
    """

    outer: list[LoopRV]
    inner: list[LoopRV]


def grid(extents: Sequence[int]) -> tuple[int, int, int, int]:
    """Return the product of all axes but three, and these three, 1 where there are fewer."""
    padded = [1, 1, 1, *extents]
    return math.prod(padded[:-3]), padded[-3], padded[-2], padded[-1]


def divisors(extent: int, limit: int = MAX_FACTOR) -> list[int]:
    """Return the divisors of an extent up to a limit, in ascending order."""
    return [factor for factor in range(1, min(extent, limit) + 1) if extent % factor == 0]


def row_shapes(extent: int, machine: Machine) -> list[tuple[int, int]]:
    """Return what a tile's row may be along an axis: numbers of vectors and of lanes.

    It is one vector, or several of a power of two lanes, as many as fit the axis and a register:
    LLVM takes vectors of another length apart, to the last value where it must.
    """
    lanes = math.gcd(extent, machine.lanes)
    several = [(count, lanes) for count in divisors(extent // lanes, MAX_ROW_VECTORS) if count > 1]
    return [(1, width) for width in divisors(extent, machine.lanes)] + several


def with_threads(
    tile: Tile, cycles: float, extents: Sequence[int], machine: Machine
) -> Iterator[Tile]:
    """Yield a tile whose nest takes so many cycles on one thread, serial and parallel."""
    yield replace(tile, cycles=cycles)
    if machine.threads > 1:
        parallel = replace(tile, parallel=True)
        yield replace(parallel, cycles=machine.parallel_cycles(cycles, parallel.tasks(extents)))


def split(schedule: Schedule, loop: LoopRV, extent: int, *factors: int) -> list[LoopRV]:
    """Split a loop by factors that a search may change, and a transfer may refit."""
    decision = [extent // math.prod(factors), *factors]
    limit = max(MAX_FACTOR, factors[-1])
    sampled = schedule.sample_perfect_tile(loop, len(decision), limit, decision=decision)
    return list(schedule.split(loop, sampled, preserve_unit_iters=True))


def tile_loops(schedule: Schedule, block: SBlockRV, tile: Tile, extents: Sequence[int]) -> Nest:
    """Tile the nest of a block whose loops are those of a result with the given extents."""
    loops = list(schedule.get_loops(block))
    while len(loops) < 3:
        schedule.add_unit_loop(loops[0] if loops else block)
        loops = list(schedule.get_loops(block))
    padded = [1] * (3 - len(extents)) + list(extents)
    outermost = loops[:-3]
    factors = ((tile.height,), (tile.rows,), (tile.vectors, tile.lanes))
    parts = [
        split(schedule, loop, extent, *factor)
        for loop, extent, factor in zip(loops[-3:], padded[-3:], factors, strict=True)
    ]
    over = [part[0] for part in parts]
    ordered = over if tile.order == "rows" else [over[2], over[0], over[1]]
    inner = [loop for part in parts for loop in part[1:]]
    schedule.reorder(*outermost, *ordered, *inner)
    while len(outermost) > 1:
        outermost = [schedule.fuse(*outermost)]
    if not outermost:
        schedule.add_unit_loop(ordered[0])
        outermost = [schedule.get_loops(block)[0]]
    return Nest([*outermost, *ordered], inner)


def spread(schedule: Schedule, nest: Nest, tile: Tile, extents: Sequence[int]) -> None:
    """Run tiles in parallel, if the tile says so."""
    if not tile.parallel:
        return
    count = tile.fused(extents)
    fused = schedule.fuse(*nest.outer[:count]) if count > 1 else nest.outer[0]
    schedule.parallel(fused)
    nest.outer = [fused, *nest.outer[count:]]


def finish_tile(schedule: Schedule, loops: Sequence[LoopRV], *, unrolled: bool = True) -> None:
    """Make vectors of a tile's innermost loop and unroll the others."""
    *others, lanes = loops
    schedule.vectorize(lanes)
    if unrolled:
        for loop in others:
            schedule.unroll(loop)


def tile_reduction(
    schedule: Schedule, anchor: SBlockRV, tile: Tile, spatial: int
) -> tuple[list[LoopRV], list[LoopRV]]:
    """Return the loops of a tile of a reduction, with its vectors split, and those that reduce.

    Parameters
    ----------
    schedule : Schedule
    anchor : SBlockRV
        The reduction, computed at a tile of its result.
    tile : Tile
    spatial : int
        Axes of its result, of which the last three are tiled.
    """
    loops = list(schedule.get_loops(anchor))
    reducing = len(schedule.get(anchor).iter_vars) - spatial
    *rows, columns = loops[-reducing - min(3, spatial) : -reducing]
    columns_split = schedule.split(columns, [None, tile.lanes], preserve_unit_iters=True)
    return [*rows, *columns_split], loops[-reducing:]
