"""Designs: complete schedules of a workload by the rules, ranked without measuring any."""

from collections.abc import Iterator
from dataclasses import dataclass

from tvm.ir import IRModule
from tvm.s_tir import Schedule
from tvm.s_tir import meta_schedule as ms

from cosearch.schedules.rules import channelwise, elementwise, register_tile
from cosearch.schedules.rules.anatomy import NotScheduled, Stage, find_stages
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.rules.tile import Tile

ALIKE = 2
"""Designs of one tile that are tried before other tiles have had their turn."""


@dataclass(frozen=True)
class Design:
    """A tile for each stage of a workload.

    Attributes
    ----------
    tiles : tuple of Tile
        In the order of the stages.
    """

    tiles: tuple[Tile, ...]

    @property
    def cycles(self) -> float:
        """What the rules expect it to take, in cycles of a core."""
        return sum(tile.cycles for tile in self.tiles)


def rank_designs(mod: IRModule, machine: Machine) -> list[Design]:
    """Return designs for a workload, best first.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A module of one workload.
    machine : Machine
        Where it is to run.

    Raises
    ------
    NotScheduled
        When no rule fits a part of the workload.
    """
    schedule = Schedule(mod)
    choices = [_rank(schedule, stage, machine) for stage in find_stages(schedule)]
    if not choices or not all(choices):
        raise NotScheduled("there is no tile for it")
    main = max(range(len(choices)), key=lambda index: choices[index][0].cycles)
    best = [tiles[0] for tiles in choices]
    return [Design((*best[:main], tile, *best[main + 1 :])) for tile in _diverse(choices[main])]


def follow_design(mod: IRModule, design: Design, machine: Machine) -> Schedule:
    """Schedule a workload by a design, up to the rewriting that ends every search of MetaSchedule.

    Raises
    ------
    NotScheduled
        When TVM refuses a step.
    """
    schedule = Schedule(mod)
    try:
        for stage, tile in zip(find_stages(schedule), design.tiles, strict=True):
            _apply(schedule, stage, tile, machine)
    except NotScheduled:
        raise
    except Exception as error:  # TVM has no narrower type for a step that does not apply
        raise NotScheduled(str(error).strip().splitlines()[0]) from error
    return schedule


def apply_design(mod: IRModule, design: Design, machine: Machine) -> Schedule:
    """Schedule a workload by a design; weights are packed to its layout (RewriteLayout).

    Raises
    ------
    NotScheduled
        When TVM refuses a step.
    """
    schedule = follow_design(mod, design, machine)
    schedule.enter_postproc()
    if not ms.postproc.RewriteLayout().apply(schedule):
        raise NotScheduled("its weights cannot be packed")
    return schedule


def _rank(schedule: Schedule, stage: Stage, machine: Machine) -> list[Tile]:
    if stage.anchor is None:
        return elementwise.rank(schedule, stage, machine)
    if register_tile.matches(schedule, stage):
        return register_tile.rank(schedule, stage, machine)
    if channelwise.matches(schedule, stage):
        return channelwise.rank(schedule, stage, machine)
    raise NotScheduled("no rule for such a reduction")


def _apply(schedule: Schedule, stage: Stage, tile: Tile, machine: Machine) -> None:
    if stage.anchor is None:
        elementwise.apply(schedule, stage, tile)
    elif register_tile.matches(schedule, stage):
        register_tile.apply(schedule, stage, tile, machine)
    else:
        channelwise.apply(schedule, stage, tile)


def _diverse(tiles: list[Tile]) -> Iterator[Tile]:
    """Order tiles so that variants of one that differ in little do not crowd out the others."""
    waiting = list(tiles)
    while waiting:
        seen: dict[tuple[int, int, int], int] = {}
        later = []
        for tile in waiting:
            key = (tile.height, tile.rows, tile.width)
            seen[key] = seen.get(key, 0) + 1
            if seen[key] <= ALIKE:
                yield tile
            else:
                later.append(tile)
        waiting = later
