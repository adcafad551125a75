"""Stages without a reduction: copies, activations, paddings, transposes."""

import math
from dataclasses import dataclass, replace

import numpy as np
from tvm.ir import Expr, TensorRegion
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import SBlockRV
from tvm.sym import Analyzer, detect_linear_equation
from tvm.tirx import Var
from tvm.tirx.analysis import undefined_vars

from cosearch.schedules.rules.anatomy import Stage, axes
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.rules.tile import (
    Cycles,
    Integers,
    Tile,
    Tiles,
    finish_tile,
    fit_tile,
    grid,
    row_shapes,
    spread,
    tile_loops,
)

VECTOR_CYCLES = 2.0
"""Cycles for a vector of results."""
GATHERED_CYCLES = 2.0
"""Cycles for a value that is gathered into a vector of another length than 1, 2 or 4."""
MAX_GATHERED = 4


@dataclass(frozen=True)
class Elementwise:
    """An elementwise result: vectors along its last axis.

    Attributes
    ----------
    extents : tuple of int
    machine : Machine
    contiguous : bool
        Whether all inputs are read along the last axis. Where one is not (a transpose), narrow
        vectors cost least.
    """

    extents: tuple[int, ...]
    machine: Machine
    contiguous: bool = True

    def tiles(self) -> Tiles:
        """Return the tiles of one row."""
        shapes = row_shapes(grid(self.extents)[3], self.machine)
        return Tiles.of_rows((1, 1, vectors, lanes, 0, 0, 1, 0, 0) for vectors, lanes in shapes)

    def cycles(self, tiles: Tiles) -> Cycles:
        """Count the vectors, and the bytes that go through the caches."""
        total, lanes = math.prod(self.extents), tiles.lanes
        if self.contiguous:
            vector = np.asarray(tiles.vectors * VECTOR_CYCLES)
        else:
            narrow = (lanes <= MAX_GATHERED) & (lanes & (lanes - 1) == 0)
            vector = np.asarray(tiles.width * np.where(narrow, 1.0, GATHERED_CYCLES))
        streamed = self.machine.stream_cycles(8 * total, 1)
        return np.asarray(total / tiles.width * (vector + 1) + streamed)

    def tasks(self, tiles: Tiles) -> Integers:
        """Return the iterations of the parallel loop with each tile."""
        return tiles.tasks(self.extents)

    def fit(self, tile: Tile) -> Tile:
        """Refit a tile of another result."""
        return replace(fit_tile(tile, self.extents, self.machine), height=1, rows=1)


def matches(_schedule: Schedule, stage: Stage) -> bool:
    """Tell whether the stage reduces nothing."""
    return stage.anchor is None


def study(schedule: Schedule, stage: Stage, machine: Machine) -> Elementwise:
    """Put a stage in numbers."""
    statement = schedule.get(stage.last)
    contiguous = all(
        _is_contiguous(region, statement.iter_vars[-1].var) for region in statement.reads
    )
    return Elementwise(axes(schedule, stage.last).spatial, machine, contiguous)


def _is_contiguous(region: TensorRegion, variable: Var) -> bool:
    """Tell whether neighbours along an axis are neighbours, or the same, in what is read."""
    *others, last = [dimension.min for dimension in region.region] or [None]
    if any(_depends(index, variable) for index in others):
        return False
    if last is None or not _depends(last, variable):
        return True
    linear = detect_linear_equation(last, [variable])
    return bool(linear) and Analyzer().can_prove_equal(linear[0], 1)


def _depends(index: Expr, variable: Var) -> bool:
    return any(variable.same_as(var) for var in undefined_vars(index))


def apply(schedule: Schedule, stage: Stage, tile: Tile, _machine: Machine) -> None:
    """Tile the loops of the stage's only block."""
    apply_to_block(schedule, stage.last, tile)


def apply_to_block(schedule: Schedule, block: SBlockRV, tile: Tile) -> None:
    """Tile the loops of a block at the root."""
    extents = axes(schedule, block).spatial
    nest = tile_loops(schedule, block, tile, extents)
    spread(schedule, nest, tile, extents)
    finish_tile(schedule, nest.inner)
