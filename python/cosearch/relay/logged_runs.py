"""What each call of a program of TVM's virtual machine takes, and all of them together."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosearch.latency.laboratory import Laboratory
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
        Seconds to spend at most; a quiet machine needs some tenths of one.
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

        def look() -> SegmentedRuns:
            laboratory.stopwatch.time(main, arguments, calls=count, warm_up=0, windows=WINDOWS)
            _, times_us, probes = log.take()
            return SegmentedRuns.of_log(starts, times_us, probes).without_first(count)

        began, seen = time.monotonic(), look()
        found = estimate_segments(seen, laboratory.calibration)
        while not found.sure and time.monotonic() - began < budget_s:
            seen += look()
            found = estimate_segments(seen, laboratory.calibration)
        return LoggedRuns(tuple(log.names()), functions[half:], len(starts), found)
    finally:
        log.detach(machine)
