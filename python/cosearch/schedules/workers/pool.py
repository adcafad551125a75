"""A pool of workers that compile candidates side by side and run them one by one."""

import itertools
import json
import os
import select
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar

import tvm
from tvm.ir import IRModule
from tvm.target import Target

from cosearch._threads import default_threads
from cosearch.schedules.workers import channel
from cosearch.schedules.workers.failure import Failure
from cosearch.schedules.workers.fork_server import ForkServer
from cosearch.schedules.workers.worker import WorkerHandle

BUILD_TIMEOUT_S = 30.0
RUN_TIMEOUT_S = 10.0
MAX_STORES = 320
"""Of random candidates a tenth unroll to more stores; they took 40 % of the time of compiling all,
and none came near the best."""
DESIGNED_STORES = 1024
"""The same for candidates that the rules have chosen: the tallest of their unrolled windows fit."""
_POLL_S = 0.1
_STOPPED = Failure("stopped", "the tuning stopped before its turn")


@dataclass
class Kernel:
    """A compiled candidate, inside the worker that compiled it.

    Attributes
    ----------
    key : str
        Name that the worker knows it by.
    request : dict
        What to tell a worker to compile it, together with `ir`.
    ir : bytes
        The scheduled module as JSON.
    worker : WorkerHandle
        Who has it.
    """

    key: str
    request: channel.Message
    ir: bytes
    worker: WorkerHandle


