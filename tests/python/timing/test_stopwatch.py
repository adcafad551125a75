"""Stopwatch: windows say what they saw, and leave the process as it was."""

import math
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tvm
import tvm_ffi

from cosearch.timing import Estimate, Stopwatch, calibrate, time_calls
from cosearch.timing.estimate import FEW
from cosearch.timing.seats import Seats, _parse_cores, take_seats
from cosearch.timing.time_calls import _settled

NOTHING = tvm_ffi.get_global_func("runtime.NumThreads")


@pytest.fixture(scope="module", params=[1, 2])
def stopwatch(request) -> Stopwatch:
    if len(os.sched_getaffinity(0)) < request.param:
        pytest.skip("not enough cores")
    return Stopwatch(request.param)


def state() -> tuple:
    return os.sched_getaffinity(0), os.sched_getscheduler(0)


def test_columns_and_calls(stopwatch):
    before = state()
    count = 0

    def kernel(value):
        nonlocal count
        assert value == 7
        count += 1

    seen = stopwatch.time(tvm_ffi.convert(kernel), [7], calls=5, warm_up=2, windows=3)
    assert count == 3 * (5 + 2)
    assert len(seen) == 3
    for values in (seen.call_us, seen.compute_us, seen.memory_us, seen.clock_us):
        assert (values > 0).all()
    assert (seen.gap_us >= 0).all()
    assert state() == before


@pytest.mark.parametrize("realtime", [True, False])
def test_a_kernel_that_fails_leaves_nothing_behind(realtime):
    before, threads = state(), threading.active_count()
    stopwatch = Stopwatch(1, realtime=realtime)

    def kernel():
        raise ValueError("broken by the test")

    with pytest.raises(ValueError, match="broken by the test"):
        stopwatch.time(tvm_ffi.convert(kernel), [], calls=1, warm_up=0, windows=2)
    assert state() == before
    assert len(stopwatch.time(NOTHING, [], calls=1, warm_up=0, windows=2)) == 2
    del stopwatch
    assert threading.active_count() == threads


def test_real_time_priority_lasts_for_a_window(stopwatch):
    policies = []
    kernel = tvm_ffi.convert(lambda: policies.append(os.sched_getscheduler(0)))
    stopwatch.time(kernel, [], calls=1, warm_up=0, windows=2)
    expected = os.SCHED_FIFO if stopwatch.exclusive else os.SCHED_OTHER
    assert policies == [expected] * 2
    if os.geteuid() == 0:  # a container may take the right away: then the windows are not exclusive
        ordinary = Stopwatch(1, realtime=False)
        ordinary.time(kernel, [], calls=1, warm_up=0, windows=1)
        assert policies[-1] == os.SCHED_OTHER


def test_wrong_columns_are_refused(stopwatch):
    with pytest.raises(ValueError, match="10 columns"):
        stopwatch._time(NOTHING, [], 1, 0, tvm_ffi.from_dlpack(np.empty((2, 3))))


def test_an_estimate_of_a_real_kernel(stopwatch):
    calibration = calibrate(stopwatch)
    assert calibration.compute_us > 0
    copy = tvm.runtime.tensor(np.ones((64, 1024), "float32"))
    target = tvm.runtime.tensor(np.zeros((64, 1024), "float32"))
    kernel = tvm_ffi.convert(lambda a, b: a.copyto(b))
    found = time_calls(stopwatch, calibration, kernel, [copy, target], budget_s=0.2)
    assert found.low_us <= found.latency_us <= found.high_us
    assert found.windows >= found.good_windows
    np.testing.assert_array_equal(target.numpy(), copy.numpy())


def test_a_hopeless_kernel_is_not_looked_at_closely(stopwatch):
    calibration = calibrate(stopwatch)
    found = time_calls(stopwatch, calibration, NOTHING, [], best_us=1e-9)
    assert found.windows == 3


def test_a_slower_kernel_needs_no_certainty():
    best = replace(estimated(10.0, 9.0, 14.0), good_windows=FEW)
    assert not _settled(best, math.inf)
    assert _settled(best, 8.9)
    assert not _settled(best, 9.1)
    assert not _settled(replace(best, good_windows=FEW - 1), 8.9)
    assert _settled(replace(best, high_us=9.1, latency_us=9.0, good_windows=10), math.inf)


def estimated(latency_us, low_us, high_us) -> Estimate:
    return Estimate(latency_us, low_us, high_us, windows=20, good_windows=20, unstable=False)


def test_seats_do_not_overlap():
    for threads in (1, min(2, len(os.sched_getaffinity(0)))):
        seats = take_seats(threads)
        assert seats.own_core not in seats.held_cores
        assert len(seats.pool_threads) == threads - 1
        tasks = {task.name for task in Path("/proc/self/task").iterdir()}
        assert set(map(str, seats.pool_threads)) <= tasks


def test_more_threads_than_cores_take_no_seats(monkeypatch):
    monkeypatch.setattr("cosearch.timing.seats.set_threads", lambda _: None)
    monkeypatch.setattr("cosearch.timing.seats.bound_threads", lambda _: {11: 0, 12: 1})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert take_seats(3) == Seats(-1, (), (11, 12))


def test_threads_that_are_not_bound_get_no_priority(monkeypatch):
    monkeypatch.setattr("cosearch.timing.stopwatch.take_seats", lambda _: Seats(-1, (), ()))
    assert not Stopwatch(1).exclusive


@pytest.mark.parametrize(
    ("text", "cores"), [("0-3,8\n", {0, 1, 2, 3, 8}), ("5", {5}), ("0-1", {0, 1})]
)
def test_lists_of_cores(text, cores):
    assert _parse_cores(text) == cores
