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
"""So many of the least paces have to agree."""
AGREEMENT = 0.002
"""How closely."""
ACCIDENTS = 0.01
"""Share of the paces that may lie below those, by accidents of the clock-bound reference."""


@dataclass(frozen=True)
class Calibration:
    """Time of the reference work on the quiet machine, which labels are scaled to.

    Attributes
    ----------
    compute_us : float
        Of the compute-bound work, in microseconds, at the clock of `clock_us`.
    memory_us : float
        Of the memory-bound work.
    clock_us : float
        Of the work that takes a number of cycles, at the clock that was the usual one.
    exclusive : bool
        Whether it was taken in exclusive windows (see `Stopwatch`).
    """

    compute_us: float
    memory_us: float
    clock_us: float
    exclusive: bool

    @property
    def pace(self) -> float:
        """Time of the compute-bound work by that of the clock-bound, at whichever clock."""
        return self.compute_us / self.clock_us


def calibrate(stopwatch: Stopwatch, budget_s: float = 5.0) -> Calibration:
    """Time the reference work until its least pace comes again and again.

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
    while len(seen) < LOOKS * WINDOWS or least_agreeing(seen.pace, AGREEING) is None:
        if time.monotonic() - start > budget_s:
            break
        time.sleep(PAUSE_S)
        seen += stopwatch.time(idle, [], calls=1, warm_up=0, windows=WINDOWS)
    pace = least_agreeing(seen.pace, AGREEING)
    if pace is None:
        pace = float(np.sort(seen.pace, axis=None)[AGREEING // 2])
    memory_us = float(np.quantile(seen.memory_us, QUANTILE))
    clock_us = float(np.median(seen.clock_us))
    return Calibration(pace * clock_us, memory_us, clock_us, stopwatch.exclusive)


def least_agreeing(paces: npt.NDArray[np.float64], count: int) -> float | None:
    """Return the least pace that came so often that it is no accident, if there is one.

    Parameters
    ----------
    paces : numpy.ndarray
        Of any shape.
    count : int
        Paces that have to agree within `AGREEMENT`. At most `ACCIDENTS` of all may be less.
    """
    ascending = np.sort(paces, axis=None)
    first, last = ascending[: len(ascending) - count + 1], ascending[count - 1 :]
    agreeing = np.flatnonzero(last <= first * (1 + AGREEMENT))
    if not len(agreeing) or agreeing[0] > ACCIDENTS * len(ascending):
        return None
    start = int(agreeing[0])
    return float(ascending[start + count // 2])