class WorkerPool:
    """Compiles and times candidates in processes of their own.

    A candidate that crashes, hangs, takes too much memory or writes outside its arguments is a
    `Failure`; its worker is replaced, what that worker had compiled is compiled again when its turn
    comes, and the batch goes on. Use it as a context manager.

    Parameters
    ----------
    threads : int
        Threads that a kernel runs on.
    workers : int, optional
        Processes that compile at once; by default one per core.
    memory_bytes : int, optional
        Private memory of one worker; by default a quarter of the machine's.
    build_timeout_s, run_timeout_s : float
        Time to compile one candidate, and to time one, in seconds.
    stop : callable, optional
        Asked between candidates; when it says True, what is left becomes a ``"stopped"`` failure.
    """

    _calibrations: ClassVar[dict[int, channel.Message]] = {}
    """Of this machine, by threads: no pool of a process need take them anew."""

    def __init__(
        self,
        threads: int,
        workers: int | None = None,
        *,
        memory_bytes: int | None = None,
        build_timeout_s: float = BUILD_TIMEOUT_S,
        run_timeout_s: float = RUN_TIMEOUT_S,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._threads = threads
        self._size = workers or default_threads()
        self._memory_bytes = memory_bytes or _physical_memory_bytes() // 4
        self._build_timeout_s = build_timeout_s
        self._run_timeout_s = run_timeout_s
        self._stop = stop
        self._keys = itertools.count()
        self._workers: list[WorkerHandle] = []
        self._server = ForkServer(threads)

    def __enter__(self) -> "WorkerPool":
        """Return the pool."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the pool."""
        self.close()

    def pids(self) -> list[int]:
        """Process ids of the living workers."""
        return [worker.pid for worker in self._workers if worker.alive]

    def build(
        self,
        mods: Sequence[IRModule],
        target: Target,
        max_stores: Sequence[int] | None = None,
    ) -> list[Kernel | Failure]:
        """Compile scheduled workloads, several at once.

        Parameters
        ----------
        mods : sequence of tvm.ir.IRModule
            Each with one scheduled PrimFunc, ``main``.
        target : tvm.target.Target
        max_stores : sequence of int, optional
            For each: it is not compiled where it unrolls to more stores. `MAX_STORES` by default.
        """
        limits = [MAX_STORES] * len(mods) if max_stores is None else max_stores
        results: list[Kernel | Failure] = [_STOPPED] * len(mods)
        waiting = deque(enumerate(mods))
        busy: dict[WorkerHandle, tuple[int, Kernel]] = {}
        while busy or (waiting and not self._stop()):
            for worker in self._idle(busy, len(waiting)):
                if self._stop():
                    break
                index, mod = waiting.popleft()
                key = str(next(self._keys))
                request = {"do": "build", "target": str(target), "max_stores": limits[index]}
                kernel = Kernel(key, {**request, "key": key}, _to_json(mod), worker)
                worker.request(kernel.request, self._build_timeout_s, kernel.ir)
                busy[worker] = index, kernel
            for worker in _answering(busy):
                index, kernel = busy.pop(worker)
                answer = worker.answer()
                results[index] = answer if isinstance(answer, Failure) else kernel
        return results

    def run(
        self, kernel: Kernel, args_info: list[Any], best_us: float | None = None
    ) -> list[float] | Failure:
        """Time a compiled candidate while nothing else runs here.

        Parameters
        ----------
        kernel : Kernel
            What `build` made; it is gone afterwards.
        args_info : list
            MetaSchedule's argument infos as JSON.
        best_us : float, optional
            Time of the best candidate so far: a far slower one is not timed closely.

        Returns
        -------
        list of float or Failure
            Microseconds of one call: the lower end of its interval, the estimate, the upper end.
        """
        if self._stop():
            return _STOPPED
        if not kernel.worker.alive:
            kernel.worker = next(iter(self._idle({}, 1)))
            again = kernel.worker.call(kernel.request, self._build_timeout_s, kernel.ir)
            if isinstance(again, Failure):
                return again
        if self._threads not in self._calibrations:
            calibration = kernel.worker.call({"do": "calibrate"}, self._build_timeout_s)
            if isinstance(calibration, Failure):
                return calibration
            self._calibrations[self._threads] = calibration
        message = {
            "do": "run",
            "key": kernel.key,
            "args_info": args_info,
            "best_us": best_us,
            "calibration": self._calibrations[self._threads],
        }
        answer = kernel.worker.call(message, self._run_timeout_s)
        return answer if isinstance(answer, Failure) else answer["latencies_us"]

    def compare(
        self, mods: Sequence[IRModule], args_info: list[Any], target: Target
    ) -> float | Failure:
        """Run two forms of a workload on equal arguments.

        Parameters
        ----------
        mods : sequence of tvm.ir.IRModule
            The two forms, both with the workload's own arguments.
        args_info : list
            MetaSchedule's argument infos as JSON.
        target : tvm.target.Target
            What to compile for.

        Returns
        -------
        float or Failure
            Largest difference of what they wrote, relative to the largest value.
        """
        worker = next(iter(self._idle({}, 1)))
        message = {"do": "compare", "target": str(target), "args_info": args_info}
        texts = json.dumps([tvm.ir.save_json(mod) for mod in mods]).encode()
        answer = worker.call(message, self._build_timeout_s, texts)
        return answer if isinstance(answer, Failure) else float(answer["difference"])

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.kill()
        self._workers = []
        self._server.close()

    def _idle(self, busy: dict[WorkerHandle, Any], wanted: int) -> Iterator[WorkerHandle]:
        """Yield workers without work, forking those that are missing."""
        self._workers = [worker for worker in self._workers if worker.alive]
        idle = [worker for worker in self._workers if worker not in busy]
        for _ in range(min(wanted, self._size - len(busy))):
            if not idle:
                idle.append(WorkerHandle(self._server, self._threads, self._memory_bytes))
                self._workers.append(idle[-1])
            yield idle.pop(0)


def _answering(busy: dict[WorkerHandle, Any]) -> list[WorkerHandle]:
    """Wait a moment for workers that have answered, died, or taken too long."""
    if not busy:
        return []
    readable, _, _ = select.select(list(busy), [], [], _POLL_S)
    return readable or [worker for worker in busy if worker.overdue()]


def _to_json(mod: IRModule) -> bytes:
    return str(tvm.ir.save_json(mod)).encode()


def _physical_memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
