"""The parts of the search: task scheduler, cost model, start from records, fast import."""

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest
import tvm
from test_tuner import TARGET, matmul
from tvm.s_tir.meta_schedule.runner import RunnerResult

from cosearch.schedules import Conditions, Record, ScheduleDatabase, tune
from cosearch.schedules.transfer.knowledge import Knowledge
from cosearch.schedules.tuning.boosted_trees import BoostedTrees
from cosearch.schedules.tuning.cost_models import make_cost_model
from cosearch.schedules.tuning.evolution import Evolution
from cosearch.schedules.tuning.gaussian_process import GaussianProcess
from cosearch.schedules.tuning.gradient import TaskHistory, next_task
from cosearch.schedules.tuning.task_search import (
    EVOLUTION,
    RULES,
    TaskSearch,
)
from cosearch.schedules.tuning.task_state import TaskState


def make_search(model=None, seed=1):
    model = model or BoostedTrees(0)
    knowledge = Knowledge([], Conditions.of(TARGET))
    return TaskSearch(matmul(32), knowledge, TARGET, model, batch=24, seed=seed, threads=1)


def propose_and_learn(search):
    proposals = search.propose(24)
    search.learn(proposals, [(5.0,) for _ in proposals])
    return proposals


def make_evolution(model=None, seed=1):
    model = model or BoostedTrees(0)
    mod = matmul(32).workload.mod
    return Evolution(mod, "matmul", TARGET, model, batch=24, seed=seed, threads=1)


def record_of(proposal, latency_us):
    return Record(matmul(32).workload, proposal.trace, (latency_us,), Conditions.of(TARGET))


def test_new_task_comes_first_and_hopeless_one_last():
    histories = [TaskHistory(1, best_us=[5.0]), TaskHistory(1), TaskHistory(1, best_us=[math.inf])]
    assert next_task(histories, [0, 1, 2]) == 1
    assert next_task(histories, [0, 2]) == 0
    assert next_task(histories, [2]) == 2


def test_task_that_improves_or_weighs_more_comes_first():
    flat, falling = [10.0] * 8, [40.0, 35.0, 30.0, 25.0, 20.0, 15.0, 12.0, 10.0]
    assert next_task([TaskHistory(1, best_us=flat), TaskHistory(1, best_us=falling)], [0, 1]) == 1
    assert next_task([TaskHistory(9, best_us=flat), TaskHistory(1, best_us=falling)], [0, 1]) == 0


def test_new_task_with_most_work_comes_first():
    assert (
        next_task([TaskHistory(1, 5.0), TaskHistory(1, 9.0), TaskHistory(1, 7.0)], [0, 1, 2]) == 1
    )


def test_promised_tasks_come_first_most_promise_before():
    histories = [
        TaskHistory(1, 9.0),
        TaskHistory(9, best_us=[50.0], promised_us=2.0),
        TaskHistory(1, promised_us=3.0),
    ]
    assert next_task(histories, [0, 1, 2]) == 2
    assert next_task(histories, [0, 1]) == 1


def test_a_promise_holds_for_one_batch():
    task = dataclasses.replace(matmul(8), promised_us=4.0)
    state = TaskState(task, [], 8, None)
    assert state.history.promised_us == 4.0
    state.end_batch([])
    assert state.history.promised_us == 0.0


@pytest.mark.parametrize("name", ["trees", "gaussian-process"])
def test_cost_model_learns_to_rank_candidates(name):
    model = make_cost_model(name, 0)
    search = make_evolution(model)
    candidates = [c for _ in range(3) for c in search.propose()]
    # Something that the features know: how much the candidate is parallel and unrolled.
    cost = [1.0 + np.abs(f).sum(axis=1).mean() for f in model.features(search._context, candidates)]
    known = len(candidates) * 2 // 3
    results = [RunnerResult([c * 1e-6], None) for c in cost]
    before = model.predict(search._context, candidates[known:])
    assert np.abs(np.corrcoef(np.argsort(before), np.argsort(cost[known:]))[0, 1]) < 0.6
    model.update(search._context, candidates[:known], results[:known])
    predicted = model.predict(search._context, candidates[known:])
    ranks = [np.argsort(np.argsort(values)) for values in (predicted, -np.asarray(cost[known:]))]
    assert np.corrcoef(*ranks)[0, 1] > 0.6


