"""What tuning is expected to gain is learnt from the tunings that a database holds."""

from dataclasses import replace

import pytest
from test_tuner import matmul

from cosearch.blocks import Signature
from cosearch.schedules import (
    Conditions,
    Provenance,
    Record,
    ScheduleDatabase,
    Workload,
    resolve_target,
)
from cosearch.schedules.tuning_history import MIN_TRIALS, TuningHistory
from cosearch.schedules.worth import PRIOR_GAIN, KernelTime, rank_worth

HERE = Conditions.of(resolve_target("llvm -mcpu=native -num-cores=1"))
ELSEWHERE = replace(HERE, threads=4)
TRACE = [[], []]
BASE = matmul(8).workload


def workload(name, kind="kind"):
    return Workload(BASE.mod, Signature(f"{name:0>32}", f"{kind:0>32}"))


def candidates(name, times, kind="kind", conditions=HERE, network="net", start=0, **more):
    """Records of a tuning, one batch of 8 a second; None is a candidate that failed."""
    return [
        Record(
            workload(name, kind),
            TRACE,
            () if time is None else (time,),
            conditions,
            Provenance(
                network,
                trials=number + 1,
                created=f"2026-01-01T00:00:{start + number // 8:02}+00:00",
            ),
            failure="crash" if time is None else "",
            **more,
        )
        for number, time in enumerate(times)
    ]


def history_of(*groups):
    database = ScheduleDatabase.in_memory()
    for group in groups:
        database.add_many(group)
    return TuningHistory.read(database, HERE)


def falling(first, best, count=16):
    """Times that fall from `first` to `best` by the middle of the tuning."""
    return [first, *[first] * (count // 2 - 2), best, *[best] * (count // 2)]


def kernel(name, kind="kind", *, calls=1, us=100.0, recorded=False):
    return KernelTime(name, workload(name, kind).signature, calls, us, recorded)


def test_history_of_a_workload():
    times = [None, 9.0, 4.0, 5.0, 3.0, 8.0, None, 2.0]
    found = history_of(candidates("a", times)).workloads[f"{'a':0>32}"]
    assert (found.first_us, found.halfway_us, found.best_us) == (9.0, 4.0, 2.0)
    assert (found.trials, found.is_whole, found.is_tuned) == (8, True, True)
    assert found.gain == 4.5
    assert found.late_gain == 2.0


def test_other_conditions_do_not_count():
    assert history_of(candidates("a", falling(9.0, 3.0), conditions=ELSEWHERE)).workloads == {}


def test_a_workload_of_which_nothing_ran_is_unknown():
    assert history_of(candidates("a", [None] * 9)).workloads == {}


def test_a_pruned_database_has_forgotten_where_a_tuning_began():
    database = ScheduleDatabase.in_memory()
    database.add_many(candidates("a", [9.0 - index / 2 for index in range(16)]))
    assert TuningHistory.read(database, HERE).workloads[f"{'a':0>32}"].is_tuned
    database.prune(4)
    found = TuningHistory.read(database, HERE).workloads[f"{'a':0>32}"]
    assert found.trials == 16
    assert not found.is_tuned


def test_seconds_of_a_candidate():
    # Batches of 8 a second, and after a pause of two minutes again.
    first = candidates("a", [1.0] * 24)
    later = [
        replace(
            record,
            provenance=replace(
                record.provenance, created=record.provenance.created.replace("00:00:", "00:02:")
            ),
        )
        for record in candidates("b", [1.0] * 24)
    ]
    assert history_of(first, later).seconds_per_trial == pytest.approx(1 / 8)


@pytest.mark.parametrize("created", ["2026-01-01T00:00:00", "yesterday", "0"])
def test_strange_dates_tell_nothing(created):
    group = [
        replace(r, provenance=replace(r.provenance, created=created))
        for r in candidates("a", [1.0] * 9)
    ]
    assert history_of(group).seconds_per_trial is None
    assert history_of(group, candidates("b", [1.0] * 9)).seconds_per_trial is not None


def test_a_kernel_without_a_record_gains_what_its_kind_gained():
    history = history_of(
        candidates("a", falling(20.0, 10.0)),
        candidates("b", falling(40.0, 10.0)),
        candidates("c", falling(30.0, 10.0)),
        candidates("d", falling(11.0, 10.0), kind="other"),
    )
    [worth] = rank_worth([kernel("new", calls=2)], history)
    assert worth.expected_us == pytest.approx(100.0 / 3.0)
    assert worth.expected_gain_us == pytest.approx(2 * (100.0 - 100.0 / 3.0))
    assert worth.basis == "3 tuned workloads of its kind"
    assert worth.trials == 0
    [worth] = rank_worth([kernel("new", "unseen")], history)
    assert worth.expected_us == pytest.approx(100.0 / 2.5)
    assert worth.basis == "4 tuned workloads"


def test_without_any_tuning_a_prior_is_stated():
    [worth] = rank_worth([kernel("new")], TuningHistory())
    assert worth.expected_us == pytest.approx(100.0 / PRIOR_GAIN)
    assert "guess" in worth.basis


def test_a_kernel_that_was_tuned_gains_what_the_second_half_brought():
    early = history_of(candidates("a", falling(30.0, 10.0)))
    [worth] = rank_worth([kernel("a", recorded=True)], early)
    assert worth.expected_gain_us == 0.0
    assert worth.trials == 16
    late = history_of(candidates("a", [30.0] * 8 + [20.0] * 8))
    [worth] = rank_worth([kernel("a", recorded=True)], late)
    assert worth.expected_us == pytest.approx(100.0 / 1.5)


def test_a_kernel_that_was_hardly_tuned_gains_the_rest():
    known = candidates("a", falling(40.0, 10.0))
    few = candidates("few", [20.0, 10.0])
    assert len(few) < MIN_TRIALS
    history = history_of(known, few)
    [worth] = rank_worth([kernel("few", recorded=True)], history)
    assert worth.expected_us == pytest.approx(100.0 / 2.0)  # 4 in all, of which 2 it has
    exhausted = history_of(known, candidates("few", [80.0, 10.0]))
    [worth] = rank_worth([kernel("few", recorded=True)], exhausted)
    assert worth.expected_gain_us == 0.0
    # Where its record was not used, nothing of the gain is there yet.
    [worth] = rank_worth([kernel("few")], history)
    assert worth.expected_us == pytest.approx(100.0 / 4.0)


def test_most_gain_comes_first_and_names_settle_ties():
    history = history_of(candidates("a", falling(20.0, 10.0)))
    ranked = rank_worth(
        [kernel("x"), kernel("often", calls=9), kernel("b"), kernel("slow", us=500.0)], history
    )
    assert [worth.name for worth in ranked] == ["often", "slow", "b", "x"]


def test_a_tuning_is_never_expected_to_lose():
    history = history_of(candidates("a", [10.0] * 16))
    assert rank_worth([kernel("new")], history)[0].expected_gain_us == 0.0
