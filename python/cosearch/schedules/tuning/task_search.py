"""The search for one workload: what donors and rules offer first, then evolution."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tvm.s_tir import Schedule
from tvm.s_tir import meta_schedule as ms
from tvm.target import Target

from cosearch.schedules.conditions import Conditions
from cosearch.schedules.record import Record
from cosearch.schedules.rules.anatomy import NotScheduled
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.store.isolation import run_isolated
from cosearch.schedules.store.replay import replay
from cosearch.schedules.store.traces import trace_text
from cosearch.schedules.tasks import TuningTask
from cosearch.schedules.transfer.candidates import Candidate, rank_candidates
from cosearch.schedules.transfer.knowledge import Knowledge
from cosearch.schedules.tuning.cost_model import CandidateModel
from cosearch.schedules.tuning.evolution import Evolution, make_candidate

RULES = "rules"
TRANSFER = "transfer"
EVOLUTION = "evolutionary"
DESIGNS = 128
"""Candidates of donors and rules that are proposed before the search evolves them further."""
WARM_START = 64
"""Measured candidates of an earlier tuning that the evolution and the cost model start from."""
_EMPTY_ROUNDS = 3


@dataclass(frozen=True)
class Proposal:
    """A candidate that was not measured yet.

    Attributes
    ----------
    candidate : MeasureCandidate
        The schedule, and the types of the kernel's arguments.
    text : str
        Its trace as canonical JSON, which takes a few milliseconds to make.
    search : str
        What made it: `RULES`, `TRANSFER` or `EVOLUTION`.
    design : str
        The design of the rules that it follows (`Design.text`), or nothing.
    """

    candidate: ms.MeasureCandidate
    text: str
    search: str
    design: str = ""

    @property
    def trace(self) -> list[Any]:
        """Trace in Python's own types."""
        trace: list[Any] = json.loads(self.text)
        return trace


class TaskSearch:
    """Proposes candidates for one workload and learns from their times.

    Parameters
    ----------
    task : TuningTask
        What to tune.
    knowledge : Knowledge
        What the database's other records say.
    target : tvm.target.Target
        What to tune for.
    cost_model : CandidateModel
        Shared by all tasks.
    batch : int
        Candidates in a batch.
    seed : int
        At least 1.
    threads : int
        Threads of the search.
    """

    def __init__(
        self,
        task: TuningTask,
        knowledge: Knowledge,
        target: Target,
        cost_model: CandidateModel,
        *,
        batch: int,
        seed: int,
        threads: int,
    ) -> None:
        self._task = task
        self._mod = task.workload.mod
        self._target = target
        self._cost_model = cost_model
        self._options = {"batch": batch, "seed": seed, "threads": threads}
        self._machine = Machine.of(Conditions.of(target))
        self._candidates = self._rank(knowledge)
        self._known: set[str] = set()
        self._earlier: list[Record] = []
        self._measured: list[tuple[ms.MeasureCandidate, Sequence[float]]] = []
        self._evolution: Evolution | None = None

    def propose(self, limit: int) -> list[Proposal]:
        """Return candidates that were not measured yet; none when the space is exhausted."""
        designed = self._design(limit)
        if designed:
            return designed
        evolution = self._evolve()
        for _ in range(_EMPTY_ROUNDS):
            evolved = self._unknown(evolution.propose(), EVOLUTION)
            if evolved:
                return evolved[:limit]
        return []

    def learn(self, proposals: Sequence[Proposal], latencies_us: Sequence[Sequence[float]]) -> None:
        """Take in what was measured; no latencies mean that the candidate failed."""
        self._known.update(proposal.text for proposal in proposals)
        candidates = [proposal.candidate for proposal in proposals]
        if self._evolution is None:
            self._measured.extend(zip(candidates, latencies_us, strict=True))
        else:
            self._evolution.learn(candidates, latencies_us)

    def resume(self, records: Iterable[Record]) -> None:
        """Take in what an earlier tuning measured: nothing of it is measured again."""
        records = sorted(records, key=lambda record: record.latency_us)
        self._known.update(trace_text(record.trace) for record in records)
        self._earlier = [record for record in records if record.latencies_us][:WARM_START]

    def _rank(self, knowledge: Knowledge) -> Iterator[Candidate]:
        ranked = rank_candidates(self._mod, self._task.workload.signature, self._machine, knowledge)
        try:
            yield from islice(ranked, DESIGNS)
        except NotScheduled:
            return

    def _design(self, limit: int) -> list[Proposal]:
        """Make proposals of the next candidates that donors and rules offer, best first."""
        proposals: list[Proposal] = []
        while len(proposals) < limit:
            candidate = next(self._candidates, None)
            if candidate is None:
                break
            try:
                schedule = self._schedule(candidate)
            except Exception:  # TVM has no narrower type for a step that does not apply
                continue
            design = candidate.design.text if candidate.design is not None else ""
            search = RULES if candidate.donor is None else TRANSFER
            proposals += self._unknown([make_candidate(schedule)], search, design)
        return proposals

    def _schedule(self, candidate: Candidate) -> Schedule:
        def check(candidate: Candidate) -> bool:
            candidate.schedule(self._mod, self._machine)
            return True

        # A damaged trace can end the process that replays it.
        if candidate.design is None and next(run_isolated(check, [candidate])).fault:
            raise NotScheduled("the trace does not apply")
        return candidate.schedule(self._mod, self._machine)

    def _unknown(
        self, candidates: Iterable[ms.MeasureCandidate], search: str, design: str = ""
    ) -> list[Proposal]:
        """Keep the candidates that were not measured, each once."""
        texts = {trace_text(c.sch.trace.as_json()): c for c in candidates}
        return [
            Proposal(c, text, search, design)
            for text, c in texts.items()
            if text not in self._known
        ]

    def _evolve(self) -> Evolution:
        """Return the evolution, which starts from all that was measured when first asked for.

        It takes a third of a second to make: many a task never comes so far.
        """
        if self._evolution is None:
            name = self._task.workload.signature.shape_aware
            self._evolution = Evolution(
                self._mod, name, self._target, self._cost_model, **self._options
            )
            measured = [*self._replay_earlier(), *self._measured]
            if measured:
                self._evolution.learn([c for c, _ in measured], [times for _, times in measured])
            self._measured, self._earlier = [], []
        return self._evolution

    def _replay_earlier(self) -> list[tuple[ms.MeasureCandidate, Sequence[float]]]:
        def check(record: Record) -> bool:
            replay(record.trace, self._mod)
            return True

        # A damaged trace can end the process that replays it.
        outcomes = run_isolated(check, self._earlier)
        return [
            (make_candidate(replay(record.trace, self._mod)), record.latencies_us)
            for record, outcome in zip(self._earlier, outcomes, strict=True)
            if not outcome.fault
        ]
