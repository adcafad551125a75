"""Timing calls of a kernel in windows in which the machine does nothing else."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tvm
import tvm_ffi

from cosearch._threads import set_threads
from cosearch.timing.seats import take_seats

PROTOCOL_VERSION = 4
"""Goes up when a measurement by this protocol means something else than before."""

_COLUMNS = 10
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Windows:
    """What was seen, one value for each window; times in microseconds.

    Attributes
    ----------
    call_us : numpy.ndarray
        Time of one call.
    own_share : numpy.ndarray
        Share of the calls' time in which the calling thread ran.
    pool_share : numpy.ndarray
        The least share of it in which another thread of the kernel ran.
    gap_us : numpy.ndarray
        Longest time for which some core was not held; infinite where one never was.
    compute_us : numpy.ndarray
        ``[windows, 2]``: the compute-bound reference before and after the calls.
    memory_us : numpy.ndarray
        ``[windows, 2]``: the memory-bound one.
    clock_us : numpy.ndarray
        ``[windows, 2]``: the one that takes a number of cycles whoever shares the core.
    """

    call_us: Values
    own_share: Values
    pool_share: Values
    gap_us: Values
    compute_us: Values
    memory_us: Values
    clock_us: Values

    @property
    def pace(self) -> Values:
        """The compute-bound reference by the clock-bound, ``[windows, 2]``."""
        return self.compute_us / self.clock_us

    @property
    def share(self) -> Values:
        """The least share of the time in which a thread of the kernel ran."""
        return np.minimum(self.own_share, self.pool_share)

    def __len__(self) -> int:
        """Count the windows."""
        return len(self.call_us)

    def __add__(self, other: "Windows") -> "Windows":
        """Join with later windows."""
        names = self.__dataclass_fields__
        return Windows(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in names))


class Stopwatch:
    """Times calls of kernels on some threads.

    A window wakes all threads that matter at once (see ``cpp/timing/windows.h``): reference work,
    the calls, and the reference again. The process may have other threads, but they should sleep.

    Parameters
    ----------
    threads : int
        Threads that kernels run on.
    realtime : bool
        Whether to ask for real-time priority.

    Attributes
    ----------
    exclusive : bool
        Whether the system gives windows real-time priority: then nobody computes meanwhile,
        however busy the machine is. Linux asks for the capability ``CAP_SYS_NICE``.
    make_log : tvm_ffi.Function
        Makes what `cosearch.timing.call_log.CallLog` is of.
    """

    def __init__(self, threads: int, *, realtime: bool = True) -> None:
        self.threads = threads
        seats = take_seats(threads)
        make = tvm_ffi.get_global_func("cosearch.timing.Stopwatch")
        exclusive, self._time, self.make_log = make(
            threads,
            seats.own_core,
            list(seats.held_cores),
            list(seats.pool_threads),
            _parallel_launch(),
            # A thread without the priority would wait for ever for one that has it.
            realtime and len(seats.pool_threads) == threads - 1 and seats.own_core >= 0,
        )
        self.exclusive = bool(exclusive)

    def time(
        self, kernel: Any, arguments: Sequence[Any], *, calls: int, warm_up: int, windows: int
    ) -> Windows:
        """Time calls of a kernel.

        Parameters
        ----------
        kernel : tvm_ffi.Function
            What to call.
        arguments : sequence
            Its arguments.
        calls : int
            In each window.
        warm_up : int
            Calls before these, which are not timed.
        windows : int
            How many.

        Raises
        ------
        Exception
            Whatever the kernel raises.
        """
        set_threads(self.threads)  # others of this process may have changed it
        out = np.empty((windows, _COLUMNS))
        self._time(kernel, list(arguments), calls, warm_up, tvm_ffi.from_dlpack(out))
        us = out / 1e3
        return Windows(
            call_us=us[:, 0],
            own_share=out[:, 1],
            pool_share=out[:, 2],
            gap_us=us[:, 3],
            compute_us=us[:, 4:6],
            memory_us=us[:, 6:8],
            clock_us=us[:, 8:10],
        )


def _parallel_launch() -> int:
    """Return the address of the function by which kernels use TVM's pool."""
    library = tvm.base._LOADED_LIBS["tvm_runtime"]
    return ctypes.cast(library.TVMBackendParallelLaunch, ctypes.c_void_p).value or 0
