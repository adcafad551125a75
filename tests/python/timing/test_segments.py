"""Segments of runs: a run is known when each of its parts was undisturbed in some run."""

from dataclasses import replace

import numpy as np
import pytest

from cosearch.timing import Calibration
from cosearch.timing.estimate import FEW
from cosearch.timing.segments import (
    SEGMENT_US,
    SegmentedRuns,
    choose_segments,
    estimate_segments,
)

CALIBRATION = Calibration(compute_us=40.0, memory_us=50.0, clock_us=12.0, exclusive=True)
CALLS_US = np.array([100.0, 300.0, 200.0, 600.0, 50.0, 450.0])
STARTS = np.array([0, 3, 4])
SIZES = (3, 1, 2)


def runs(count: int, disturbed: np.ndarray, scale: float = 1.0) -> SegmentedRuns:
    """Make runs in which some segments, bool ``[runs, segments]``, take half as long again."""
    calls = np.tile(CALLS_US * scale, (count, 1))
    calls[np.repeat(disturbed, SIZES, axis=1)] *= 1.5
    compute = np.full((count, len(STARTS), 2), 40.0 * scale)
    compute[disturbed, 1] *= 1.1
    clock = np.full((count, len(STARTS), 2), 12.0 * scale)
    share, gap = np.ones((count, len(STARTS))), np.full((count, len(STARTS)), 3.0)
    return SegmentedRuns(STARTS, calls, compute, clock, share, gap)


def nothing(count: int) -> np.ndarray:
    return np.zeros((count, len(STARTS)), bool)


def test_no_run_needs_to_be_undisturbed_as_a_whole():
    """In each run one of the three segments is undisturbed, never all of them."""
    disturbed = np.arange(30)[:, None] % 3 != np.arange(3)
    found = estimate_segments(runs(30, disturbed), CALIBRATION)
    assert found.latency_us == pytest.approx(CALLS_US.sum())
    np.testing.assert_allclose(found.call_us, CALLS_US)
    assert found.sure
    assert not found.unstable
    assert found.steady.all()


@pytest.mark.parametrize(("name", "value"), [("share", 0.9), ("gap_us", np.inf)])
def test_who_came_in_between_is_seen_in_the_segment(name, value):
    seen = runs(20, nothing(20))
    late = np.arange(20) % 2 == 1
    seen.call_us[late, 3] = 9000.0
    getattr(seen, name)[late, 1] = value
    found = estimate_segments(seen, CALIBRATION)
    np.testing.assert_allclose(found.call_us, CALLS_US)


def test_a_segment_that_was_never_undisturbed_is_said():
    disturbed = nothing(20)
    disturbed[FEW - 1 :, 1] = True
    found = estimate_segments(runs(20, disturbed), CALIBRATION)
    assert found.unstable
    assert not found.sure
    assert found.steady.tolist() == [True, True, True, False, True, True]
    # The least disturbed ones are all there is: an upper bound.
    assert found.latency_us >= CALLS_US.sum()


def test_a_small_part_of_a_run_does_not_make_it_unstable():
    seen = runs(20, nothing(20))
    few = replace(seen, starts=np.array([0, 4, 5]))
    few.share[:, 1] = 0.0  # the call of 50 µs
    found = estimate_segments(few, CALIBRATION)
    assert not found.unstable
    assert found.steady.tolist() == [True, True, True, True, False, True]


def test_a_clock_that_has_changed_scales():
    found = estimate_segments(runs(20, nothing(20), scale=0.9), CALIBRATION)
    assert found.latency_us == pytest.approx(CALLS_US.sum())


def test_calls_add_up_to_the_run_and_come_from_quick_ones():
    rng = np.random.default_rng(0)
    seen = runs(40, nothing(40))
    seen.call_us[:] *= 1 + 0.02 * rng.random(seen.call_us.shape)
    found = estimate_segments(seen, CALIBRATION)
    assert found.call_us.sum() == pytest.approx(found.latency_us)
    assert (found.call_low_us <= found.call_us).all()
    assert (found.call_us <= found.call_high_us).all()
    assert found.low_us <= found.latency_us <= found.high_us
    assert CALLS_US.sum() < found.latency_us < 1.01 * CALLS_US.sum()


def test_the_interval_is_that_of_a_sum():
    """Errors of segments are independent: that of the run is less than theirs together."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        seen = runs(60, nothing(60))
        seen.call_us[:] *= 1 + 0.05 * rng.random((60, 3)).repeat(SIZES, axis=1)
        found = estimate_segments(seen, CALIBRATION)
        inside += found.low_us <= CALLS_US.sum() * (1 + 0.05 * 0.15) <= found.high_us
    assert inside >= 160


def test_what_a_log_adds_is_taken_off():
    found = estimate_segments(runs(20, nothing(20)), CALIBRATION)
    less = found.less(60.0)
    assert less.latency_us == pytest.approx(found.latency_us - 6 * 60.0)
    assert less.high_us - less.low_us == pytest.approx(found.high_us - found.low_us)
    np.testing.assert_allclose(less.call_us, np.maximum(CALLS_US - 60.0, 0))


def test_segments_are_long_enough_and_cover_the_run():
    rng = np.random.default_rng(2)
    for _ in range(50):
        calls = rng.exponential(120.0, size=int(rng.integers(1, 80)))
        starts = choose_segments(calls)
        assert starts[0] == 0
        assert (np.diff(starts) > 0).all()
        parts = np.add.reduceat(calls, starts)
        assert parts.sum() == pytest.approx(calls.sum())
        assert (parts[:-1] >= SEGMENT_US).all()
        assert len(parts) == 1 or parts[-1] >= SEGMENT_US / 2
        # Long only where one call is.
        longest = np.maximum.reduceat(calls, starts)
        assert (parts[:-1] <= SEGMENT_US + longest[:-1]).all()


def test_a_log_is_read_run_by_run():
    times = np.arange(12.0)  # two runs of six calls
    probes = np.zeros((8, 5))  # before each of three segments, and at the end
    probes[:, 0] = np.arange(8)
    probes[:, 1:3] = [[1, 0.9]] * 8
    probes[:, 3] = 10 * np.arange(8)
    probes[:, 4] = 1 + np.arange(8)
    seen = SegmentedRuns.of_log(STARTS, times, probes)
    assert len(seen) == 2
    assert seen.call_us.tolist() == [list(range(6)), list(range(6, 12))]
    assert seen.compute_us[1].tolist() == [[4, 5], [5, 6], [6, 7]]
    assert seen.clock_us[0].tolist() == [[1, 2], [2, 3], [3, 4]]
    assert seen.gap_us.tolist() == [[10, 20, 30], [50, 60, 70]]
    assert (seen.share == 0.9).all()
    assert seen.without_first(2).call_us.tolist() == [list(range(6, 12))]
    assert len(seen + seen) == 4
