"""From what was seen in windows to a latency and how sure it is."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cosearch.timing.calibration import Calibration, least_agreeing
from cosearch.timing.stopwatch import Values, Windows

TOLERANCE = 0.006
"""How much slower than on the quiet machine the compute-bound reference may be at the clock at
hand, before and after a window. It is reproduced to 0.2 % there; at 1 % more, measured beside other
virtual machines that shared the cores, kernels were up to 20 % slower."""
STEADY = 0.01
"""How much the clock may change in a window; processors change it by 1 to 4 % at a time."""
LEAST_SHARE = 0.97
"""Share of a window in which each thread of a kernel has to run."""
MOST_GAP_US = 100.0
"""Time for which another core may be taken meanwhile: by an interrupt, not by a process."""
ENOUGH = 10
"""Good windows that make an estimate."""
FEW = 4
"""Good windows without which there is none that can be trusted."""
SELDOM = 0.05
"""Share of good windows, of those in which nobody of this machine disturbed, up to which they are
taken for accidents: who shares the cores from outside does so nearly always, and between the two
looks at the pace as well. So measured beside other virtual machines, kernels were up to 40 % slower
in windows before and after which the pace was right."""
QUANTILE = 0.15
"""Of the good windows' times, the one that counts."""
SURE = 0.02
"""Width of the interval, as a share of the latency, at which no more windows are needed."""
UNSURE = 0.1
"""Width of the interval from which on an estimate is unstable; and how much longer one of ten good
windows may take than those that count, as a share."""
MOST = 0.9
"""Quantile of the good windows' times that is compared with the one that counts."""
NINETY_PERCENT = 1.645
"""Standard deviations on both sides of the mean that hold 90 % of a normal distribution."""
FASTER = 5
"""So many windows, and this share of all, in which it was faster than in the calibration are no
accident."""
FASTER_SHARE = 0.01


@dataclass(frozen=True)
class Estimate:
    """What one call takes.

    Attributes
    ----------
    latency_us : float
        Microseconds of a call on the machine as it was calibrated.
    low_us, high_us : float
        The interval that holds it with 90 % confidence, as far as repetition can tell.
    windows, good_windows : int
        How often it was looked at, and how often nothing disturbed.
    unstable : bool
        Whether there were too few good windows, or they disagree (see `are_doubtful`): the latency
        is then an upper bound rather than a measurement.
    speed : float
        Speed of the clock in the windows that count, 1 as calibrated. The latency is scaled by it.
    """

    latency_us: float
    low_us: float
    high_us: float
    windows: int
    good_windows: int
    unstable: bool
    speed: float = 1.0

    @property
    def sure(self) -> bool:
        """Whether more windows are unlikely to change it."""
        width = self.high_us - self.low_us
        enough = self.good_windows >= ENOUGH and not self.unstable
        return enough and width <= SURE * self.latency_us


class Looks(Protocol):
    """How the machine was at some times, before and after each of them."""

    @property
    def pace(self) -> Values:
        """``[..., 2]``: the compute-bound reference by the clock-bound."""

    @property
    def clock_us(self) -> Values:
        """``[..., 2]``: the clock-bound reference."""

    @property
    def share(self) -> Values:
        """``[...]``: the least share of the time in which a thread of the kernel ran."""

    @property
    def gap_us(self) -> Values:
        """``[...]``: the longest time for which another core was not held."""


def are_alone(looks: Looks) -> npt.NDArray[np.bool_]:
    """Tell at what times the clock was steady and nobody of this machine came in between."""
    clock_us = looks.clock_us
    steady = clock_us.max(axis=-1) <= clock_us.min(axis=-1) * (1 + STEADY)
    return np.asarray(steady & (looks.share >= LEAST_SHARE) & (looks.gap_us <= MOST_GAP_US))


def are_undisturbed(looks: Looks, floor: float) -> npt.NDArray[np.bool_]:
    """Tell at what times nobody from outside shared the cores.

    Parameters
    ----------
    looks : Looks
        What was seen.
    floor : float
        Pace of the reference work on the quiet machine.
    """
    return np.asarray(looks.pace.max(axis=-1) <= floor * (1 + TOLERANCE))


