"""Designs: complete schedules of a workload by the rules, ranked without measuring any."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from tvm.ir import IRModule
from tvm.s_tir import Schedule
from tvm.s_tir import meta_schedule as ms

from cosearch.schedules.rules import channelwise, elementwise, register_tile, winograd
from cosearch.schedules.rules.anatomy import NotScheduled, Stage, find_stages
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.rules.tile import RankedTiles, Study, Tile, rank_tiles, time_tiles
from cosearch.schedules.similarity import describe_workload

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

    @property
    def text(self) -> str:
        """The tiles in a few words each, which `parse` reads; cycles are not among them."""
        return "; ".join(tile.text for tile in self.tiles)

    @classmethod
    def parse(cls, text: str) -> "Design":
        """Read a design back.

        Raises
        ------
        ValueError
            When the text describes none.
        """
        return cls(tuple(Tile.parse(part) for part in text.split("; ")))


class Designer:
    """A workload taken apart once, to think about its designs.

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

    def __init__(self, mod: IRModule, machine: Machine) -> None:
        schedule = Schedule(mod)
        self.machine = machine
        self.point = describe_workload(mod["main"])
        self.studies: list[Study] = [
            _rule_for(schedule, stage).study(schedule, stage, machine)
            for stage in find_stages(schedule)
        ]
        self._choices = [rank_tiles(study, machine) for study in self.studies]
        if not self._choices or not all(len(tiles) for tiles in self._choices):
            raise NotScheduled("there is no tile for it")
        self._best = [tiles[0] for tiles in self._choices]
        self.main = max(range(len(self._best)), key=lambda index: self._best[index].cycles)
        """Place of the stage that should take the most cycles; designs differ in its tile."""

    def rank(self) -> Iterator[Design]:
        """Yield designs, best first, by the cycles that they should take."""
        return (self._with_main(tile) for tile in _diverse(self._choices[self.main]))

    def fit(self, designs: Sequence[Design]) -> list[Design]:
        """Refit designs of other workloads of this kind, and time them anew.

        Their other stages may be others, if they differ in number: these get their best tiles.
        """
        fitted = []
        for place, study in enumerate(self.studies):
            donors = [self._donor(design, place) for design in designs]
            tiles = [study.fit(tile) for tile in donors if tile is not None]
            timed = iter(time_tiles(study, tiles, self.machine))
            fitted.append([self._best[place] if tile is None else next(timed) for tile in donors])
        return [Design(tiles) for tiles in zip(*fitted, strict=True)]

    def time(self, design: Design) -> Design:
        """Return a design of this workload with the cycles that it should take.

        Raises
        ------
        ValueError
            When it is a design of another workload.
        """
        if len(design.tiles) != len(self.studies):
            raise ValueError(f"{len(design.tiles)} tiles for {len(self.studies)} stages")
        pairs = zip(self.studies, design.tiles, strict=True)
        return Design(tuple(time_tiles(study, [tile], self.machine)[0] for study, tile in pairs))

    def _donor(self, design: Design, place: int) -> Tile | None:
        """Return the tile of a design that a stage may follow."""
        if len(design.tiles) == len(self.studies):
            return design.tiles[place]
        if place != self.main:
            return None
        return max(design.tiles, key=lambda tile: tile.points * tile.vectors)

    def _with_main(self, tile: Tile) -> Design:
        return Design((*self._best[: self.main], tile, *self._best[self.main + 1 :]))


def rank_designs(mod: IRModule, machine: Machine) -> list[Design]:
    """Return designs for a workload, best first; see `Designer`."""
    return list(Designer(mod, machine).rank())


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
            _rule_for(schedule, stage).apply(schedule, stage, tile, machine)
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


def _rule_for(schedule: Schedule, stage: Stage) -> ModuleType:
    """Return the module of the rule that fits a stage."""
    for rule in (winograd, elementwise, register_tile, channelwise):
        if rule.matches(schedule, stage):
            return rule
    raise NotScheduled("no rule for such a reduction")


def _diverse(ranked: RankedTiles) -> Iterator[Tile]:
    """Order tiles so that variants of one that differ in little do not crowd out the others."""
    tiles = ranked.tiles
    keys = np.stack([tiles.height, tiles.rows, tiles.width, tiles.flat], axis=1).tolist()
    waiting = [(place, tuple(key)) for place, key in enumerate(keys)]
    while waiting:
        seen: Counter[tuple[int, ...]] = Counter()
        later = []
        for place, key in waiting:
            seen[key] += 1
            if seen[key] <= ALIKE:
                yield ranked[place]
            else:
                later.append((place, key))
        waiting = later
