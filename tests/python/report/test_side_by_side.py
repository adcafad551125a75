"""Runners take turns, are warmed up, and their medians count."""

import time

import pytest

from cosearch.report import Timing, run_side_by_side


def test_turns_alternate_and_every_runner_is_warmed_up():
    order = []
    rounds = []
    run_side_by_side(
        {"a": lambda: order.append("a"), "b": lambda: order.append("b")},
        rounds=4,
        round_seconds=0,
        pause_seconds=0,
        on_round=lambda done, total: rounds.append((done, total)),
    )
    # Two calls each to size the rounds, then warm-up and one timed call a turn.
    assert "".join(order) == "aaabbb" + "aabb" * 4 or "".join(order).endswith("aabb" * 4)
    assert rounds == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_slower_is_slower():
    timings = run_side_by_side(
        {"fast": lambda: time.sleep(0.001), "slow": lambda: time.sleep(0.02)},
        rounds=4,
        round_seconds=0.01,
        pause_seconds=0,
    )
    assert timings["slow"].latency_us > 2 * timings["fast"].latency_us
    assert list(timings) == ["fast", "slow"]


def test_runners_rest_before_each_turn():
    """What a runner leaves behind for a moment has gone when the next one starts."""
    ended = time.perf_counter()
    waits = []

    def run():
        nonlocal ended
        waits.append(time.perf_counter() - ended)
        ended = time.perf_counter()

    run_side_by_side({"a": run, "b": run}, rounds=4, round_seconds=0, pause_seconds=0.05)
    assert sum(wait >= 0.05 for wait in waits) == 2 * (1 + 4)


def test_median_and_spread():
    timing = Timing((10.0, 30.0, 20.0, 20.0, 20.0))
    assert timing.latency_us == 20.0
    assert Timing((20.0,) * 4).spread == 0.0
    assert timing.spread > 0.0


def test_too_few_rounds():
    with pytest.raises(ValueError, match="4 or more"):
        run_side_by_side({"a": int}, rounds=3)
