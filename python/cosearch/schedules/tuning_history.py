"""What earlier tunings brought and took, by the records that they left in a database."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from statistics import median

from cosearch.blocks import Signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.record import Record

MIN_TRIALS = 8
"""Candidates from which on a workload counts as tuned: the smallest batch of the tuner."""
PAUSE_S = 60.0
"""A longer time between two batches is a pause, and no tuning."""


Candidate = tuple[int, int, float]
"""Its number in the tuning, its row, and its latency in microseconds, infinite if it failed."""


@dataclass(frozen=True)
class WorkloadHistory:
    """The tuning of one workload.

    Attributes
    ----------
    signature : Signature
        Of the workload.
    trials : int
        Candidates that were measured, failed ones included.
    is_whole : bool
        Whether all of them are recorded; `ScheduleDatabase.prune` keeps only the best.
    first_us, halfway_us, best_us : float
        Latency of one call, in microseconds: of the first candidate that ran, the best among the
        first half, the best of all.
    """

    signature: Signature
    trials: int
    is_whole: bool
    first_us: float
    halfway_us: float
    best_us: float

    @property
    def is_tuned(self) -> bool:
        """Whether it was tuned for long enough to learn from."""
        return self.is_whole and self.trials >= MIN_TRIALS

    @property
    def gain(self) -> float:
        """Time of the first candidate by that of the best."""
        return self.first_us / self.best_us

    @property
    def late_gain(self) -> float:
        """Best time after half of the candidates by that after all."""
        return self.halfway_us / self.best_us

    @classmethod
    def of(cls, signature: Signature, candidates: Iterable[Candidate]) -> "WorkloadHistory | None":
        """Sum up what was measured of one workload, None when no candidate ran."""
        ordered = sorted(candidates)
        times = [latency_us for _, _, latency_us in ordered]
        first = next(filter(math.isfinite, times), None)
        if first is None:
            return None
        counted = ordered[-1][0]
        return cls(
            signature=signature,
            trials=max(counted, len(ordered)),
            is_whole=len(ordered) >= counted,
            first_us=first,
            halfway_us=min([first, *times[: len(times) // 2]]),
            best_us=min(times),
        )


@dataclass(frozen=True)
class TuningHistory:
    """The tunings under one set of conditions.

    Attributes
    ----------
    workloads : dict of str to WorkloadHistory
        By shape-aware signature.
    seconds_per_trial : float or None
        What a candidate took, on average over all of them; None where the dates do not tell.
    """

    workloads: dict[str, WorkloadHistory] = field(default_factory=dict)
    seconds_per_trial: float | None = None

    @classmethod
    def read(cls, database: ScheduleDatabase, conditions: Conditions) -> "TuningHistory":
        """Go once over the records of a database: 0.1 s for 1,000 of them.

        Parameters
        ----------
        database : ScheduleDatabase
            Where the records are.
        conditions : Conditions
            Only records under these count: a gain on one machine says little of another.
        """
        # Records are not kept: their traces would fill the memory.
        measured: dict[Signature, list[Candidate]] = defaultdict(list)
        clock = _Clock()
        for record in database.records(conditions=conditions, include_failed=True):
            candidate = (record.provenance.trials, record.id or 0, record.latency_us)
            measured[record.workload.signature].append(candidate)
            clock.see(record)
        histories = [WorkloadHistory.of(*item) for item in measured.items()]
        found = {h.signature.shape_aware: h for h in histories if h is not None}
        return cls(found, clock.average_s())

    def typical(
        self, kind: str, measure: Callable[[WorkloadHistory], float]
    ) -> tuple[float | None, str]:
        """Return the median of a measure over tuned workloads, and of which.

        Parameters
        ----------
        kind : str
            Shape-agnostic signature: workloads of this kind are asked, or all if there are none.
        measure : callable
            Such as `WorkloadHistory.gain`.
        """
        tuned = [history for history in self.workloads.values() if history.is_tuned]
        alike = [history for history in tuned if history.signature.shape_agnostic == kind]
        chosen = alike or tuned
        if not chosen:
            return None, "no tuned workload"
        text = f"{len(chosen)} tuned workload{'s' if len(chosen) != 1 else ''}"
        return median(map(measure, chosen)), f"{text} of its kind" if alike else text


class _Clock:
    """Adds up the time between the batches of a tuning; records carry the time in seconds."""

    def __init__(self) -> None:
        self._last: dict[str, datetime] = {}
        self._is_running: dict[str, bool] = {}
        self._seconds = 0.0
        self._trials = 0

    def see(self, record: Record) -> None:
        """Take in the next record: its batch took the time since the batch before."""
        network = record.provenance.network
        try:
            now = datetime.fromisoformat(record.provenance.created)
        except ValueError:  # a date from elsewhere
            return
        if now.tzinfo is None:
            now = now.replace(tzinfo=timezone.utc)
        passed = (now - self._last.get(network, now)).total_seconds()
        if passed:
            self._is_running[network] = 0 < passed <= PAUSE_S
            self._seconds += passed if self._is_running[network] else 0.0
        self._last[network] = now
        # Nothing says when the first batch after a pause was begun.
        self._trials += self._is_running.get(network, False)

    def average_s(self) -> float | None:
        """Return the seconds that a candidate took."""
        return self._seconds / self._trials if self._trials else None
