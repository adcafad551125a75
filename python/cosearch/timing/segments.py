"""Runs that take longer than a machine is quiet: their parts are estimated one by one."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cosearch.timing.calibration import Calibration
from cosearch.timing.estimate import (
    ENOUGH,
    FEW,
    NINETY_PERCENT,
    SURE,
    UNSURE,
    are_alone,
    are_doubtful,
    are_undisturbed,
    clean_pace,
    low_quantile,
)
from cosearch.timing.stopwatch import Values

SEGMENT_US = 500.0
"""How long the calls between two looks at the machine take, unless a single one takes longer."""
MOST_UNSTABLE = 0.05
"""Share of a run that may be of segments which were hardly ever undisturbed."""
_OF_RUNS = ("call_us", "compute_us", "clock_us", "share", "gap_us")


@dataclass(frozen=True)
class SegmentedRuns:
    """Runs of a program, and how the machine was between segments of them.

    Attributes
    ----------
    starts : numpy.ndarray
        int ``[segments]``: place of the first call of each, the first 0.
    call_us : numpy.ndarray
        ``[runs, calls]``, microseconds.
    compute_us, clock_us : numpy.ndarray
        ``[runs, segments, 2]``: the compute-bound and the clock-bound reference before and after
        each segment.
    share, gap_us : numpy.ndarray
        ``[runs, segments]``: see `cosearch.timing.estimate.Looks`.
    """

    starts: npt.NDArray[np.int64]
    call_us: Values
    compute_us: Values
    clock_us: Values
    share: Values
    gap_us: Values

    @classmethod
    def of_log(
        cls, starts: npt.NDArray[np.int64], times_us: Values, probes: Values
    ) -> "SegmentedRuns":
        """Read what `CallLog.take` returned of whole runs that were probed at `starts`."""
        looks = probes.reshape(-1, len(starts) + 1, 5)
        compute_us, clock_us = (
            np.stack([looks[:, :-1, column], looks[:, 1:, column]], axis=-1) for column in (0, 4)
        )
        share, gap_us = looks[:, 1:, 1:3].min(axis=-1), looks[:, 1:, 3].copy()
        return cls(starts, times_us.reshape(len(looks), -1), compute_us, clock_us, share, gap_us)

    @property
    def pace(self) -> Values:
        """The compute-bound reference by the clock-bound, ``[runs, segments, 2]``."""
        return self.compute_us / self.clock_us

    def __add__(self, other: "SegmentedRuns") -> "SegmentedRuns":
        """Join with later runs."""
        joined = (np.concatenate([getattr(self, n), getattr(other, n)]) for n in _OF_RUNS)
        return SegmentedRuns(self.starts, *joined)

    def __len__(self) -> int:
        """Count the runs."""
        return len(self.call_us)

    def without_first(self, period: int) -> "SegmentedRuns":
        """Leave out the first of every so many runs."""
        kept = np.arange(len(self)) % period > 0
        return SegmentedRuns(self.starts, *(getattr(self, name)[kept] for name in _OF_RUNS))


@dataclass(frozen=True)
class SegmentedEstimate:
    """What the calls of a run take, in microseconds, scaled as an `Estimate` is.

    Attributes
    ----------
    latency_us, low_us, high_us : float
        Of all of them together, and the interval.
    call_us, call_low_us, call_high_us : numpy.ndarray
        ``[calls]``: of each where it stands, and the spread of what it was estimated from.
    steady : numpy.ndarray
        bool ``[calls]``: whether nothing disturbed the segment of each often enough.
    sure : bool
        Whether more runs are unlikely to change it.
    unstable : bool
        Whether the machine was hardly ever quiet.
    """

    latency_us: float
    low_us: float
    high_us: float
    call_us: Values
    call_low_us: Values
    call_high_us: Values
    steady: npt.NDArray[np.bool_]
    sure: bool
    unstable: bool

    def less(self, call_us: float) -> "SegmentedEstimate":
        """Take off what each call is known to have been timed too long."""
        every_us = call_us * len(self.call_us)
        return replace(
            self,
            latency_us=self.latency_us - every_us,
            low_us=self.low_us - every_us,
            high_us=self.high_us - every_us,
            call_us=np.maximum(self.call_us - call_us, 0),
            call_low_us=np.maximum(self.call_low_us - call_us, 0),
            call_high_us=np.maximum(self.call_high_us - call_us, 0),
        )

    def widened(self, standard_error: float) -> "SegmentedEstimate":
        """Let the interval hold what estimates of other times say.

        Parameters
        ----------
        standard_error : float
            Of their mean, as a share of it.
        """
        half = NINETY_PERCENT * standard_error * self.latency_us
        low_us = min(self.low_us, self.latency_us - half)
        high_us = max(self.high_us, self.latency_us + half)
        unstable = self.unstable or high_us - low_us > UNSURE * self.latency_us
        return replace(self, low_us=low_us, high_us=high_us, unstable=unstable)


def choose_segments(call_us: Values) -> npt.NDArray[np.int64]:
    """Cut a run into segments of `SEGMENT_US` or more; return the place where each begins.

    Parameters
    ----------
    call_us : numpy.ndarray
        ``[calls]``: what each takes, roughly.
    """
    starts, since = [0], 0.0
    for place, us in enumerate(call_us):
        if since >= SEGMENT_US and call_us[place:].sum() >= SEGMENT_US / 2:
            starts.append(place)
            since = 0.0
        since += float(us)
    return np.array(starts, "int64")


def estimate_segments(seen: SegmentedRuns, calibration: Calibration) -> SegmentedEstimate:
    """Estimate a run by those of its segments that nothing disturbed, in whichever run that was.

    A run of ten milliseconds is hardly ever undisturbed on a busy machine, half a millisecond of it
    is. Each segment is estimated as a window is (see `cosearch.timing.estimate`), and the run takes
    what they take together. The interval is that of a sum of independent errors.

    Parameters
    ----------
    seen : SegmentedRuns
        At least one run.
    calibration : Calibration
        Times of the reference on the quiet machine.
    """
    pace = seen.pace
    floor = clean_pace(pace.reshape(-1, 2), calibration)
    alone = are_alone(seen)
    good = alone & are_undisturbed(seen, floor)
    sizes = np.diff([*seen.starts, seen.call_us.shape[1]])
    speed = calibration.clock_us / seen.clock_us.mean(axis=-1)
    call_us = seen.call_us * np.repeat(speed, sizes, axis=1)
    ends = [*seen.starts[1:].tolist(), call_us.shape[1]]
    found, doubtful = np.empty((len(ends), 3)), np.empty(len(ends), bool)
    calls = np.empty((3, call_us.shape[1]))
    for place, (start, end) in enumerate(zip(seen.starts.tolist(), ends, strict=True)):
        own, slower = call_us[:, start:end], pace[:, place].max(axis=-1)
        total = own.sum(axis=1)
        found[place] = low_quantile(total, slower, good[:, place])
        doubtful[place] = are_doubtful(total, good[:, place], alone[:, place])
        # Only whole segments are chosen from: the quickest calls of each would be none that ever
        # was.
        chosen = np.flatnonzero(good[:, place])
        if len(chosen) < FEW:
            chosen = np.argsort(slower, kind="stable")[:FEW]
        quick = chosen[np.argsort(total[chosen], kind="stable")[: max(1, len(chosen) // 2)]]
        scale = found[place, 0] / total[quick].mean()
        few = own[quick] * scale
        calls[:, start:end] = few.mean(axis=0), few.min(axis=0), few.max(axis=0)
    latency_us, counts = float(found[:, 0].sum()), good.sum(axis=0)
    below = float(np.linalg.norm(found[:, 0] - found[:, 1]))
    above = float(np.linalg.norm(found[:, 2] - found[:, 0]))
    shaken = float(found[doubtful, 0].sum()) / latency_us
    return SegmentedEstimate(
        latency_us=latency_us,
        low_us=latency_us - below,
        high_us=latency_us + above,
        call_us=calls[0],
        call_low_us=calls[1],
        call_high_us=calls[2],
        steady=np.repeat(~doubtful, sizes),
        sure=bool(counts.min() >= ENOUGH)
        and not doubtful.any()
        and below + above <= SURE * latency_us,
        unstable=shaken > MOST_UNSTABLE or below + above > UNSURE * latency_us,
    )
