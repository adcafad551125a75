"""The tuner: budgets, what it keeps, how it goes on after any kind of end."""

import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from tvm import te
from tvm.s_tir import meta_schedule as ms

from cosearch.schedules import Conditions, ScheduleDatabase, TuningTask, resolve_target, tune
from cosearch.schedules.store.replay import replay
from cosearch.schedules.tasks import workload_of
from cosearch.schedules.tuning import session, task_state
from cosearch.schedules.workers import KernelShelf, WorkerBuilder, WorkerPool, WorkerRunner

TARGET = resolve_target("llvm -mcpu=native -num-cores=1")


def matmul(n, weight=1, block=""):
    a, b = (te.placeholder((n, n), name=name) for name in "ab")
    k = te.reduce_axis((0, n), name="k")
    c = te.compute((n, n), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="c")
    return TuningTask(workload_of(te.create_prim_func([a, b, c]), f"matmul{n}"), weight, block)


def everything(database):
    return list(database.records(include_failed=True))


def traces(records):
    return [str(record.trace) for record in records]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(session, "BATCH", 4)
    monkeypatch.setattr(session, "MIN_BATCH", 4)


@pytest.fixture
def database(tmp_path):
    database = ScheduleDatabase(tmp_path / "schedules.sqlite")
    yield database
    database.close()


def test_budget_in_trials_is_spent_on_all_tasks_and_not_exceeded(database):
    result = tune([matmul(16), matmul(32, weight=3)], database, TARGET, trials=10)
    assert result.trials == 10
    assert len(everything(database)) == 10
    assert [task.trials for task in result.tasks] == [4, 6]
    assert not result.interrupted
    best = [
        database.best(t.workload.signature, Conditions.of(TARGET)) for t in map(matmul, (16, 32))
    ]
    assert [record.latency_us for record in best] == [task.best_us for task in result.tasks]
    assert result.latency_us == best[0].latency_us + 3 * best[1].latency_us


def test_records_say_where_they_come_from_and_can_be_replayed(database):
    task = matmul(24, block="a block")
    tune([task], database, TARGET, trials_per_task=3, network="a network")
    records = everything(database)
    assert [record.provenance.trials for record in records] == [1, 2, 3]
    for record in records:
        assert record.provenance.network == "a network"
        assert record.provenance.block == "a block"
        assert record.provenance.search == "rules"
        assert record.provenance.created
        assert record.conditions == Conditions.of(TARGET)
        assert record.workload == task.workload
        assert replay(record.trace, task.workload.mod)


def test_resumed_tuning_measures_what_is_missing_and_nothing_twice(database):
    tune([matmul(16)], database, TARGET, trials=6)
    second = tune([matmul(16)], database, TARGET, trials=10)
    assert second.trials == 4
    assert second.tasks[0].known_trials == 6
    records = everything(database)
    assert len(set(traces(records))) == 10
    assert records[-1].provenance.trials == 10
    third = tune([matmul(16)], database, TARGET, trials=10)
    assert third.trials == 0
    assert third.tasks[0].best_us == min(record.latency_us for record in records)


def test_workload_without_choices_takes_few_trials(database):
    x = te.placeholder((), name="x")
    y = te.compute((), lambda: x() + 1.0, name="y")
    task = TuningTask(workload_of(te.create_prim_func([x, y]), "scalar"))
    result = tune([task], database, TARGET, trials=10)
    assert 1 <= result.trials <= 3
    assert len(database) == result.trials


def test_small_space_ends_when_it_is_exhausted(database):
    x = te.placeholder((8,), name="x")
    y = te.compute((8,), lambda i: x[i] + 1.0, name="y")
    task = TuningTask(workload_of(te.create_prim_func([x, y]), "vector"))
    result = tune([task], database, TARGET, trials=1000)
    assert 1 <= result.trials < 100
    assert len(set(traces(everything(database)))) == result.trials


def test_budget_in_seconds_ends_the_tuning(database):
    result = tune([matmul(64)], database, TARGET, seconds=2.5)
    assert not result.interrupted
    assert len(everything(database)) == result.trials


def test_no_budget_is_refused(database):
    with pytest.raises(ValueError, match="say when to stop"):
        tune([matmul(16)], database, TARGET)


