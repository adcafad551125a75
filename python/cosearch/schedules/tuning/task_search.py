"""MetaSchedule's evolutionary search for one workload."""

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

import tvm_ffi
from tvm.s_tir import Schedule
from tvm.s_tir import meta_schedule as ms
from tvm.target import Target

from cosearch.schedules.record import Record
from cosearch.schedules.store.isolation import run_isolated
from cosearch.schedules.store.replay import replay
from cosearch.schedules.store.traces import trace_text
from cosearch.schedules.tasks import TuningTask
from cosearch.schedules.tensor_intrinsics import load_tensor_intrinsics
from cosearch.schedules.tuning.cost_model import BoostedTrees

SEARCH = "evolutionary"
POPULATION = 1.5
"""Schedules that evolve, for each candidate of a batch; a third of MetaSchedule's 512 for 64, since
a candidate takes less time to measure here than ten schedules to make."""
MEASURED_SHARE = 0.5
"""Of these, how many are the best measured ones; the others are sampled."""
GENERATIONS = 2
WARM_START = 64
"""Measured candidates of an earlier tuning that the search and the cost model start from."""
_EMPTY_ROUNDS = 3
_sample_space = tvm_ffi.get_global_func(
    "s_tir.meta_schedule.SearchStrategyEvolutionarySearchSampleInitPopulation"
)
_UNLIMITED = 1 << 30

_silent = logging.Logger("cosearch.tuner", logging.CRITICAL)
_silent.addHandler(logging.NullHandler())


class TaskSearch:
    """Proposes candidates for one workload and learns from their times.

    Parameters
    ----------
    task : TuningTask
        What to tune.
    target : tvm.target.Target
        What to tune for.
    cost_model : BoostedTrees
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
        target: Target,
        cost_model: BoostedTrees,
        *,
        batch: int,
        seed: int,
        threads: int,
    ) -> None:
        load_tensor_intrinsics()
        self._target = target
        self._batch = batch
        self._cost_model = cost_model
        self._records = ms.database.MemoryDatabase()
        self._workload = self._records.commit_workload(task.workload.mod)
        self._known: set[str] = set()
        self._context = ms.TuneContext(
            task.workload.mod,
            target=target,
            space_generator="post-order-apply",
            search_strategy=ms.search_strategy.EvolutionarySearch(
                population_size=int(POPULATION * batch),
                init_measured_ratio=MEASURED_SHARE,
                init_min_unmeasured=batch // 2,
                genetic_num_iters=GENERATIONS,
            ),
            task_name=task.workload.signature.shape_aware,
            rand_state=seed,
            num_threads=threads,
            logger=_silent,
        )
        spaces = self._context.generate_design_space()
        self.has_choices = any(_has_choices(space) for space in spaces)
        self._fixed = [] if self.has_choices else list(spaces)
        self._context.pre_tuning(_UNLIMITED, batch, spaces, self._records, cost_model)

    def propose(self, limit: int) -> list[ms.MeasureCandidate]:
        """Return candidates that were not measured yet; none when the space is exhausted."""
        for _ in range(_EMPTY_ROUNDS):
            if self._fixed:
                candidates = self._fixed_candidates()
            elif self._cost_model.knows_nothing():
                candidates = self._sample()
            else:
                candidates = self._evolve()
            unknown = {_text(candidate): candidate for candidate in candidates}
            for text in self._known & unknown.keys():
                del unknown[text]
            if unknown:
                return list(unknown.values())[:limit]
        return []

    def learn(
        self,
        candidates: Sequence[ms.MeasureCandidate],
        latencies_us: Sequence[Sequence[float]],
    ) -> None:
        """Take in what was measured; no latencies mean that the candidate failed."""
        results = [
            ms.runner.RunnerResult([t * 1e-6 for t in times] or None, None if times else "failed")
            for times in latencies_us
        ]
        for candidate, result in zip(candidates, results, strict=True):
            self._known.add(_text(candidate))
            if result.run_secs:
                self._records.commit_tuning_record(
                    ms.database.TuningRecord(
                        candidate.sch.trace,
                        self._workload,
                        result.run_secs,
                        self._target,
                        candidate.args_info,
                    )
                )
        self._context.notify_runner_results(list(candidates), results)
        if self.has_choices:
            self._cost_model.update(self._context, list(candidates), results)

    def resume(self, records: Iterable[Record]) -> None:
        """Take in what an earlier tuning measured: nothing of it is measured again."""
        records = sorted(records, key=lambda record: record.latency_us)
        self._known.update(trace_text(record.trace) for record in records)
        chosen = [record for record in records if record.latencies_us][:WARM_START]
        mod = self._workload.mod

        def check(record: Record) -> bool:
            replay(record.trace, mod)
            return True

        candidates, latencies = [], []
        # A damaged trace can end the process that replays it.
        for record, outcome in zip(chosen, run_isolated(check, chosen), strict=True):
            if not outcome.fault:
                schedule = replay(record.trace, mod)
                candidates.append(_candidate(schedule))
                latencies.append(record.latencies_us)
        if candidates:
            self.learn(candidates, latencies)

    def _evolve(self) -> list[ms.MeasureCandidate]:
        return list(self._context.generate_measure_candidates() or ())

    def _sample(self) -> list[ms.MeasureCandidate]:
        """Sample the space, where evolution would follow a cost model that knows nothing."""
        return [_candidate(s) for s in _sample_space(self._context.search_strategy, self._batch)]

    def _fixed_candidates(self) -> list[ms.MeasureCandidate]:
        """Make candidates of schedules without a decision, as the search would."""
        schedules, self._fixed = self._fixed, []
        postprocs = self._context.space_generator.postprocs
        candidates = []
        for schedule in schedules:
            schedule.enter_postproc()
            if all(postproc.apply(schedule) for postproc in postprocs):
                candidates.append(_candidate(schedule))
        return candidates


def _candidate(schedule: Schedule) -> ms.MeasureCandidate:
    infos = ms.arg_info.ArgInfo.from_entry_func(schedule.mod, remove_preproc=True)
    return ms.MeasureCandidate(schedule, infos)


def candidate_trace(candidate: ms.MeasureCandidate) -> list[Any]:
    """Trace of a candidate in Python's own types."""
    trace: list[Any] = json.loads(_text(candidate))
    return trace


def _text(candidate: ms.MeasureCandidate) -> str:
    return trace_text(candidate.sch.trace.as_json())


def _has_choices(space: Any) -> bool:
    return any(str(inst.kind.name).startswith("Sample") for inst in space.trace.insts)
