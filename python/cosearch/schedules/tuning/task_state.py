"""One task of a tuning: its budget, its records, its search."""

import math
from collections.abc import Sequence
from typing import Any

from cosearch.schedules.count_flops import count_flops
from cosearch.schedules.record import Record
from cosearch.schedules.store.codec import same_workload
from cosearch.schedules.tasks import TuningTask
from cosearch.schedules.tuning.gradient import TaskHistory
from cosearch.schedules.tuning.task_search import TaskSearch
from cosearch.schedules.workers.pool import MAX_STORES


class TaskState:
    """What is known about one task.

    Parameters
    ----------
    task : TuningTask
    earlier : sequence of Record
        What an earlier tuning measured under the same conditions, failed candidates included.
    batch : int
        Candidates in a batch.
    limit : int or None
        Candidates to measure for the task, earlier ones included.
    """

    def __init__(
        self, task: TuningTask, earlier: Sequence[Record], batch: int, limit: int | None
    ) -> None:
        self.task = task
        # A trace speaks of blocks by their names: those of a look-alike do not apply here.
        mod = task.workload.mod
        self.earlier = [r for r in earlier if same_workload(r.workload.mod, mod)]
        counted = [record.provenance.trials for record in self.earlier]
        self.known_trials = max(counted, default=0)
        self.trials = 0
        self.best_us = min((r.latency_us for r in self.earlier), default=math.inf)
        self.exhausted = False
        self.max_stores = MAX_STORES
        work = task.weight * count_flops(mod["main"])
        self.history = TaskHistory(task.weight, work, promised_us=task.promised_us)
        if self.earlier:
            self.history.best_us = [self.best_us] * max(1, self.known_trials // batch)
        self._limit = limit
        self._search: TaskSearch | None = None

    @property
    def left(self) -> int | None:
        """Candidates that may still be measured, None without a limit."""
        if self.exhausted:
            return 0
        if self._limit is None:
            return None
        return max(0, self._limit - self.known_trials - self.trials)

    @property
    def alive(self) -> bool:
        """Whether a candidate may still be measured."""
        return self.left != 0

    def search(self, **options: Any) -> TaskSearch:
        """Return the search, which starts from the earlier records when first asked for."""
        if self._search is None:
            self._search = TaskSearch(self.task, **options)
            self._search.resume(self.earlier)
        return self._search

    def end_batch(self, failures: Sequence[str]) -> None:
        """Note the best time after a batch, and what kinds of failures it had.

        A workload none of whose candidates is small enough to be compiled gets a higher limit.
        """
        self.history.promised_us = 0.0
        self.history.best_us.append(self.best_us)
        if math.isinf(self.best_us) and "size" in failures:
            self.max_stores *= 4

    def count(self, latency_us: float) -> None:
        """Count a measured candidate; infinite for one that failed."""
        self.trials += 1
        self.best_us = min(self.best_us, latency_us)