def test_a_cost_model_that_is_not_known_is_refused():
    assert isinstance(make_cost_model("gaussian-process", 0), GaussianProcess)
    with pytest.raises(ValueError, match="known are trees, gaussian-process"):
        make_cost_model("oracle", 0)


def test_failed_candidates_score_nothing():
    model = BoostedTrees(0)
    search = make_evolution(model)
    candidates = search.propose()
    search.learn(candidates, [() for _ in candidates])
    (group,) = model.groups.values()
    assert not group.scores().any()


def test_candidates_follow_from_the_seed():
    # With one thread: MetaSchedule hands work to its threads as they come, each with random numbers
    # of its own.
    one, same, other = (
        [str(c.sch.trace) for c in make_evolution(seed=seed).propose()] for seed in (3, 3, 4)
    )
    assert one == same
    assert one != other


def test_designs_come_first_and_evolution_goes_on_from_them():
    model = BoostedTrees(0)
    search = make_search(model)
    designed = 0
    while not model.groups:
        proposals = search.propose(24)
        kinds = {proposal.search for proposal in proposals}
        assert kinds == {EVOLUTION if model.groups else RULES}
        designed += len(proposals) if RULES in kinds else 0
        search.learn(proposals, [(5.0 + i,) for i in range(len(proposals))])
    (group,) = model.groups.values()
    assert 24 < designed <= len(group.costs_s)


def test_search_starts_from_records_and_never_proposes_them():
    first = make_search().propose(8)
    search = make_search()
    search.resume([record_of(candidate, 5.0) for candidate in first])
    again = [p.text for _ in range(3) for p in propose_and_learn(search)]
    assert not {proposal.text for proposal in first} & set(again)
    assert len(again) == len(set(again)) > 24


def test_damaged_record_does_not_end_the_tuning():
    (proposal, *_) = make_search().propose(1)
    instructions, decisions = proposal.trace
    broken = Record(
        matmul(32).workload,
        [instructions[: len(instructions) // 2], []],
        (5.0,),
        Conditions.of(TARGET),
    )
    unknown = Record(
        matmul(32).workload,
        [[["GetSBlock", [], ["nowhere", "main"], ["b0"]]], decisions[:0]],
        (4.0,),
        Conditions.of(TARGET),
    )
    database = ScheduleDatabase.in_memory()
    database.add_many([broken, unknown])
    result = tune([matmul(32)], database, TARGET, trials=2)
    assert result.trials == 2
    database.close()


def test_intrinsics_of_cpus_are_registered_and_nothing_stands_in_the_way_of_the_others():
    script = """
import inspect
import tvm
from cosearch.schedules.tensor_intrinsics import _stack_without_source, cpu_intrinsics
original, get = inspect.stack, tvm.s_tir.TensorIntrin.get
with cpu_intrinsics():
    import tvm.s_tir.tensor_intrin
assert inspect.stack is original
assert get("dot_4x4_i8i8s32_sdot") is not None
assert get("wmma_fill_16x16x16_f32", allow_missing=True) is None
with _stack_without_source():  # it would take a minute
    import tvm.s_tir.tensor_intrin.cuda
assert get("wmma_fill_16x16x16_f32") is not None
with cpu_intrinsics():
    import tvm.s_tir.tensor_intrin as package
assert package.x86 and package.cuda
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_no_tasks_are_no_work():
    database = ScheduleDatabase.in_memory()
    result = tune([], database, TARGET, trials=5)
    assert (result.trials, result.latency_us) == (0, 0)
    with pytest.raises(ValueError, match="threads"):
        tune([], database, tvm.target.Target({"kind": "llvm"}), trials=5)
