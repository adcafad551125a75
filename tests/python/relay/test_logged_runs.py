"""Looks at a program: as many as it takes until they agree, and what they differ by is said."""

import math
import time
from itertools import chain, cycle, repeat

import numpy as np
import pytest

from cosearch.relay import logged_runs
from cosearch.relay.logged_runs import LEAST_LOOKS, _look_until_agreed, _standard_error
from cosearch.timing import Calibration
from cosearch.timing.segments import SegmentedRuns

CALIBRATION = Calibration(compute_us=40.0, memory_us=50.0, clock_us=8.0, exclusive=True)
CALLS_US = np.array([300.0, 200.0])


@pytest.fixture(autouse=True)
def no_rests(monkeypatch):
    monkeypatch.setattr(logged_runs, "PAUSE_S", 0.0)


def looks_of(scales):
    """Make looks, each sure at once, at a program that takes so many times as long in each.

    Where it takes twice as long, others share the core, and the reference says so.
    """
    scales = iter(scales)

    def run() -> SegmentedRuns:
        scale = next(scales)
        calls = np.tile(CALLS_US * scale, (20, 1))
        both, one = np.ones((20, 1, 2)), np.ones((20, 1))
        pace = 50.0 if scale == 2 else 40.0
        return SegmentedRuns(np.array([0]), calls, pace * both, 8.0 * both, one, 3.0 * one)

    return run


def soon(seconds: float = 60.0) -> float:
    return time.monotonic() + seconds


def test_looks_that_agree_are_enough():
    found = _look_until_agreed(looks_of(repeat(1.0, LEAST_LOOKS)), CALIBRATION, soon())
    assert (found.latency_us, found.low_us, found.high_us) == (500.0, 500.0, 500.0)


def test_looks_that_do_not_agree_yet_are_followed_by_others():
    scales = chain([1.0, 1.04, 1.0], repeat(1.02, 30))
    found = _look_until_agreed(looks_of(scales), CALIBRATION, soon())
    assert next(scales) == 1.02  # not all were needed
    assert 500.0 <= found.latency_us <= 520.0
    assert found.high_us - found.low_us >= 2 * 1.6 * logged_runs.AGREEMENT * 500.0 / 2
    assert not found.unstable


def test_a_look_at_a_machine_that_is_not_quiet_says_nothing(monkeypatch):
    monkeypatch.setattr(logged_runs, "LOOK_S", 0.0)
    scales = chain([2.0, 1.0, 2.0, 2.0], repeat(1.0, LEAST_LOOKS - 1))
    found = _look_until_agreed(looks_of(scales), CALIBRATION, soon())
    assert (found.latency_us, found.low_us, found.high_us) == (500.0, 500.0, 500.0)
    assert not found.unstable


def test_looks_end_with_the_time(monkeypatch):
    monkeypatch.setattr(logged_runs, "LOOK_S", 0.0)
    found = _look_until_agreed(looks_of(cycle([1.0, 1.04])), CALIBRATION, soon(0.2))
    assert found.low_us <= found.latency_us <= found.high_us
    assert _look_until_agreed(looks_of(repeat(2.0)), CALIBRATION, soon(0.2)).unstable


def test_a_drift_is_in_the_interval():
    run = looks_of(chain([1.0, 1.1, 1.2, 1.3], repeat(math.nan)))
    seen = [run() for _ in range(4)]
    error = _standard_error([500.0, 550.0, 600.0, 650.0])
    assert error == pytest.approx(np.std([1, 1.1, 1.2, 1.3], ddof=1) / 2 / 1.15)
    found = logged_runs.estimate_segments(sum(seen[1:], seen[0]), CALIBRATION).widened(error)
    assert found.high_us - found.latency_us >= 1.6 * error * found.latency_us
    assert found.unstable


def test_two_looks_tell_nothing_of_their_scatter():
    assert _standard_error([1.0, 1.0]) == math.inf
    assert _standard_error([1.0, 1.0, 1.0]) == 0.0
