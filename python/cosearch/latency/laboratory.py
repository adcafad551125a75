"""Measure a kernel or a network so that load on the machine does not change the figure."""

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tvm
import tvm_ffi
from tvm.target import Target

from cosearch.schedules import Conditions, ScheduleDatabase
from cosearch.schedules.label import Context, Label, Level
from cosearch.timing import Calibration, Estimate, Stopwatch, calibrate, time_calls
from cosearch.timing.segments import SegmentedEstimate
from cosearch.timing.time_calls import BUDGET_S


class Laboratory:
    """Where things are measured: a number of threads, and the calibration for it.

    Parameters
    ----------
    target : tvm.target.Target
        With CPU and threads (see `cosearch.schedules.resolve_target`).
    database : ScheduleDatabase, optional
        Where the calibration is kept from one process to the next; without one it is taken anew,
        which takes a second or two.
    recalibrate : bool
        Take the calibration anew even so: after a change of the machine's clock, say.
    realtime : bool
        Whether to ask for real-time priority for the length of a window (milliseconds). Without it
        other processes can come in between; that is noticed, and takes longer on a busy machine.

    Attributes
    ----------
    calibration : Calibration
        How fast the reference work is on the quiet machine.
    """

    def __init__(
        self,
        target: Target,
        database: ScheduleDatabase | None = None,
        *,
        recalibrate: bool = False,
        realtime: bool = True,
    ) -> None:
        self.conditions = Conditions.of(target)
        self.stopwatch = Stopwatch(self.conditions.threads, realtime=realtime)
        known = database.calibration(self.conditions.threads) if database is not None else None
        if known is not None and not recalibrate:
            self.calibration: Calibration = known
            return
        self.calibration = calibrate(self.stopwatch)
        if database is not None and not database.read_only:
            database.keep_calibration(self.conditions.threads, self.calibration)

    def measure(
        self,
        function: Callable[..., Any],
        arguments: Sequence[Any] = (),
        *,
        level: Level = "kernel",
        key: str = "",
        name: str = "",
        context: Context = "alone",
        parts: tuple[tuple[str, int], ...] = (),
        budget_s: float = BUDGET_S,
    ) -> Label:
        """Measure one call of a function, as it runs call after call.

        Each look at it lasts a millisecond or two, between two of reference work: see
        `cosearch.timing.estimate` for what counts. A quiet machine needs a tenth of a second.

        Parameters
        ----------
        function : tvm_ffi.Function or callable
            What to call: a kernel of a module, or ``VirtualMachine(...)["main"]``.
        arguments : sequence
            Its arguments: tensors on the CPU.
        level, key, name, context, parts
            What it is: see `Label`.
        budget_s : float
            Seconds after which an unsure answer has to do.

        Raises
        ------
        Exception
            Whatever the function raises.
        """
        kernel = function if isinstance(function, tvm_ffi.Function) else tvm_ffi.convert(function)
        found = time_calls(self.stopwatch, self.calibration, kernel, arguments, budget_s=budget_s)
        return self.label(found, level=level, key=key, name=name, context=context, parts=parts)

    def label(self, found: Estimate | SegmentedEstimate, **what: Any) -> Label:
        """Make a label of an estimate."""
        return Label(
            latency_us=found.latency_us,
            low_us=found.low_us,
            high_us=found.high_us,
            unstable=found.unstable,
            exclusive=self.stopwatch.exclusive,
            conditions=self.conditions,
            **what,
        )


def measure(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    target: Target,
    *,
    database: ScheduleDatabase | None = None,
    budget_s: float = BUDGET_S,
) -> Label:
    """Measure one call of a kernel so that load on the machine does not change the figure.

    For many of them use a `Laboratory`, which this makes.

    Parameters
    ----------
    function : tvm_ffi.Function or callable
        What to call, such as ``tvm.compile(mod, target)["main"]``.
    arguments : sequence
        Its arguments: numpy arrays, or tensors on the CPU.
    target : tvm.target.Target
        What it was compiled for, with its threads.
    database : ScheduleDatabase, optional
        Where the calibration is kept.
    budget_s : float
        Seconds after which an unsure answer has to do.

    Returns
    -------
    Label
        With its interval, and `Label.unstable` where the machine never was quiet.
    """
    tensors = [tvm.runtime.tensor(a) if isinstance(a, np.ndarray) else a for a in arguments]
    laboratory = laboratory_for(target) if database is None else Laboratory(target, database)
    return laboratory.measure(function, tensors, budget_s=budget_s)


def laboratory_for(target: Target) -> Laboratory:
    """Return this process's laboratory for a target, which is calibrated once."""
    return _of_this_process(str(target))


def network_key(parts: Sequence[tuple[str, int]]) -> str:
    """Return the digest under which a network's label is filed: of its workloads and calls."""
    text = ";".join(f"{workload} {calls}" for workload, calls in sorted(parts))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@functools.cache
def _of_this_process(target: str) -> Laboratory:
    return Laboratory(Target(json.loads(target)))
