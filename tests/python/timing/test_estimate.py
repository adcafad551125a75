"""estimate: what disturbed windows say does not count."""

import numpy as np
import pytest

from cosearch.timing import Calibration, Windows, estimate
from cosearch.timing.calibration import least_agreeing
from cosearch.timing.estimate import FEW, _ranks, are_undisturbed, clean_pace

CALIBRATION = Calibration(compute_us=30.0, memory_us=50.0, clock_us=12.0, exclusive=True)


def windows(call_us, **others) -> Windows:
    count = len(call_us)
    values = {
        "own_share": np.ones(count),
        "pool_share": np.ones(count),
        "gap_us": np.full(count, 3.0),
        "compute_us": np.full((count, 2), 30.01),
        "memory_us": np.full((count, 2), 50.0),
        "clock_us": np.full((count, 2), 12.0),
    }
    return Windows(call_us=np.array(call_us, dtype="float64"), **(values | others))


def disturbed(name, value, count=20) -> Windows:
    """Half of the windows take twice the time, and say why."""
    bad = np.arange(count) % 2 == 1
    column = getattr(windows(np.ones(count)), name).copy()
    column[bad] = value
    return windows(np.where(bad, 200.0, 100.0), **{name: column})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("own_share", 0.9),
        ("pool_share", 0.5),
        ("gap_us", np.inf),
        ("gap_us", 3000.0),
        ("compute_us", [30.0, 30.4]),
        ("compute_us", [31.5, 30.0]),
    ],
)
def test_what_was_disturbed_does_not_count(name, value):
    found = estimate(disturbed(name, value), CALIBRATION)
    assert (found.latency_us, found.good_windows, found.unstable) == (100.0, 10, False)
    assert found.speed == 1.0


def test_times_that_disagree_without_a_sign_are_unstable():
    times = np.where(np.arange(20) % 10 == 0, 100.0, 200.0)
    found = estimate(windows(times), CALIBRATION)
    assert found.good_windows == 20
    assert found.unstable
    assert (found.low_us, found.high_us) == (100.0, 200.0)


def test_good_windows_that_disagree_are_unstable():
    times = np.where(np.arange(20) % 5 == 0, 115.0, 100.0)
    found = estimate(windows(times), CALIBRATION)
    assert (found.latency_us, found.low_us, found.high_us) == (100.0, 100.0, 100.0)
    assert found.unstable
    assert not found.sure
    assert not estimate(windows(np.where(times > 100, 105.0, 100.0)), CALIBRATION).unstable


def test_windows_that_are_good_by_accident_are_unstable():
    """Of many that nobody of this machine disturbed, hardly any has the right pace."""
    compute = np.full((400, 2), 33.0)
    compute[::40] = 30.0
    found = estimate(windows(np.full(400, 100.0), compute_us=compute), CALIBRATION)
    assert (found.good_windows, found.unstable) == (10, True)
    # Where it is this machine's own processes that disturbed, they are seen one by one.
    share = np.where(compute[:, 0] > 31, 0.5, 1.0)
    own = windows(np.full(400, 100.0), compute_us=compute, own_share=share)
    assert not estimate(own, CALIBRATION).unstable


def test_too_few_good_windows_are_unstable():
    found = estimate(windows(np.full(20, 100.0), own_share=np.full(20, 0.5)), CALIBRATION)
    assert found.unstable
    assert found.good_windows == 0
    assert found.latency_us == 100.0


def test_the_least_disturbed_ones_are_the_upper_bound():
    compute = np.full((20, 2), 35.0)
    compute[:FEW] = 31.0
    times = np.full(20, 150.0)
    times[:FEW] = 110.0
    found = estimate(windows(times, compute_us=compute), CALIBRATION)
    assert found.unstable
    assert found.latency_us == 110.0


def at_clocks(speeds) -> Windows:
    """Make windows of a call of 100 µs, at clocks so many times as fast as calibrated."""
    scale = 1 / np.array(speeds)
    both = np.column_stack([scale, scale])
    return windows(100.0 * scale, compute_us=30.0 * both, clock_us=12.0 * both)