def are_doubtful(
    times_us: Values, good: npt.NDArray[np.bool_], alone: npt.NDArray[np.bool_]
) -> bool:
    """Tell whether good times are too few, or disagree, or are good by accident.

    Parameters
    ----------
    times_us : numpy.ndarray
        ``[times]``.
    good, alone : numpy.ndarray
        bool ``[times]``: at what times nothing disturbed, and see `are_alone`.
    """
    times = times_us[good]
    if len(times) < FEW or len(times) < SELDOM * alone.sum():
        return True
    usual, most = np.quantile(times, [QUANTILE, MOST])
    return bool(most - usual > UNSURE * usual)


def estimate(windows: Windows, calibration: Calibration) -> Estimate:
    """Estimate the latency of a call.

    Windows count in which the compute-bound reference took as many cycles as it does on the quiet
    machine, the clock did not change, all threads ran all the time, and nobody else ran. Their
    times are scaled to the clock as it was calibrated: what is computed in a core or read from its
    own caches takes a number of cycles. Of them a low quantile is taken: what is left of
    disturbance only adds to them.

    Parameters
    ----------
    windows : Windows
        At least one.
    calibration : Calibration
        Times of the reference on the quiet machine.
    """
    alone = are_alone(windows)
    good = alone & are_undisturbed(windows, clean_pace(windows.pace, calibration))
    count = int(good.sum())
    speed = calibration.clock_us / windows.clock_us.mean(axis=1)
    times_us = windows.call_us * speed
    latency_us, low_us, high_us = low_quantile(times_us, windows.pace.max(axis=1), good)
    return Estimate(
        latency_us=latency_us,
        low_us=low_us,
        high_us=high_us,
        windows=len(windows),
        good_windows=count,
        unstable=are_doubtful(times_us, good, alone) or high_us - low_us > UNSURE * latency_us,
        speed=float(np.median(speed[good] if count else speed)),
    )


def low_quantile(
    times_us: Values, pace: Values, good: npt.NDArray[np.bool_]
) -> tuple[float, float, float]:
    """Return the time that counts, and the ends of its interval.

    Parameters
    ----------
    times_us, pace : numpy.ndarray
        ``[times]``, and the slower pace beside each.
    good : numpy.ndarray
        bool ``[times]``: where nothing disturbed. Where that is hardly ever so, the least disturbed
        ones are all from which anything can be said.
    """
    if good.sum() >= FEW:
        times = np.sort(times_us[good])
    else:
        times = np.sort(times_us[np.argsort(pace, kind="stable")[:FEW]])
    found = float(np.quantile(times, QUANTILE))
    low, high = _ranks(len(times), QUANTILE)
    return found, min(found, float(times[low])), max(found, float(times[high]))


def clean_pace(pace: Values, calibration: Calibration) -> float:
    """Return the pace of the reference work where nothing disturbs it.

    It is the calibrated one, unless the machine was faster several times: then the calibration was
    disturbed. That it is slower, however steadily, says that others share the cores.

    Parameters
    ----------
    pace : numpy.ndarray
        ``[times, 2]``: before and after something.
    calibration : Calibration
        Its times on the quiet machine.
    """
    seen = np.sort(pace.min(axis=1))
    count = max(FASTER, math.ceil(FASTER_SHARE * len(seen)))
    least = least_agreeing(seen, count) if len(seen) >= count else None
    return calibration.pace if least is None else min(least, calibration.pace)


def _ranks(count: int, quantile: float) -> tuple[int, int]:
    """Return the places, in ascending order, between which a quantile lies in 90 of 100 samples.

    Of `count` values about ``count * quantile`` lie below the quantile, as a binomial scatters.
    """
    below = count * quantile
    spread = NINETY_PERCENT * math.sqrt(below * (1 - quantile))
    low, high = math.floor(below - spread), math.ceil(below + spread)
    return max(0, low), min(count - 1, high)
