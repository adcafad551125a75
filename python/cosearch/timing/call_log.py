"""What each kernel of a network takes where it stands, between the others."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tvm_ffi


class CallLog:
    """An instrument of TVM's virtual machine that times every call, in C++.

    Attributes
    ----------
    instrument : tvm_ffi.Function
        For ``VirtualMachine.set_instrument``.
    """

    def __init__(self) -> None:
        make = tvm_ffi.get_global_func("cosearch.timing.CallLog")
        self.instrument, self._functions, self._size, self._take = make()

    def take(self) -> tuple[list[str], npt.NDArray[np.int32], npt.NDArray[np.float64]]:
        """Return what was called since the last time, and forget it.

        Returns
        -------
        names : list of str
            Of all functions that were ever called.
        functions : numpy.ndarray
            int32 ``[calls]``: place in `names` of each function, in the order of the calls.
        times_us : numpy.ndarray
            float64 ``[calls]``: how long each call took, in microseconds.
        """
        size = int(self._size())
        functions, times = np.empty(size, "int32"), np.empty(size)
        self._take(tvm_ffi.from_dlpack(functions), tvm_ffi.from_dlpack(times))
        return [str(name) for name in self._functions()], functions, times / 1e3

    def attach(self, machine: Any) -> None:
        """Time the calls of a virtual machine from now on."""
        machine.set_instrument(self.instrument)

    def detach(self, machine: Any) -> None:
        """Time a virtual machine's calls no more."""
        machine.set_instrument(None)
