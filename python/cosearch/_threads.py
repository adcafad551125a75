"""How many threads TVM's kernels run on; never left to chance."""

import contextlib
import os
import threading
import warnings
from pathlib import Path

_TASKS = Path("/proc/self/task")


def default_threads() -> int:
    """Return the number of physical cores that this process may run on.

    TVM's own default is half of the processors on x86, which assumes that each core has two
    hyper-threads: on a machine without them half of it stays idle.
    """
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    logical = psutil.cpu_count(logical=True) or 1
    physical = psutil.cpu_count(logical=False) or logical
    return max(1, min(usable or 1, physical))


def size_thread_pool() -> None:
    """Let TVM's thread pools, which are sized when they start, use every physical core.

    A ``TVM_NUM_THREADS`` in the environment is left as it is.
    """
    os.environ.setdefault("TVM_NUM_THREADS", str(default_threads()))


class _Pool(threading.local):
    threads: int | None = None


_pool = _Pool()


def set_threads(threads: int) -> None:
    """Run the parallel loops of kernels, called from the current thread, on so many threads.

    Parameters
    ----------
    threads : int
        At most the size of TVM's pool (``TVM_NUM_THREADS`` when the pool starts).

    Warns
    -----
    RuntimeWarning
        When the pool was started with fewer threads.
    """
    if _pool.threads == threads:
        return
    import tvm_ffi

    tvm_ffi.get_global_func("runtime.config_threadpool")(1, threads)
    available = int(tvm_ffi.get_global_func("runtime.NumThreads")())
    if available < threads:
        warnings.warn(
            f"kernels were compiled for {threads} threads, but TVM's pool has {available}: "
            f"set TVM_NUM_THREADS={threads} before the program starts.",
            RuntimeWarning,
            stacklevel=2,
        )
    _pool.threads = threads


def bound_threads(usable: set[int]) -> dict[int, int]:
    """Return the threads of this process that are bound to one of several cores, and their cores.

    They are those of TVM's pool.

    Parameters
    ----------
    usable : set of int
        Cores that the process may use.

    Returns
    -------
    dict of int to int
        Core by the thread's id in the kernel.
    """
    bound: dict[int, int] = {}
    with contextlib.suppress(OSError):  # a thread that has just ended
        for task in _TASKS.iterdir():
            cores = os.sched_getaffinity(int(task.name))
            if len(cores) == 1 and cores != usable:
                bound[int(task.name)] = next(iter(cores))
    return bound
