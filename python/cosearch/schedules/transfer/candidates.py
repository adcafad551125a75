"""Schedules that may suit a workload, ranked without running any."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from tvm.ir import IRModule
from tvm.s_tir import Schedule

from cosearch.blocks import Signature
from cosearch.schedules.rules.anatomy import NotScheduled
from cosearch.schedules.rules.design import Design, Designer, apply_design
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.similarity import Neighbour, describe_workload
from cosearch.schedules.store.donors import Donor
from cosearch.schedules.transfer.design_cost import design_features
from cosearch.schedules.transfer.knowledge import Knowledge
from cosearch.schedules.transfer.refit_trace import refit_trace

DONORS = 8
"""Workloads whose schedules are looked at for another one."""
JUDGED = 64
"""Designs of the rules that the cost model judges: those that the rules themselves rank first."""
DRIFT = 0.1
"""How much less is expected of a trace for each unit of distance from its donor."""
TOGETHER = 0.98
"""What the schedules of one tuned block are taken to save by going together."""
NEAR = 1.0
"""Distance up to which a donor's design goes before the rules', while nothing was learnt."""
_EXTENTS = 7
"""Coordinates of a workload that are logarithms of its extents."""


@dataclass(frozen=True)
class Candidate:
    """A schedule for a workload that was not measured there.

    Attributes
    ----------
    design : Design or None
        What it follows; None for a trace of the donor's.
    expected_us : float or None
        Latency that is expected of it, in microseconds; None where nothing can be said.
    donor : Donor or None
        The workload that it comes from, None for one of the rules alone.
    distance : float or None
        How far the donor is away.
    """

    design: Design | None
    expected_us: float | None = None
    donor: Donor | None = None
    distance: float | None = None

    def schedule(self, mod: IRModule, machine: Machine) -> Schedule:
        """Schedule the workload.

        Raises
        ------
        Exception
            Whatever TVM raises where it does not apply. The trace of a donor may be damaged, and
            can end the process: run it where that does no harm.
        """
        if self.design is not None:
            return apply_design(mod, self.design, machine)
        record = self.donor.record() if self.donor is not None else None
        if record is None:
            raise ValueError("the record is gone")
        return refit_trace(record.trace, record.workload.mod, mod, machine)


def rank_candidates(
    mod: IRModule,
    signature: Signature,
    machine: Machine,
    knowledge: Knowledge,
    *,
    relative: str = "",
    designer: Designer | None = None,
) -> Iterator[Candidate]:
    """Yield schedules for a workload, the one that is expected to be the fastest first.

    They are the designs of the rules, designs of similar workloads refitted to this one, whatever
    ends those have, and traces of workloads of the same structure that follow no design. A cost
    model learnt from all records judges designs. A trace is expected to take what its donor took,
    for each iteration of the main nest.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A module of one workload.
    signature : Signature
        Of the workload.
    machine : Machine
        Where it is to run.
    knowledge : Knowledge
        Donors and cost model.
    relative : str
        A tuned block (see `choose_relative`) whose workloads are preferred among equals.
    designer : Designer, optional
        Of the workload, where the caller has one.

    Raises
    ------
    NotScheduled
        When no rule fits a part of the workload, and there is no donor.
    """
    point = describe_workload(mod["main"])
    found = knowledge.donors(signature, point, DONORS)
    here = sum(point.coordinates[:_EXTENTS])
    traces = [
        Candidate(None, _scaled_us(donor, near, here), donor, near.distance)
        for donor, near in found
        if not donor.design and near.same_structure
    ]
    try:
        designer = designer or Designer(mod, machine)
    except NotScheduled:
        if not traces:
            raise
        yield from traces
        return
    designs = _transferred(designer, found)
    ranked = designer.rank()
    judged = list(islice(ranked, JUDGED))
    candidates = [designs[d.text] if d.text in designs else Candidate(d) for d in judged]
    known = {design.text for design in judged}
    candidates += [c for text, c in designs.items() if text not in known]
    if knowledge.cost is None:
        yield from sorted([*candidates, *traces], key=lambda c: _far(c, relative))
    else:
        rows = [c.design for c in candidates if c.design is not None]
        cycles = np.array([design.cycles for design in rows])
        expected = knowledge.cost.latencies_us(design_features(designer, rows), cycles)
        priced = [
            replace(c, expected_us=float(us)) for c, us in zip(candidates, expected, strict=True)
        ]
        yield from sorted([*priced, *traces], key=lambda c: _price(c, relative))
    yield from (Candidate(design) for design in ranked)


def _transferred(designer: Designer, found: list[tuple[Donor, Neighbour]]) -> dict[str, Candidate]:
    """Refit the designs of donors; of equal ones the nearest donor's stays."""
    parsed: dict[str, Design] = {}
    for text in dict.fromkeys(donor.design for donor, _ in found):
        with suppress(ValueError):  # it follows no design, or one of another release
            parsed[text] = Design.parse(text)
    fitted = dict(zip(parsed, designer.fit(list(parsed.values())), strict=True))
    designs: dict[str, Candidate] = {}
    for donor, near in found:
        design = fitted.get(donor.design)
        if design is not None:
            designs.setdefault(design.text, Candidate(design, None, donor, near.distance))
    return designs


def _price(candidate: Candidate, relative: str) -> float:
    expected = candidate.expected_us or 0.0
    return expected * (TOGETHER if _is_of(candidate, relative) else 1.0)


def _far(candidate: Candidate, relative: str) -> float:
    """Order by distance where no model judges; beyond `NEAR`, the rules know better."""
    if candidate.distance is None or candidate.distance >= NEAR:
        return NEAR
    return 0.0 if _is_of(candidate, relative) else candidate.distance


def _is_of(candidate: Candidate, relative: str) -> bool:
    return bool(relative) and candidate.donor is not None and candidate.donor.block == relative


def _scaled_us(donor: Donor, near: Neighbour, here: float) -> float:
    there = sum(donor.point.coordinates[:_EXTENTS])
    scaled: float = donor.latency_us * 2.0 ** (here - there)
    return scaled * (1 + DRIFT * near.distance)
