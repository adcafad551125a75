"""What each kernel of a network takes where it stands, between the others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tvm_ffi

from cosearch.timing.stopwatch import Stopwatch, Values


class CallLog:
    """An instrument of TVM's virtual machine that times every call, in C++.

    Before some of the calls it looks at the machine, as windows do before and after.

    Parameters
    ----------
    stopwatch : Stopwatch
        Which times the runs.

    Attributes
    ----------
    instrument : tvm_ffi.Function
        For ``VirtualMachine.set_instrument``.
    """

    def __init__(self, stopwatch: Stopwatch) -> None:
        parts = stopwatch.make_log()
        self.instrument, self._functions, self._probe_at, self._sizes, self._take = parts

    def probe_at(self, places: Sequence[int], run_length: int) -> None:
        """Look at the machine before some calls of each run from now on, and after its last.

        Parameters
        ----------
        places : sequence of int
            Which calls of a run, in ascending order.
        run_length : int
            Calls of a run; 0 to look no more.
        """
        self._probe_at(list(places), run_length)

    def take(self) -> tuple[npt.NDArray[np.int32], Values, Values]:
        """Return what was called since the last time, and forget it.

        Returns
        -------
        functions : numpy.ndarray
            int32 ``[calls]``: place in `names` of each function, in the order of the calls.
        times_us : numpy.ndarray
            float64 ``[calls]``: how long each call took, in microseconds.
        probes : numpy.ndarray
            float64 ``[probes, 5]``: time of the compute-bound reference in microseconds, then, of
            the time since the probe before, `own_share`, `pool_share` and `gap_us` of `Windows`,
            and the time of the reference that counts cycles.
        """
        calls, looks = (int(size) for size in self._sizes())
        functions, times, probes = np.empty(calls, "int32"), np.empty(calls), np.empty((looks, 5))
        self._take(*(tvm_ffi.from_dlpack(array) for array in (functions, times, probes)))
        return functions, times / 1e3, probes / np.array([1e3, 1, 1, 1e3, 1e3])

    def names(self) -> list[str]:
        """Return the names of all functions that were ever called."""
        return [str(name) for name in self._functions()]

    def attach(self, machine: Any) -> None:
        """Time the calls of a virtual machine from now on."""
        machine.set_instrument(self.instrument)

    def detach(self, machine: Any) -> None:
        """Time a virtual machine's calls no more."""
        machine.set_instrument(None)
