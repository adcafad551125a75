"""Time several ways of doing the same thing in one run, taking turns."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """What one runner took.

    Attributes
    ----------
    rounds_us : tuple of float
        Time of one call in each round, in microseconds.
    """

    rounds_us: tuple[float, ...]

    @property
    def latency_us(self) -> float:
        """Median over the rounds, in microseconds."""
        return statistics.median(self.rounds_us)

    @property
    def spread(self) -> float:
        """Half of the interquartile range over the median: how noisy the machine was."""
        quartiles = statistics.quantiles(self.rounds_us, n=4)
        return (quartiles[2] - quartiles[0]) / 2 / self.latency_us


def run_side_by_side(
    runners: Mapping[str, Callable[[], object]],
    rounds: int = 9,
    round_seconds: float = 0.1,
    pause_seconds: float = 0.3,
    on_round: Callable[[int, int], None] | None = None,
) -> dict[str, Timing]:
    """Time runners in turns, A B C A B C …, so that a drift of the machine meets all alike.

    Parameters
    ----------
    runners : mapping of str to callable
        What to time, by name. Each is warmed up first.
    rounds : int
        Turns that each runner gets, at least 4.
    round_seconds : float
        How long a turn lasts; a runner is called as often as that takes.
    pause_seconds : float
        Rest before each turn. The threads of a runner go on waiting actively for a while after its
        turn (those of OpenMP for 0.2 s) and take the cores from the next one: without a rest,
        onnxruntime after torch was measured at more than twice its time.
    on_round : callable, optional
        Told ``(rounds done, rounds)``.

    Returns
    -------
    dict of str to Timing
        In the order of `runners`.

    Raises
    ------
    ValueError
        When there are fewer than 4 rounds.
    """
    if rounds < 4:
        raise ValueError(f"{rounds} rounds are too few for a median: take 4 or more")
    counts = {}
    for name, runner in runners.items():
        time.sleep(pause_seconds)
        counts[name] = _calls_in(runner, round_seconds)
    times: dict[str, list[float]] = {name: [] for name in runners}
    for index in range(rounds):
        for name, runner in runners.items():
            time.sleep(pause_seconds)
            times[name].append(_time_call(runner, counts[name]) * 1e6)
        if on_round is not None:
            on_round(index + 1, rounds)
    return {name: Timing(tuple(values)) for name, values in times.items()}


def _calls_in(runner: Callable[[], object], seconds: float) -> int:
    runner()  # the first call allocates and pages in
    return max(1, min(1000, round(seconds / max(_time_call(runner, 1), 1e-7))))


def _time_call(runner: Callable[[], object], calls: int) -> float:
    runner()  # back into the caches, which the runner before has filled with its own weights
    start = time.perf_counter()
    for _ in range(calls):
        runner()
    return (time.perf_counter() - start) / calls
