"""Stages without a reduction: copies, activations, paddings, transposes."""

import math
from collections.abc import Sequence

from tvm.ir import Expr, TensorRegion
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import SBlockRV
from tvm.sym import Analyzer, detect_linear_equation
from tvm.tirx import Var
from tvm.tirx.analysis import undefined_vars

from cosearch.schedules.rules.anatomy import Stage, axes
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.rules.tile import (
    Tile,
    finish_tile,
    grid,
    row_shapes,
    spread,
    tile_loops,
    with_threads,
)

VECTOR_CYCLES = 2.0
"""Cycles for a vector of results."""
GATHERED_CYCLES = 2.0
"""Cycles for a value that is gathered into a vector of another length than 1, 2 or 4."""
MAX_GATHERED = 4


def rank(schedule: Schedule, stage: Stage, machine: Machine) -> list[Tile]:
    """Return tiles for an elementwise stage, best first: vectors along the last axis.

    Where an input is not read along the last axis (a transpose), narrow vectors cost least.
    """
    statement = schedule.get(stage.last)
    contiguous = all(
        _is_contiguous(region, statement.iter_vars[-1].var) for region in statement.reads
    )
    return rank_extents(axes(schedule, stage.last).spatial, machine, contiguous)


def rank_extents(extents: Sequence[int], machine: Machine, contiguous: bool = True) -> list[Tile]:
    """Return tiles for an elementwise result of the given extents, best first."""
    total = math.prod(extents)
    tiles: list[Tile] = []
    for vectors, lanes in row_shapes(grid(extents)[3], machine):
        width, vector = vectors * lanes, vectors * VECTOR_CYCLES
        if not contiguous:
            narrow = lanes <= MAX_GATHERED and lanes & (lanes - 1) == 0
            vector = width * (1.0 if narrow else GATHERED_CYCLES)
        cycles = total / width * (vector + 1) + machine.stream_cycles(8 * total, 1)
        tiles += with_threads(Tile(1, 1, vectors, lanes), cycles, extents, machine)
    return sorted(tiles, key=lambda tile: tile.cycles)


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


def apply(schedule: Schedule, stage: Stage, tile: Tile) -> None:
    """Tile the loops of the stage's only block."""
    apply_to_block(schedule, stage.last, tile)


def apply_to_block(schedule: Schedule, block: SBlockRV, tile: Tile) -> None:
    """Tile the loops of a block at the root."""
    extents = axes(schedule, block).spatial
    nest = tile_loops(schedule, block, tile, extents)
    spread(schedule, nest, tile, extents)
    finish_tile(schedule, nest.inner)
