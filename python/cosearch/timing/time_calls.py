"""Timing a kernel for as long as it takes to be sure."""

import math
import time
from collections.abc import Sequence
from typing import Any

from cosearch.timing.calibration import Calibration
from cosearch.timing.estimate import FEW, Estimate, estimate
from cosearch.timing.stopwatch import Stopwatch

BUDGET_S = 4.0
"""Seconds after which no more windows are tried: enough for a neighbour to calm down."""
WINDOW_US = 300.0
"""How long the calls of a window take together: less than a process's turn on a busy machine."""
WARM_UP_US = 150.0
BATCH = 10
MOST_CALLS = 4096
HOPELESS = 3.0
"""A kernel that takes so many times the best one's time is not looked at more closely."""
_PAUSE_S = 0.1
"""Rest after a batch without a good window."""


def time_calls(
    stopwatch: Stopwatch,
    calibration: Calibration,
    kernel: Any,
    arguments: Sequence[Any],
    *,
    budget_s: float = BUDGET_S,
    best_us: float = math.inf,
) -> Estimate:
    """Time calls of a kernel until the estimate is sure, or the time is over.

    Parameters
    ----------
    stopwatch : Stopwatch
        For the kernel's number of threads.
    calibration : Calibration
        Of the same number of threads.
    kernel : tvm_ffi.Function
        What to call.
    arguments : sequence
        Its arguments.
    budget_s : float
        Seconds to spend at most; a quiet machine needs a tenth of one.
    best_us : float
        Time of the best kernel so far, in microseconds: one that is slower beyond doubt is not
        looked at more closely, least of all if it takes `HOPELESS` times as long.

    Raises
    ------
    Exception
        Whatever the kernel raises.
    """
    kernel(*arguments)  # one that hangs or crashes does not do so with real-time priority
    start = time.monotonic()
    seen = stopwatch.time(kernel, arguments, calls=1, warm_up=1, windows=1)
    if seen.call_us[0] > HOPELESS * best_us:
        # A single call can be slow by accident, three can not.
        seen += stopwatch.time(kernel, arguments, calls=1, warm_up=0, windows=2)
        if seen.call_us.min() > HOPELESS * best_us:
            return estimate(seen, calibration)
    calls = max(1, min(MOST_CALLS, math.ceil(WINDOW_US / max(float(seen.call_us.min()), 0.1))))
    warm_up = max(1, round(calls * WARM_UP_US / WINDOW_US))
    windows = stopwatch.time(kernel, arguments, calls=calls, warm_up=warm_up, windows=BATCH)
    found = estimate(windows, calibration)
    while not _settled(found, best_us) and time.monotonic() - start < budget_s:
        if found.good_windows * 2 < found.windows:
            time.sleep(_PAUSE_S)
        windows += stopwatch.time(kernel, arguments, calls=calls, warm_up=warm_up, windows=BATCH)
        found = estimate(windows, calibration)
    return found


def _settled(found: Estimate, best_us: float) -> bool:
    """Tell whether more windows are of no use."""
    return found.sure or (found.good_windows >= FEW and found.low_us > best_us)
