"""How fast the reference work is where nothing disturbs it."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tvm_ffi

from cosearch.timing.stopwatch import Stopwatch

WINDOWS = 40
"""Windows of one look at the machine, which takes a tenth of a second."""
LOOKS = 4
"""A calibration looks so often: neighbours that share the cores disturb for a while, and evenly."""
PAUSE_S = 0.25
"""Seconds between two looks."""
QUANTILE = 0.25
"""Of the memory-bound reference's times, the one that counts."""
AGREEING = 20
"""So many of the least times of the compute-bound reference have to agree."""
AGREEMENT = 0.002
"""How closely."""


@dataclass(frozen=True)
class Calibration:
    """Time of the reference work on the quiet machine, which labels are scaled to.

    Attributes
    ----------
    compute_us : float
        Of the compute-bound work, in microseconds.
    memory_us : float
        Of the memory-bound work.
    exclusive : bool
        Whether it was taken in exclusive windows (see `Stopwatch`).
    """

    compute_us: float
    memory_us: float
    exclusive: bool


def calibrate(stopwatch: Stopwatch, budget_s: float = 5.0) -> Calibration:
    """Time the reference work until its least time comes again and again.

    Parameters
    ----------
    stopwatch : Stopwatch
        For a number of threads.
    budget_s : float
        Seconds after which the least time has to do; it takes one or two of them.
    """
    idle = tvm_ffi.get_global_func("runtime.NumThreads")  # any function that takes no time
    start = time.monotonic()
    seen = stopwatch.time(idle, [], calls=1, warm_up=0, windows=WINDOWS)
    while len(seen) < LOOKS * WINDOWS or not _is_settled(seen.compute_us):
        if time.monotonic() - start > budget_s:
            break
        time.sleep(PAUSE_S)
        seen += stopwatch.time(idle, [], calls=1, warm_up=0, windows=WINDOWS)
    compute_us = float(np.sort(seen.compute_us, axis=None)[AGREEING // 2])
    memory_us = float(np.quantile(seen.memory_us, QUANTILE))
    return Calibration(compute_us, memory_us, stopwatch.exclusive)


def _is_settled(times_us: npt.NDArray[np.float64]) -> bool:
    """Whether so many of the least times agree that they are no accident."""
    least = np.sort(times_us, axis=None)[:AGREEING]
    return len(least) == AGREEING and bool(least[-1] <= least[0] * (1 + AGREEMENT))
