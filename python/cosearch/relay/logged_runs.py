"""What each call of a program of TVM's virtual machine takes, and all of them together."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosearch.latency.laboratory import Laboratory
from cosearch.timing.calibration import Calibration
from cosearch.timing.call_log import CallLog
from cosearch.timing.segments import (
    SegmentedEstimate,
    SegmentedRuns,
    choose_segments,
    estimate_segments,
)

WINDOW_US = 20_000.0
"""How long the runs of a window that count take together, where two do not take longer."""
LEAST_RUNS, MOST_RUNS = 2, 8
"""Of a window, beside the first, which finds cold caches and does not count."""
WINDOWS = 5
"""Windows after which it is asked whether they are enough."""
LOOK_S = 2.0
"""Seconds of one look at the program, where the machine is not quiet."""
PAUSE_S = 0.5
"""Rest between two looks. What others do to caches and memory changes within seconds, and no
reference work tells how much of it a network feels."""
LEAST_LOOKS = 3
AGREEMENT = 0.005
"""Standard error of the mean over looks, as a share of it, at which they are enough."""


@dataclass(frozen=True)
class LoggedRuns:
    """What the calls of a program take.

    Attributes
    ----------
    names : tuple of str
        Functions of the program.
    functions : numpy.ndarray
        int32 ``[calls]``: which of them each call of a run calls.
    segments : int
        Parts of a run between which the machine was looked at.
    found : SegmentedEstimate
        Of a run and its calls, as a log sees them.
    """

    names: tuple[str, ...]
    functions: npt.NDArray[np.int32]
    segments: int
    found: SegmentedEstimate


def log_runs(
    machine: Any, arguments: Sequence[Any], laboratory: Laboratory, *, budget_s: float
) -> LoggedRuns:
    """Time the calls of runs of ``main`` until that is sure, or the time is over.

    Parameters
    ----------
    machine : tvm.relax.VirtualMachine or tvm.runtime.Module
        With the program.
    arguments : sequence
        Of ``main``.
    laboratory : Laboratory
        For the threads that it was compiled for.
    budget_s : float
        Seconds to spend at most; a quiet machine needs one or two.

    Notes
    -----
    The program is looked at several times, with rests between, until the looks agree. Their
    runs are estimated together; by how much the looks differ is part of the interval.
    """
    main, log = machine["main"], CallLog(laboratory.stopwatch)
    log.attach(machine)
    try:
        for _ in range(2):  # if it hangs or crashes, then without priority over others
            main(*arguments)
        functions, times_us, _ = log.take()
        half = len(functions) // 2
        once_us = times_us[half:]
        starts = choose_segments(once_us)
        log.probe_at(starts.tolist(), half)
        count = 1 + int(np.clip(WINDOW_US / once_us.sum(), LEAST_RUNS, MOST_RUNS))

        def run() -> SegmentedRuns:
            laboratory.stopwatch.time(main, arguments, calls=count, warm_up=0, windows=WINDOWS)
            _, times_us, probes = log.take()
            return SegmentedRuns.of_log(starts, times_us, probes).without_first(count)

        found = _look_until_agreed(run, laboratory.calibration, time.monotonic() + budget_s)
        return LoggedRuns(tuple(log.names()), functions[half:], len(starts), found)
    finally:
        log.detach(machine)


def _look_until_agreed(
    run: Callable[[], SegmentedRuns], calibration: Calibration, deadline: float
) -> SegmentedEstimate:
    """Look at a program until that is enough; estimate all of its runs."""
    seen, latencies_us = _look(run, calibration, deadline)
    while _standard_error(latencies_us) > AGREEMENT and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
        later, us = _look(run, calibration, deadline)
        seen, latencies_us = seen + later, latencies_us + us
    found = estimate_segments(seen, calibration)
    error = _standard_error(latencies_us)
    return found.widened(error) if math.isfinite(error) else found


def _look(
    run: Callable[[], SegmentedRuns], calibration: Calibration, deadline: float
) -> tuple[SegmentedRuns, list[float]]:
    """Run a program until its latency is sure, or the look over.

    Returns
    -------
    SegmentedRuns
    list of float
        Its latency, in microseconds; nothing where the machine was hardly ever quiet.
    """
    end = min(deadline, time.monotonic() + LOOK_S)
    seen = run()
    found = estimate_segments(seen, calibration)
    while not found.sure and time.monotonic() < end:
        seen += run()
        found = estimate_segments(seen, calibration)
    return seen, [] if found.unstable else [found.latency_us]


def _standard_error(values: Sequence[float]) -> float:
    """Return that of the mean, as a share of it; infinite of too few values to tell."""
    if len(values) < LEAST_LOOKS:
        return math.inf
    return float(np.std(values, ddof=1) / math.sqrt(len(values)) / np.mean(values))
