"""Tuning: measure candidates of workloads and keep what was measured in the database."""

import math
import time
from collections.abc import Callable, Sequence

from tvm.target import Target

from cosearch.schedules.conditions import Conditions
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.tasks import TuningTask, extract_workloads
from cosearch.schedules.tuning.cost_models import CostModel
from cosearch.schedules.tuning.interrupt import Interrupt
from cosearch.schedules.tuning.progress import TaskOutcome, TuningProgress, TuningResult
from cosearch.schedules.tuning.session import Budget, Session
from cosearch.schedules.workers import WorkerError, WorkerPool

__all__ = [
    "TaskOutcome",
    "TuningProgress",
    "TuningResult",
    "TuningTask",
    "WorkerError",
    "extract_workloads",
    "tune",
]


def tune(
    tasks: Sequence[TuningTask],
    database: ScheduleDatabase,
    target: Target,
    *,
    trials: int | None = None,
    seconds: float | None = None,
    trials_per_task: int | None = None,
    network: str = "",
    seed: int = 0,
    cost_model: CostModel = "trees",
    progress: Callable[[TuningProgress], None] | None = None,
    workers: int | None = None,
) -> TuningResult:
    """Search schedules for workloads, best first where the network gains most.

    MetaSchedule proposes candidates: its space for the target, its evolutionary search, a cost
    model on its features, and its rule for which task comes next. Workers of our own compile and
    time them. Every batch is in the database before the next one is proposed. What the database
    holds already, of these workloads under these conditions, counts towards the budget, is not
    measured again, and is what the search starts from: a tuning that was ended in any way goes on
    where it was.

    Ctrl-C ends it after the candidate at hand; a second one raises `KeyboardInterrupt`.

    Parameters
    ----------
    tasks : sequence of TuningTask
        What to tune (see `extract_workloads`).
    database : ScheduleDatabase
        Where records go and come from.
    target : tvm.target.Target
        What to tune for; kernels run on its ``num-cores`` threads.
    trials : int, optional
        Candidates to measure over all tasks, those in the database included.
    seconds : float, optional
        Time after which to stop.
    trials_per_task : int, optional
        Candidates to measure for one task, those in the database included.
    network : str
        Name of the network, for the records.
    seed : int
        Seed of the search. The same candidates come first where the search has one thread; later
        ones depend on measured times.
    cost_model : {"trees", "gaussian-process"}
        What ranks candidates of the evolutionary search: see `make_cost_model`.
    progress : callable, optional
        Called with a `TuningProgress` after each candidate.
    workers : int, optional
        Processes that compile; by default one per core.

    Returns
    -------
    TuningResult

    Raises
    ------
    ValueError
        When nothing limits the tuning, or the target does not say its threads.
    WorkerError
        When no worker process can be started.
    """
    if trials is None and seconds is None and trials_per_task is None:
        raise ValueError("say when to stop tuning: pass trials, seconds or trials_per_task.")
    threads = Conditions.of(target).threads
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    budget = Budget(trials, trials_per_task, deadline)
    with Interrupt() as interrupt:

        def stop() -> bool:
            return interrupt.requested or time.monotonic() >= deadline

        with WorkerPool(threads, workers, stop=stop) as pool:
            session = Session(
                tasks,
                database,
                target,
                pool,
                budget,
                network=network,
                seed=seed,
                cost_model=cost_model,
                progress=progress,
            )
            while not stop() and session.step():
                pass
            if not interrupt.requested:
                session.learn()
            return session.result(interrupt.requested)
