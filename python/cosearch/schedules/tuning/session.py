"""The state of one call of `tune`."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from tvm.target import Target

from cosearch._threads import default_threads
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.record import Provenance, Record
from cosearch.schedules.tasks import TuningTask
from cosearch.schedules.tuning.cost_models import CostModel, make_cost_model
from cosearch.schedules.tuning.gradient import next_task
from cosearch.schedules.tuning.progress import TaskOutcome, TuningProgress, TuningResult
from cosearch.schedules.tuning.task_search import Proposal
from cosearch.schedules.tuning.task_state import TaskState
from cosearch.schedules.workers import Failure, WorkerPool
from cosearch.schedules.workers.pool import DESIGNED_STORES
from cosearch.schedules.workers.runner import plain

BATCH = 32
"""Candidates that are proposed, compiled and timed before the cost model learns from them."""
MIN_BATCH = 8
VISITS = 2
"""Batches for each task that the budget should allow, or they become smaller."""
CANDIDATE_S = 0.15
"""What a candidate takes, roughly, where only time is limited."""

Outcome = list[float] | Failure


@dataclass(frozen=True)
class Budget:
    """What ends a tuning.

    Attributes
    ----------
    trials, trials_per_task : int or None
        Candidates over all tasks and for one, those that an earlier tuning measured included.
    deadline : float
        In the seconds of `time.monotonic`; infinite when there is none.
    """

    trials: int | None
    trials_per_task: int | None
    deadline: float

    def batch(self, tasks: int, now: float) -> int:
        """Candidates in a batch, so that every one of so many tasks gets its turn."""
        candidates = (self.deadline - now) / CANDIDATE_S
        if self.trials is not None:
            candidates = min(candidates, self.trials)
        share = candidates / max(1, VISITS * tasks)
        return int(min(BATCH, max(MIN_BATCH, share)))


class Session:
    """One tuning, a batch of candidates at a time; see `tune` for the parameters."""

    def __init__(
        self,
        tasks: Sequence[TuningTask],
        database: ScheduleDatabase,
        target: Target,
        pool: WorkerPool,
        budget: Budget,
        *,
        network: str,
        seed: int,
        cost_model: CostModel,
        progress: Callable[[TuningProgress], None] | None,
    ) -> None:
        self._start = time.monotonic()
        self._database = database
        self._target = target
        self._conditions = Conditions.of(target)
        self._knowledge = database.knowledge(self._conditions)
        self._pool = pool
        self._network = network
        self._progress = progress
        self._deadline = budget.deadline
        self._threads = default_threads()
        self._seeds = np.random.default_rng(seed).integers(1, 2**31 - 1, len(tasks))
        self._cost_model = make_cost_model(cost_model, seed)
        self._failures: Counter[str] = Counter()
        self._trials = 0
        self._batch = budget.batch(len(tasks), self._start)
        self._states = [
            TaskState(task, self._earlier(task), self._batch, budget.trials_per_task)
            for task in tasks
        ]
        self._total: int | None = None
        if budget.trials is not None:
            known = sum(state.known_trials for state in self._states)
            self._total = max(0, budget.trials - known)

    def step(self) -> bool:
        """Measure one batch of the most promising task; False when nothing is left to do."""
        alive = [index for index, state in enumerate(self._states) if state.alive]
        left = math.inf if self._total is None else self._total - self._trials
        if not alive or left <= 0:
            return False
        index = next_task([state.history for state in self._states], alive)
        state = self._states[index]
        search = state.search(
            knowledge=self._knowledge,
            target=self._target,
            cost_model=self._cost_model,
            batch=self._batch,
            seed=int(self._seeds[index]),
            threads=self._threads,
        )
        wanted = min(self._batch, left, math.inf if state.left is None else state.left)
        proposals = search.propose(int(wanted)) if wanted > 0 else []
        if not proposals:
            state.exhausted = True
            return True
        outcomes = self._measure(state, proposals)
        tried = [(p, o) for p, o in zip(proposals, outcomes, strict=True) if not _stopped(o)]
        self._keep(state, tried)
        self._knowledge.renew()
        search.learn([p for p, _ in tried], [() if isinstance(o, Failure) else o for _, o in tried])
        state.end_batch([o.kind for _, o in tried if isinstance(o, Failure)])
        return True

    def learn(self) -> None:
        """Let the database learn from what was measured, for builds to come."""
        if self._trials:
            _ = self._database.knowledge(self._conditions).cost

    def result(self, interrupted: bool) -> TuningResult:
        """Sum up."""
        return TuningResult(
            trials=self._trials,
            failed=self._failures.total(),
            seconds=time.monotonic() - self._start,
            interrupted=interrupted,
            tasks=tuple(
                TaskOutcome(
                    state.task.workload.name,
                    state.task.weight,
                    state.trials,
                    state.known_trials,
                    state.best_us,
                )
                for state in self._states
            ),
            failures=dict(self._failures),
        )

    def _earlier(self, task: TuningTask) -> list[Record]:
        return list(
            self._database.records(
                signature=task.workload.signature, conditions=self._conditions, include_failed=True
            )
        )

    def _measure(self, state: TaskState, proposals: Sequence[Proposal]) -> list[Outcome]:
        mods = [proposal.candidate.sch.mod for proposal in proposals]
        stores = [
            max(state.max_stores, DESIGNED_STORES) if proposal.design else state.max_stores
            for proposal in proposals
        ]
        kernels = self._pool.build(mods, self._target, stores)
        outcomes: list[Outcome] = []
        for proposal, kernel in zip(proposals, kernels, strict=True):
            if isinstance(kernel, Failure):
                outcome: Outcome = kernel
            else:
                args_info = [plain(info.as_json()) for info in proposal.candidate.args_info]
                best_us = None if math.isinf(state.best_us) else state.best_us
                outcome = self._pool.run(kernel, args_info, best_us)
            outcomes.append(outcome)
            if not _stopped(outcome):
                self._count(state, outcome)
        return outcomes

    def _count(self, state: TaskState, outcome: Outcome) -> None:
        self._trials += 1
        if isinstance(outcome, Failure):
            self._failures[outcome.kind] += 1
            state.count(math.inf)
        else:
            state.count(median(outcome))
        if self._progress is not None:
            self._progress(self._state_of_affairs(state))

    def _keep(self, state: TaskState, tried: Sequence[tuple[Proposal, Outcome]]) -> None:
        block = state.task.block
        first = state.known_trials + state.trials - len(tried) + 1
        self._database.add_many(
            Record(
                workload=state.task.workload,
                trace=proposal.trace,
                latencies_us=() if isinstance(outcome, Failure) else tuple(outcome),
                conditions=self._conditions,
                provenance=Provenance(
                    self._network,
                    block,
                    first + index,
                    proposal.search,
                    design=proposal.design,
                ),
                failure=str(outcome) if isinstance(outcome, Failure) else "",
            )
            for index, (proposal, outcome) in enumerate(tried)
        )

    def _state_of_affairs(self, state: TaskState) -> TuningProgress:
        elapsed_s = time.monotonic() - self._start
        estimates = []
        if self._total is not None:
            estimates.append(elapsed_s / self._trials * (self._total - self._trials))
        if math.isfinite(self._deadline):
            estimates.append(max(0.0, self._deadline - time.monotonic()))
        return TuningProgress(
            trials=self._trials,
            total_trials=self._total,
            failed=self._failures.total(),
            latency_us=sum(s.task.weight * s.best_us for s in self._states),
            elapsed_s=elapsed_s,
            left_s=min(estimates, default=None),
            task=state.task.workload.name,
        )


def _stopped(outcome: Outcome) -> bool:
    return isinstance(outcome, Failure) and outcome.kind == "stopped"
