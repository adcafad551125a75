"""A tile of a result that is computed at once, and the nest of loops around it."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, cast

import numpy as np
import numpy.typing as npt
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import ExprRV, LoopRV, SBlockRV

from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.similarity import refit_split

MAX_FACTOR = 128
"""Largest tile along one axis, for the search that mutates the factors."""
MAX_LANES = 16
"""Values in a vector, for that search: longer ones make LLVM unroll for minutes."""
ENOUGH_TASKS = 64
"""Iterations of a parallel loop above which more of them balance no better."""
MAX_ROW_VECTORS = 6
"""Vectors in a row of a tile."""

Order = Literal["rows", "columns"]
Padding = Literal["inline", "tile", "root"]
ORDERS: tuple[Order, ...] = ("rows", "columns")
PADDINGS: tuple[Padding, ...] = ("inline", "tile", "root")
Integers = npt.NDArray[np.int64]
Cycles = npt.NDArray[np.float64]
_SIZE = "([1-9][0-9]{0,8})"
_TEXT = re.compile(
    rf"{_SIZE}x{_SIZE}x{_SIZE}x{_SIZE} (rows|columns) (inline|tile|root) "
    rf"unroll{_SIZE} (serial|parallel)( flat)?"
)


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
    flat : bool
        Whether all axes of the result but the last are taken as one, of which `rows` need not be a
        divisor: the last tile has fewer of them.
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
    flat: bool = False
    parallel: bool = False
    cycles: float = math.inf

    @property
    def text(self) -> str:
        """The tile in a few words, which `parse` reads; its cycles are not among them."""
        shape = f"{self.height}x{self.rows}x{self.vectors}x{self.lanes}"
        threads = "parallel" if self.parallel else "serial"
        flat = " flat" if self.flat else ""
        return f"{shape} {self.order} {self.padding} unroll{self.unroll} {threads}{flat}"

    @classmethod
    def parse(cls, text: str) -> "Tile":
        """Read a tile back.

        Raises
        ------
        ValueError
            When the text describes none.
        """
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"no tile: {text!r}")
        height, rows, vectors, lanes, order, padding, unroll, threads, flat = match.groups()
        return cls(
            int(height),
            int(rows),
            int(vectors),
            int(lanes),
            cast(Order, order),
            cast(Padding, padding),
            int(unroll),
            flat is not None,
            threads == "parallel",
        )

    @property
    def width(self) -> int:
        """Extent of the tile along the last axis."""
        return self.vectors * self.lanes

    @property
    def points(self) -> int:
        """Rows of vectors in the tile."""
        return self.height * self.rows

    def fused(self, extents: Sequence[int]) -> int:
        """Return how many of the outermost loops are fused into the parallel one."""
        return int(Tiles.of([self]).fused(extents)[0])


class Tiles:
    """Many tiles in columns, which are ranked at once.

    Parameters
    ----------
    columns : numpy.ndarray
        int64 ``[9, tiles]``: the attributes of `Tile` in their order, without its cycles; of an
        order and a place of the padding, their places in `ORDERS` and `PADDINGS`.
    """

    def __init__(self, columns: Integers) -> None:
        self.columns = columns
        self.height: Integers = columns[0]
        self.rows: Integers = columns[1]
        self.vectors: Integers = columns[2]
        self.lanes: Integers = columns[3]
        self.order: Integers = columns[4]
        self.padding: Integers = columns[5]
        self.unroll: Integers = columns[6]
        self.flat: Integers = columns[7]
        self.parallel: Integers = columns[8]

    @classmethod
    def of(cls, tiles: Iterable[Tile]) -> "Tiles":
        """Put tiles in columns."""
        return cls.of_rows(
            (
                *(tile.height, tile.rows, tile.vectors, tile.lanes),
                *(ORDERS.index(tile.order), PADDINGS.index(tile.padding)),
                *(tile.unroll, int(tile.flat), int(tile.parallel)),
            )
            for tile in tiles
        )

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[int]]) -> "Tiles":
        """Put tiles in columns that are given in rows."""
        return cls(np.array(list(rows), "int64").reshape(-1, 9).T)

    def __len__(self) -> int:
        """Count the tiles."""
        return len(self.height)

    def tile(self, place: int, cycles: float) -> Tile:
        """Return one of them, with what its nest should take."""
        height, rows, vectors, lanes, order, padding, unroll, flat, parallel = (
            int(value) for value in self.columns[:, place]
        )
        return Tile(
            *(height, rows, vectors, lanes, ORDERS[order], PADDINGS[padding]),
            *(unroll, bool(flat), bool(parallel), cycles),
        )

    @property
    def width(self) -> Integers:
        """Extents of the tiles along the last axis."""
        return self.vectors * self.lanes

    @property
    def points(self) -> Integers:
        """Rows of vectors in the tiles."""
        return self.height * self.rows

    def counts(self, extents: Sequence[int]) -> tuple[Integers, Integers, Integers, Integers]:
        """Return the numbers of tiles along all axes but three together, and each of these."""
        outer, height, rows, width = grid(extents)
        flat, rows_together = self.flat > 0, -(-outer * height * rows // self.rows)
        return (
            np.where(flat, 1, outer),
            np.where(flat, 1, height // self.height),
            np.where(flat, rows_together, rows // self.rows),
            width // self.width,
        )

    def tasks(self, extents: Sequence[int]) -> Integers:
        """Return the iterations of the parallel loop of each."""
        products = np.cumprod(self._outer(extents), axis=0)
        last = self.fused(extents) - 1
        return np.asarray(products[last, np.arange(len(self))])

    def fused(self, extents: Sequence[int]) -> Integers:
        """Return how many of the outermost loops of each are fused into the parallel one."""
        loops = self._outer(extents)
        kept = (self.order == ORDERS.index("rows")) & (self.padding == PADDINGS.index("tile"))
        last = len(loops) - kept.astype("int64")
        # A loop that is left alone needs no division to know where it is.
        enough = np.cumprod(loops, axis=0) >= ENOUGH_TASKS
        first = np.where(enough[-1], enough.argmax(axis=0) + 1, len(loops))
        return np.asarray(np.minimum(first, last))

    def _outer(self, extents: Sequence[int]) -> Integers:
        outer, height, rows, width = self.counts(extents)
        by_rows = self.order == ORDERS.index("rows")
        return np.stack(
            [
                outer,
                np.where(by_rows, height, width),
                np.where(by_rows, rows, height),
                np.where(by_rows, width, rows),
            ]
        )


class RankedTiles(Sequence[Tile]):
    """Tiles, the best first, made when they are asked for.

    Parameters
    ----------
    tiles : Tiles
    cycles : numpy.ndarray
        ``[tiles]``: what the nest should take with each.
    """

    def __init__(self, tiles: Tiles, cycles: Cycles) -> None:
        ranks = np.argsort(cycles, kind="stable")
        self.tiles, self.cycles = Tiles(tiles.columns[:, ranks]), cycles[ranks]

    def __len__(self) -> int:
        """Count the tiles."""
        return len(self.tiles)

    def __getitem__(self, place: int) -> Tile:  # type: ignore[override] # slices are not asked for
        """Return the tile of a rank."""
        return self.tiles.tile(place, float(self.cycles[place]))


@dataclass
class Nest:
    """The loops of a tiled block.

    Attributes
    ----------
    outer : list of LoopRV
        Loops over tiles, outermost first.
    inner : list of LoopRV
        Loops of the tile: height, rows, vectors and lanes.
    lanes : ExprRV
        The extent of the last of them, as it was sampled.
    """

    outer: list[LoopRV]
    inner: list[LoopRV]
    lanes: ExprRV


class Study(Protocol):
    """A stage in numbers, as one of the rules sees it."""

    def tiles(self) -> Tiles:
        """Return the tiles worth ranking, all of them serial."""

    def cycles(self, tiles: Tiles) -> Cycles:
        """Return the cycles that the stage should take with each tile on one thread."""

    def tasks(self, tiles: Tiles) -> Integers:
        """Return the iterations of the parallel loop with each tile."""

    def fit(self, tile: Tile) -> Tile:
        """Return the tile that is nearest to one for other extents."""


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


def rank_tiles(study: Study, machine: Machine) -> RankedTiles:
    """Return the tiles of a stage, serial and parallel ones, by cycles: the best one first."""
    tiles = study.tiles()
    if machine.threads > 1:
        both = np.repeat(tiles.columns, 2, axis=1)
        both[-1] = np.arange(both.shape[1]) % 2
        tiles = Tiles(both)
    return RankedTiles(tiles, _timed(study, tiles, machine))


def time_tiles(study: Study, tiles: Sequence[Tile], machine: Machine) -> list[Tile]:
    """Return tiles with the cycles that the stage should take with each."""
    if not tiles:
        return []
    cycles = _timed(study, Tiles.of(tiles), machine)
    return [replace(t, cycles=float(own)) for t, own in zip(tiles, cycles, strict=True)]


def _timed(study: Study, tiles: Tiles, machine: Machine) -> Cycles:
    cycles = study.cycles(tiles)
    if not tiles.parallel.any():
        return cycles
    spread_cycles = machine.parallel_cycles(cycles, study.tasks(tiles))
    return np.where(tiles.parallel > 0, spread_cycles, cycles)


def fit_tile(
    tile: Tile,
    extents: Sequence[int],
    machine: Machine,
    holds: Callable[[Tile], bool] = lambda _: True,
) -> Tile:
    """Refit a tile's factors to other extents (see `refit_split`), and to the registers.

    It divides the extents then, and is not flat.

    Parameters
    ----------
    tile : Tile
        A tile for other extents.
    extents : sequence of int
        Of the result.
    machine : Machine
    holds : callable
        Whether the registers hold a tile. As long as they do not, it loses rows.
    """
    _, height, rows, width = grid(extents)
    vectors, lanes = refit_split(
        [1, tile.vectors, tile.lanes], width, max_innermost=machine.lanes, lanes=machine.lanes
    )[1:]
    fitted = replace(
        tile,
        height=refit_split([1, tile.height], height, max_innermost=MAX_FACTOR)[1],
        rows=refit_split([1, tile.rows], rows, max_innermost=MAX_FACTOR)[1],
        vectors=vectors,
        lanes=lanes,
        parallel=tile.parallel and machine.threads > 1,
        flat=False,
    )
    while fitted.points > 1 and not holds(fitted):
        if fitted.rows > 1:
            fitted = replace(fitted, rows=divisors(rows, fitted.rows - 1)[-1])
        else:
            fitted = replace(fitted, height=divisors(height, fitted.height - 1)[-1])
    return fitted


def split(schedule: Schedule, loop: LoopRV, extent: int, *factors: int) -> list[LoopRV]:
    """Split a loop by factors that a search may change, and a transfer may refit."""
    return _split(schedule, loop, extent, factors, MAX_FACTOR)[0]


def _split(
    schedule: Schedule, loop: LoopRV, extent: int, factors: Sequence[int], limit: int
) -> tuple[list[LoopRV], ExprRV]:
    decision = [extent // math.prod(factors), *factors]
    limit = max(limit, factors[-1])
    sampled = schedule.sample_perfect_tile(loop, len(decision), limit, decision=decision)
    return list(schedule.split(loop, sampled, preserve_unit_iters=True)), sampled[-1]


def tile_axes(
    schedule: Schedule, loops: Sequence[LoopRV], tile: Tile, extents: Sequence[int]
) -> Nest:
    """Tile three loops, the innermost ones of a block, of the given extents."""
    factors = (tile.vectors, tile.lanes)
    columns, lanes = _split(schedule, loops[2], extents[2], factors, MAX_LANES)
    if tile.flat:
        rows = list(schedule.split(loops[1], [None, tile.rows], preserve_unit_iters=True))
    else:
        rows = split(schedule, loops[1], extents[1], tile.rows)
    parts = [split(schedule, loops[0], extents[0], tile.height), rows, columns]
    over = [part[0] for part in parts]
    ordered = over if tile.order == "rows" else [over[2], over[0], over[1]]
    inner = [loop for part in parts for loop in part[1:]]
    schedule.reorder(*ordered, *inner)
    return Nest(ordered, inner, lanes)


def tile_loops(schedule: Schedule, block: SBlockRV, tile: Tile, extents: Sequence[int]) -> Nest:
    """Tile the nest of a block whose loops are those of a result with the given extents."""
    loops = list(schedule.get_loops(block))
    while len(loops) < 3:
        schedule.add_unit_loop(loops[0] if loops else block)
        loops = list(schedule.get_loops(block))
    nest = tile_axes(schedule, loops[-3:], tile, ([1, 1, *extents])[-3:])
    outermost = loops[:-3]
    while len(outermost) > 1:
        outermost = [schedule.fuse(*outermost)]
    if not outermost:
        schedule.add_unit_loop(nest.outer[0])
        outermost = [schedule.get_loops(block)[0]]
    nest.outer = [*outermost, *nest.outer]
    return nest


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
    schedule: Schedule, anchor: SBlockRV, nest: Nest, spatial: int
) -> tuple[list[LoopRV], list[LoopRV]]:
    """Return the loops of a tile of a reduction, with its vectors split, and those that reduce.

    Parameters
    ----------
    schedule : Schedule
    anchor : SBlockRV
        The reduction, computed at a tile of its result.
    nest : Nest
        The loops around it.
    spatial : int
        Axes of its result, of which the last three are tiled.
    """
    loops = list(schedule.get_loops(anchor))
    reducing = len(schedule.get(anchor).iter_vars) - spatial
    *rows, columns = loops[-reducing - min(3, spatial) : -reducing]
    columns_split = schedule.split(columns, [None, nest.lanes], preserve_unit_iters=True)
    return [*rows, *columns_split], loops[-reducing:]