def test_a_clock_that_has_changed_scales():
    slower = estimate(at_clocks(np.full(20, 0.9)), CALIBRATION)
    assert slower.latency_us == pytest.approx(100.0)
    assert slower.speed == pytest.approx(0.9)
    assert not slower.unstable


def test_a_clock_that_changes_from_window_to_window_does_no_harm():
    found = estimate(at_clocks(np.tile([0.9, 1.0, 1.1, 0.95], 5)), CALIBRATION)
    assert (found.low_us, found.high_us) == (pytest.approx(100.0), pytest.approx(100.0))
    assert found.good_windows == 20


def test_a_window_in_which_the_clock_changes_does_not_count():
    seen = at_clocks(np.full(20, 1.0))
    for reference in (seen.compute_us, seen.clock_us):
        reference[::2, 1] *= 1.04
    seen.call_us[::2] = 130.0
    found = estimate(seen, CALIBRATION)
    assert (found.good_windows, found.latency_us) == (10, pytest.approx(100.0))


def test_who_shares_a_core_is_seen_at_any_clock():
    """Neighbours slow down the compute-bound reference, at a fast clock too."""
    seen = at_clocks(np.tile([0.9, 1.1], 10))
    seen.compute_us[1::2] *= 1.02
    seen.call_us[1::2] *= 1.1
    found = estimate(seen, CALIBRATION)
    assert found.good_windows == 10
    assert found.latency_us == pytest.approx(100.0)


def test_a_calibration_that_was_disturbed_gives_way():
    faster = windows(np.full(20, 100.0), compute_us=np.full((20, 2), 29.5))
    assert estimate(faster, CALIBRATION).good_windows == 20
    assert are_undisturbed(faster, 29.0 / 12.0).sum() == 0


def test_who_shares_a_core_steadily_is_seen_all_the_same():
    found = estimate(windows(np.full(20, 100.0), compute_us=np.full((20, 2), 33.0)), CALIBRATION)
    assert (found.good_windows, found.unstable) == (0, True)


def test_an_accident_of_the_clock_reference_changes_nothing():
    seen = windows(np.full(400, 100.0))
    seen.clock_us[:3] = [[15.0, 15.0], [14.0, 14.0], [13.9, 13.9]]
    assert clean_pace(seen.pace, CALIBRATION) == CALIBRATION.pace


def test_the_least_pace_is_one_that_came_often():
    rng = np.random.default_rng(0)
    paces = np.concatenate(
        [[1.2, 1.9], 2.5 * (1 + 0.0005 * rng.random(100)), rng.uniform(2.6, 4, 300)]
    )
    assert least_agreeing(paces, 20) == pytest.approx(2.5, rel=1e-3)
    assert least_agreeing(rng.uniform(2.6, 4, 300), 20) is None
    assert least_agreeing(np.array([2.5]), 20) is None
    many = np.concatenate([np.full(20, 1.2), np.full(100, 2.5)])
    assert least_agreeing(many, 20) == 1.2
    assert least_agreeing(np.concatenate([np.linspace(1, 2, 20), np.full(100, 2.5)]), 20) is None


def test_the_interval_covers_the_quantile():
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        times = 100 * (1 + random.exponential(0.05, 30))
        found = estimate(windows(times), CALIBRATION)
        truth = 100 * (1 - 0.05 * np.log(1 - 0.15))
        inside += found.low_us <= truth <= found.high_us
        assert found.low_us <= found.latency_us <= found.high_us
    assert 0.85 <= inside / 400 <= 0.99


@pytest.mark.parametrize("count", [1, 4, 10, 50, 2000])
def test_ranks_are_places(count):
    low, high = _ranks(count, 0.15)
    assert 0 <= low <= high < count


def test_windows_join():
    joined = windows([1.0, 2.0]) + windows([3.0])
    assert len(joined) == 3
    assert joined.call_us.tolist() == [1.0, 2.0, 3.0]
    assert joined.compute_us.shape == (3, 2)
