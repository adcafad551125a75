"""Tuning one workload with TVM's own MetaSchedule: its builder, its runner, its defaults.

Only its time limit for compiling is raised from 30 s: each batch starts new processes, which import
TVM's tensor intrinsics for 20 s where torch is installed; a busy machine would lose candidates.
"""

import logging
import math
import tempfile
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tvm.ir.utils import derived_object
from tvm.s_tir import Schedule
from tvm.s_tir import meta_schedule as ms
from tvm.target import Target

from cosearch.schedules.tasks import TuningTask

FAILED_S = 1e9
"""What MetaSchedule takes for the time of a candidate that failed is longer than this."""


@dataclass
class StockTuning:
    """What a tuning found.

    Attributes
    ----------
    seconds : float
        Time that it took.
    latencies_us : list of float
        Of the candidates in the order of their measurement; infinite where one failed.
    reached_s : float
        When it had a candidate that is as fast as its goal; infinite where it never had.
    schedule : tvm.s_tir.Schedule or None
        The fastest one, None where all failed.
    """

    seconds: float = 0.0
    latencies_us: list[float] = field(default_factory=list)
    reached_s: float = math.inf
    schedule: Schedule | None = None

    @property
    def measured(self) -> int:
        """Number of candidates that have a time."""
        return sum(math.isfinite(latency) for latency in self.latencies_us)

    def best_us(self, trials: int | None = None) -> float:
        """Return the fastest of the first candidates, or of all; infinite where there is none."""
        return min(self.latencies_us[:trials], default=math.inf)


@derived_object
class _Watch(ms.measure_callback.PyMeasureCallback):  # type: ignore[misc]
    """Notes every time, and ends the tuning at its goal or after its time."""

    def __init__(self, found: StockTuning, goal_us: float, limit_s: float) -> None:
        super().__init__()
        self.found, self.goal_us, self.limit_s = found, goal_us, limit_s
        self.start = time.perf_counter()

    def apply(self, _scheduler: Any, _task: int, _candidates: Any, _builds: Any, runs: Any) -> None:
        """Take note of a batch."""
        before, after = self.found.seconds, time.perf_counter() - self.start
        for place, run in enumerate(runs, start=1):
            seconds = [float(value) for value in run.run_secs or []]
            latency_us = median(seconds) * 1e6 if seconds else math.inf
            self.found.latencies_us.append(latency_us if latency_us < FAILED_S * 1e6 else math.inf)
            if latency_us <= self.goal_us and math.isinf(self.found.reached_s):
                # In favour of stock: as if its batch had ended with this candidate.
                self.found.reached_s = before + (after - before) * place / len(runs)
        self.found.seconds = after
        if math.isfinite(self.found.reached_s) or after > self.limit_s:
            raise RuntimeError("enough")


def tune_stock(
    task: TuningTask,
    target: Target,
    trials: int,
    *,
    goal_us: float = 0.0,
    limit_s: float = math.inf,
    seed: int = 1,
) -> StockTuning:
    """Tune a workload as ``tune_tasks`` comes: batches of 64, a population of 512.

    Parameters
    ----------
    task : TuningTask
        The workload.
    target : tvm.target.Target
        What to tune for.
    trials : int
        Candidates to measure at most.
    goal_us : float
        Stop after the batch that has a candidate as fast as this.
    limit_s : float
        Stop after the batch in which this time is over.
    seed : int
        Seed of the search.
    """
    found = StockTuning()
    database = ms.database.MemoryDatabase()
    with tempfile.TemporaryDirectory() as folder, target:
        context = ms.TuneContext(
            task.workload.mod,
            target=target,
            space_generator="post-order-apply",
            search_strategy="evolutionary",
            task_name=task.workload.name,
            rand_state=seed,
            logger=silent_logger(),
        )
        watch = _Watch(found, goal_us, limit_s)
        try:
            ms.tune_tasks(
                tasks=[context],
                task_weights=[1.0],
                work_dir=folder,
                max_trials_global=trials,
                builder=ms.builder.LocalBuilder(max_workers=context.num_threads, timeout_sec=300.0),
                database=database,
                measure_callbacks=[*ms.measure_callback.MeasureCallback.create("default"), watch],
            )
            found.seconds = time.perf_counter() - watch.start
        except Exception:  # TVM hands on the watch's as one of its own
            if math.isinf(found.reached_s) and found.seconds <= limit_s:
                raise
    found.schedule = _best(task, database)
    return found


def _best(task: TuningTask, database: ms.database.Database) -> Schedule | None:
    records = [
        record
        for record in database.get_all_tuning_records()
        if record.run_secs and float(record.run_secs[0]) < FAILED_S
    ]
    if not records:
        return None
    best = min(records, key=lambda record: median(float(s) for s in record.run_secs))
    schedule = Schedule(task.workload.mod)
    best.trace.apply_to_schedule(schedule, remove_postproc=False)
    return schedule


def silent_logger() -> logging.Logger:
    """Make a logger that nobody hears, and silence MetaSchedule's own."""
    logging.getLogger("tvm.s_tir.meta_schedule").setLevel(logging.CRITICAL)
    logger = logging.Logger("stock", logging.CRITICAL)
    logger.addHandler(logging.NullHandler())
    return logger