def test_candidates_that_fail_are_kept_and_the_limit_on_their_size_is_lifted(database, monkeypatch):
    monkeypatch.setattr(task_state, "MAX_STORES", 1)
    monkeypatch.setattr(session, "DESIGNED_STORES", 1)
    result = tune([matmul(16)], database, TARGET, trials=32)
    failed = [record for record in everything(database) if record.failure]
    assert len(failed) == result.failed == result.failures["size"] >= 4
    assert all(record.failure.startswith("size: it unrolls to") for record in failed)
    assert len(database) == 32 - len(failed) > 0
    assert tune([matmul(16)], database, TARGET, trials=32).trials == 0


def test_what_the_rules_chose_may_unroll_to_more(database, monkeypatch):
    monkeypatch.setattr(task_state, "MAX_STORES", 1)
    result = tune([matmul(16)], database, TARGET, trials=4)
    assert result.failed == 0
    assert {record.provenance.search for record in database.records()} == {"rules"}


def test_progress_tells_what_was_done_and_what_is_left(database):
    seen = []
    tasks = [matmul(16), matmul(24)]
    result = tune(tasks, database, TARGET, trials=9, progress=seen.append)
    assert [step.trials for step in seen] == list(range(1, 10))
    assert {step.total_trials for step in seen} == {9}
    assert {step.task for step in seen} == {"matmul16", "matmul24"}
    assert seen[0].latency_us == float("inf")
    assert seen[-1].latency_us == result.latency_us < float("inf")
    assert seen[-1].left_s == 0.0
    assert all(0 < one.elapsed_s <= two.elapsed_s for one, two in pairwise(seen))


SCRIPT = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_tuner as t
t.session.BATCH = t.session.MIN_BATCH = 4
database = t.ScheduleDatabase(sys.argv[1])
def progress(step):
    if step.trials % 4 == 0:
        open(sys.argv[1] + ".batches", "a").write("batch\\n")
result = t.tune([t.matmul(16)], database, t.TARGET, trials=10**6, progress=progress)
open(sys.argv[1] + ".result", "w").write(f"{{result.interrupted}} {{result.trials}}")
"""


def start_tuning(path, batches):
    """Tune in another process, and come back after some batches."""
    tuner = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path)],
        cwd=path.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    log = Path(f"{path}.batches")
    while tuner.poll() is None and not (log.exists() and len(log.read_text().split()) >= batches):
        time.sleep(0.05)
    assert tuner.poll() is None, tuner.communicate()[0]
    return tuner


def test_ctrl_c_keeps_all_that_was_measured(tmp_path):
    path = tmp_path / "schedules.sqlite"
    tuner = start_tuning(path, batches=1)
    tuner.send_signal(signal.SIGINT)
    output, _ = tuner.communicate()
    assert output == b""
    assert tuner.returncode == 0
    interrupted, trials = Path(f"{path}.result").read_text().split()
    assert interrupted == "True"
    assert not (tmp_path / "tuning_logs").exists()
    database = ScheduleDatabase(path)
    assert len(everything(database)) == int(trials) >= 4
    assert tune([matmul(16)], database, TARGET, trials=int(trials) + 3).trials == 3
    database.close()


def test_two_tuners_share_a_database_and_one_is_killed(tmp_path):
    path = tmp_path / "schedules.sqlite"
    tuner = start_tuning(path, batches=2)
    database = ScheduleDatabase(path)
    ours = tune([matmul(48)], database, TARGET, trials=8)
    assert ours.trials == 8
    tuner.kill()
    tuner.communicate()
    database.close()
    database = ScheduleDatabase(path)
    counts = [
        len(list(database.records(signature=matmul(n).workload.signature, include_failed=True)))
        for n in (16, 48)
    ]
    assert counts[0] >= 4
    assert counts[1] == 8
    database.close()


def test_workers_serve_metaschedules_own_search(tmp_path):
    database, shelf = ms.database.MemoryDatabase(), KernelShelf()
    context = ms.TuneContext(
        matmul(16).workload.mod,
        target=TARGET,
        space_generator="post-order-apply",
        search_strategy=ms.search_strategy.ReplayTrace(),
        num_threads=1,
        rand_state=1,
    )
    with WorkerPool(1) as pool:
        ms.tune_tasks(
            tasks=[context],
            task_weights=[1.0],
            work_dir=str(tmp_path),
            max_trials_global=8,
            builder=WorkerBuilder(pool, shelf),
            runner=WorkerRunner(pool, shelf),
            database=database,
            cost_model="random",
            measure_callbacks=[ms.measure_callback.AddToDatabase()],
        )
    times = [float(record.run_secs[0]) for record in database.get_all_tuning_records()]
    assert len(times) == 8
    assert sum(0 < seconds < 1 for seconds in times) >= 6
