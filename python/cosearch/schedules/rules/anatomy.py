"""The parts of a workload: which blocks compute, which prepare, which finish."""

from dataclasses import dataclass, field
from typing import Any

import tvm
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import SBlockRV
from tvm.tirx.analysis import undefined_vars

SPATIAL, REDUCTION = 0, 2
# Without TVM's checks of argument types, which take several times as long as the answers.
statement_of, consumers_of, producers_of = (
    method.__wrapped__ for method in (Schedule.get, Schedule.get_consumers, Schedule.get_producers)
)
WINOGRAD = "cosearch.winograd"
"""Annotation of the blocks of a convolution by minimal filtering: a part, and the rows of a tile of
results."""


@dataclass
class Stage:
    """A nest of loops that a kernel will have, and what is computed inside of it.

    Attributes
    ----------
    last : SBlockRV
        The block whose loops the nest is made of: it writes the stage's result.
    anchor : SBlockRV or None
        The block with a reduction that `last` finishes; None where there is none.
    pads : list of SBlockRV
        Blocks that prepare the anchor's input and cannot be inlined for free: they pad.
    transforms : list of SBlockRV
        Blocks that make results of another shape out of what the anchor sums up.
    """

    last: SBlockRV
    anchor: SBlockRV | None = None
    pads: list[SBlockRV] = field(default_factory=list)
    transforms: list[SBlockRV] = field(default_factory=list)


@dataclass(frozen=True)
class Axes:
    """Iterators of a block with constant extents.

    Attributes
    ----------
    spatial, reduction : tuple of int
        Extents, outermost first.
    """

    spatial: tuple[int, ...]
    reduction: tuple[int, ...]


class NotScheduled(Exception):
    """No rule of ours fits the workload."""


def axes(schedule: Schedule, block: SBlockRV) -> Axes:
    """Read the extents of a block's iterators.

    Raises
    ------
    NotScheduled
        When one is not constant, or is neither spatial nor a reduction.
    """
    spatial, reduction = [], []
    for iterator in statement_of(schedule, block).iter_vars:
        extent = iterator.dom.extent
        if not isinstance(extent, tvm.tirx.IntImm):
            raise NotScheduled("an extent is not constant")
        if iterator.iter_type == SPATIAL:
            spatial.append(int(extent))
        elif iterator.iter_type == REDUCTION:
            reduction.append(int(extent))
        else:
            raise NotScheduled("a block iterates in order")
    return Axes(tuple(spatial), tuple(reduction))


def has_reduction(schedule: Schedule, block: SBlockRV) -> bool:
    """Tell whether a block reduces."""
    return any(i.iter_type == REDUCTION for i in statement_of(schedule, block).iter_vars)


def find_stages(schedule: Schedule) -> list[Stage]:
    """Inline what can be inlined and group the other blocks into stages.

    Every block without a reduction is inlined into its consumers, except those that pad, those that
    finish a reduction, and the kernel's results. A reduction takes the elementwise blocks that
    follow it with equal extents into its nest.

    Raises
    ------
    NotScheduled
        When a block is not one of a plain loop nest with constant extents.
    """
    blocks = schedule.get_child_blocks(schedule.get_sblock("root"))
    for block in blocks:
        axes(schedule, block)  # whatever comes after may rely on constant extents
    stages: list[Stage] = []
    pads: list[SBlockRV] = []
    while blocks:
        block = blocks.pop(0)
        part, _ = winograd_part(schedule, block)
        if part == "product":
            transforms, blocks = blocks[:2], blocks[2:]
            last, blocks = _absorb(schedule, transforms[-1], blocks)
            stages.append(Stage(last or transforms[-1], block, pads, transforms))
            pads = []
            continue
        if part:
            pads.append(block)
            continue
        if has_reduction(schedule, block):
            last, blocks = _finish(schedule, block, blocks)
            stages.append(Stage(last, block, pads))
            pads = []
            continue
        consumers = consumers_of(schedule, block)
        if not consumers:
            stages.append(Stage(block))
        elif any(has_reduction(schedule, consumer) for consumer in consumers):
            if len(consumers) > 1 or not _is_padding(schedule, block):
                _inline(schedule, block)
            else:
                pads.append(block)
        else:
            _inline(schedule, block)
    return stages


