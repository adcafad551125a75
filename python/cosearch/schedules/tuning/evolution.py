"""MetaSchedule's evolutionary search for one workload."""

import logging
from collections.abc import Sequence
from typing import Any

import tvm_ffi
from tvm.ir import IRModule
from tvm.s_tir import Schedule
from tvm.s_tir import meta_schedule as ms
from tvm.target import Target

from cosearch.schedules.rules.space import design_space
from cosearch.schedules.tensor_intrinsics import cpu_intrinsics
from cosearch.schedules.tuning.cost_model import CandidateModel

POPULATION = 1.5
"""Schedules that evolve, for each candidate of a batch; a third of MetaSchedule's 512 for 64, since
a candidate takes less time to measure here than ten schedules to make."""
MEASURED_SHARE = 0.5
"""Of these, how many are the best measured ones; the others are sampled."""
GENERATIONS = 2
_sample_space = tvm_ffi.get_global_func(
    "s_tir.meta_schedule.SearchStrategyEvolutionarySearchSampleInitPopulation"
)
_UNLIMITED = 1 << 30

_silent = logging.Logger("cosearch.tuner", logging.CRITICAL)
_silent.addHandler(logging.NullHandler())


class Evolution:
    """Evolves candidates from the rules' designs, MetaSchedule's space and the best measured ones.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        The workload.
    name : str
        Under which the cost model files what is measured.
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
        mod: IRModule,
        name: str,
        target: Target,
        cost_model: CandidateModel,
        *,
        batch: int,
        seed: int,
        threads: int,
    ) -> None:
        self._target = target
        self._batch = batch
        self._cost_model = cost_model
        self._records = ms.database.MemoryDatabase()
        self._workload = self._records.commit_workload(mod)
        with cpu_intrinsics():
            self._context = ms.TuneContext(
                mod,
                target=target,
                space_generator=design_space(target),
                search_strategy=ms.search_strategy.EvolutionarySearch(
                    population_size=int(POPULATION * batch),
                    init_measured_ratio=MEASURED_SHARE,
                    init_min_unmeasured=batch // 2,
                    genetic_num_iters=GENERATIONS,
                ),
                task_name=name,
                rand_state=seed,
                num_threads=threads,
                logger=_silent,
            )
        spaces = self._context.generate_design_space()
        self.has_choices = any(_has_choices(space) for space in spaces)
        self._fixed = [] if self.has_choices else list(spaces)
        self._context.pre_tuning(_UNLIMITED, batch, spaces, self._records, cost_model)

    def propose(self) -> list[ms.MeasureCandidate]:
        """Return about a batch of candidates; some may be known, none when there are no others."""
        if not self.has_choices:
            return self._fixed_candidates()
        if self._cost_model.knows_nothing():
            # Evolution would follow a cost model that knows nothing.
            sampled = _sample_space(self._context.search_strategy, self._batch)
            return [make_candidate(schedule) for schedule in sampled]
        return list(self._context.generate_measure_candidates() or ())

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

    def _fixed_candidates(self) -> list[ms.MeasureCandidate]:
        """Make candidates of schedules without a decision, as the search would."""
        schedules, self._fixed = self._fixed, []
        postprocs = self._context.space_generator.postprocs
        candidates = []
        for schedule in schedules:
            schedule.enter_postproc()
            if all(postproc.apply(schedule) for postproc in postprocs):
                candidates.append(make_candidate(schedule))
        return candidates


def make_candidate(schedule: Schedule) -> ms.MeasureCandidate:
    """Make a candidate of a complete schedule."""
    infos = ms.arg_info.ArgInfo.from_entry_func(schedule.mod, remove_preproc=True)
    return ms.MeasureCandidate(schedule, infos)


def _has_choices(space: Any) -> bool:
    return any(str(inst.kind.name).startswith("Sample") for inst in space.trace.insts)
