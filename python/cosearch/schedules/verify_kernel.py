"""Compare a scheduled kernel with the unscheduled one, in a process of its own."""

from types import TracebackType

from tvm.ir import IRModule
from tvm.s_tir.meta_schedule.arg_info import ArgInfo
from tvm.target import Target
from tvm.tirx import PrimFunc

from cosearch.schedules.workers import Failure, WorkerPool
from cosearch.schedules.workers.runner import plain

TOLERANCE = 1e-3
"""Largest difference that another order of summation explains, relative to the largest value."""


class KernelVerifier:
    """Runs both forms of a kernel on the same random input and compares what they wrote.

    Kernels run in worker processes with a time limit: one that crashes, hangs or writes outside of
    its arguments is reported like one that computes something else. Use it as a context manager.

    Parameters
    ----------
    target : tvm.target.Target
        What to compile for.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._pool = WorkerPool(int(target.attrs["num-cores"]))

    def __enter__(self) -> "KernelVerifier":
        """Return the verifier."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the worker processes."""
        self._pool.close()

    def __call__(self, workload: PrimFunc, scheduled: PrimFunc) -> str:
        """Return what is wrong with a scheduled kernel, or nothing."""
        args_info = [plain(info.as_json()) for info in ArgInfo.from_prim_func(workload)]
        mods = [
            IRModule({"main": func.with_attr("global_symbol", "main")})
            for func in (workload, scheduled)
        ]
        answer = self._pool.compare(mods, args_info, self._target)
        if isinstance(answer, Failure):
            return f"cannot be checked: {answer}"
        if not answer <= TOLERANCE:  # not a number is no agreement
            return f"computes something else: it differs by {answer:.1e} of the largest value"
        return ""