def winograd_part(schedule: Schedule, block: SBlockRV) -> tuple[str, int]:
    """Return what a block does in a convolution by minimal filtering, and the rows of a tile."""
    annotation = statement_of(schedule, block).annotations.get(WINOGRAD)
    if annotation is None:
        return "", 0
    part, m = str(annotation).split()
    return part, int(m)


def _finish(
    schedule: Schedule, anchor: SBlockRV, blocks: list[SBlockRV]
) -> tuple[SBlockRV, list[SBlockRV]]:
    """Inline the elementwise tail of a reduction; return its last block and the blocks left."""
    last, left = _absorb(schedule, anchor, blocks)
    return last or schedule.cache_write(anchor, 0, "global"), left


def _absorb(
    schedule: Schedule, block: SBlockRV, blocks: list[SBlockRV]
) -> tuple[SBlockRV | None, list[SBlockRV]]:
    """Inline the elementwise tail of a block into its own last block; return it, if there is one.

    The second part of the answer is the blocks that are left.
    """
    extents = axes(schedule, block).spatial
    tail: list[SBlockRV] = []
    names = {_name(schedule, block)}
    for follower in blocks:
        producers = {_name(schedule, producer) for producer in producers_of(schedule, follower)}
        if producers and producers <= names and _is_elementwise(schedule, follower, extents):
            tail.append(follower)
            names.add(_name(schedule, follower))
    while tail and not _ends_at(schedule, block, tail):
        tail.pop()
    if not tail:
        return None, blocks
    done = {_name(schedule, follower) for follower in tail}
    left = [follower for follower in blocks if _name(schedule, follower) not in done]
    for follower in tail[:-1]:
        schedule.compute_inline(follower)
    return tail[-1], left


def _ends_at(schedule: Schedule, anchor: SBlockRV, tail: list[SBlockRV]) -> bool:
    """Tell whether all that the anchor and its tail compute goes through the last block."""
    names = {_name(schedule, block) for block in tail}
    return all(
        _name(schedule, consumer) in names
        for block in (anchor, *tail[:-1])
        for consumer in consumers_of(schedule, block)
    )


def _name(schedule: Schedule, block: SBlockRV) -> str:
    return str(statement_of(schedule, block).name_hint)


def _is_elementwise(schedule: Schedule, block: SBlockRV, extents: tuple[int, ...]) -> bool:
    """Tell whether a block has the anchor's iterators, and only those of its first input."""
    if has_reduction(schedule, block) or axes(schedule, block).spatial != extents:
        return False
    producers = [statement_of(schedule, producer) for producer in producers_of(schedule, block)]
    statement = statement_of(schedule, block)
    written = [region.source for producer in producers for region in producer.writes]
    return all(
        len(region.region) == len(statement.iter_vars)
        and all(
            dimension.min.same_as(iterator.var)
            for dimension, iterator in zip(region.region, statement.iter_vars, strict=True)
        )
        for region in statement.reads
        if any(region.source.same_as(buffer) for buffer in written)
    )


def _is_padding(schedule: Schedule, block: SBlockRV) -> bool:
    """Tell whether a block writes more than it reads."""
    statement = statement_of(schedule, block)
    if len(statement.reads) != 1:
        return False
    shapes = [
        [int(extent) for extent in region.source.shape]
        for region in (statement.reads[0], statement.writes[0])
    ]
    return shapes[0] != shapes[1]


def _inline(schedule: Schedule, block: SBlockRV) -> None:
    try:
        schedule.compute_inline(block)
    except Exception as error:  # TVM's way to say that it cannot
        raise NotScheduled(
            f"{statement_of(schedule, block).name_hint} cannot be inlined"
        ) from error


def operand_iterators(schedule: Schedule, block: SBlockRV) -> list[tuple[Any, frozenset[int]]]:
    """Return what a reduction reads, and the places of the iterators that choose where."""
    statement = statement_of(schedule, block)
    found = []
    for region in statement.reads:
        used = [var for dimension in region.region for var in undefined_vars(dimension.min)]
        places = [
            place
            for place, iterator in enumerate(statement.iter_vars)
            if any(iterator.var.same_as(var) for var in used)
        ]
        found.append((region, frozenset(places)))
    return found
