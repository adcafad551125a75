"""A worker: compiles candidates, keeps the kernels, runs them when told."""

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
from dataclasses import asdict
from typing import Any, NoReturn

import tvm
import tvm_ffi
from tvm.ir import IRModule
from tvm.ir.instrument import pass_instrument
from tvm.target import Target
from tvm.tirx import BufferStore
from tvm_ffi.serialization import from_json_graph_str

from cosearch.schedules.prefetch_weights import as_in_networks
from cosearch.schedules.workers import channel
from cosearch.schedules.workers.arguments import ArgumentPool
from cosearch.schedules.workers.compare import compare
from cosearch.timing import Calibration, Stopwatch, calibrate, time_calls

BUDGET_S = 0.5
"""Seconds for timing one candidate where the machine is busy; else it takes a twentieth of one."""
_PR_SET_PDEATHSIG = 1
UNROLL_PASS = "tirx.UnrollLoop"


class TooManyStoresError(ValueError):
    """Unrolled, a candidate is more code than it is worth compiling."""


@pass_instrument
class StoreLimit:
    """Stops a compilation whose loops were unrolled to too many stores.

    Parameters
    ----------
    stores : int
        Stores that a kernel may have after unrolling.

    Attributes
    ----------
    exceeded_by : int
        Stores of a kernel that had too many, 0 before there is one.
    """

    def __init__(self, stores: int) -> None:
        self._stores = stores
        self.exceeded_by = 0

    def run_after_pass(self, mod: IRModule, info: tvm.transform.PassInfo) -> None:
        """Count after `UnrollLoop`: what follows takes time for each store."""
        if info.name != UNROLL_PASS:
            return
        count = 0

        def add(_: BufferStore) -> None:
            nonlocal count
            count += 1

        for _, func in mod.functions_items():
            tvm_ffi.structural_walk(func.body, (BufferStore, add))
        if count > self._stores:
            self.exceeded_by = count
            raise TooManyStoresError


def compile_candidate(mod: IRModule, target: Target, max_stores: int) -> tvm.runtime.Module:
    """Compile a scheduled workload down to machine code in this process.

    The checks of a call's arguments are left out: they are outside of the function that holds the
    loops, and take LLVM longer than many a kernel.

    Raises
    ------
    TooManyStoresError
        When unrolling makes more stores than that.
    """
    mod = as_in_networks(mod)
    limit = StoreLimit(max_stores)
    options = {"tirx.disable_assert": True}
    try:
        with tvm.transform.PassContext(opt_level=3, config=options, instruments=[limit]):
            module = tvm.tirx.build(mod, target=target)
    except Exception as error:
        if limit.exceeded_by:
            text = f"it unrolls to {limit.exceeded_by} stores, more than {max_stores}"
            raise TooManyStoresError(text) from error
        raise
    module["main"]  # LLVM makes machine code when the function is first asked for
    return module


class Worker:
    """What a worker keeps between messages."""

    def __init__(self) -> None:
        self._modules: dict[str, tvm.runtime.Module] = {}
        self._targets: dict[str, Target] = {}
        self._arguments = ArgumentPool()
        self._threads = 1
        self._stopwatch: Stopwatch | None = None

    def answer(self, message: channel.Message, payload: bytes) -> channel.Message:
        """Do what a message asks for."""
        try:
            result: channel.Message = getattr(self, f"_{message['do']}")(message, payload)
            return result
        except Exception as error:  # whatever TVM raises
            return {"failure": _kind(error), "message": _summary(error)}

    def _configure(self, message: channel.Message, _: bytes) -> channel.Message:
        _limit_memory(message["memory_bytes"])
        self._threads = message["threads"]
        tvm.get_global_func("runtime.config_threadpool")(1, self._threads)
        return {"threads": int(tvm.get_global_func("runtime.NumThreads")())}

    def _build(self, message: channel.Message, payload: bytes) -> channel.Message:
        text = message["target"]
        if text not in self._targets:
            self._targets[text] = Target(json.loads(text))
        mod = from_json_graph_str(payload.decode())
        self._modules[message["key"]] = compile_candidate(
            mod, self._targets[text], message["max_stores"]
        )
        return {}

    def _calibrate(self, _message: channel.Message, _: bytes) -> channel.Message:
        return asdict(calibrate(self._watch()))

    def _run(self, message: channel.Message, _: bytes) -> channel.Message:
        module = self._modules.pop(message["key"])
        guarded = self._arguments.get(message["args_info"])
        best_us = message["best_us"]
        found = time_calls(
            self._watch(),
            Calibration(**message["calibration"]),
            module["main"],
            [argument.tensor for argument in guarded],
            budget_s=BUDGET_S,
            best_us=float("inf") if best_us is None else best_us,
        )
        outside = [i for i, argument in enumerate(guarded) if not argument.intact()]
        if outside:
            return _overrun(outside)
        # The median of what is returned is the estimate.
        return {"latencies_us": [found.low_us, found.latency_us, found.high_us]}

    def _watch(self) -> Stopwatch:
        if self._stopwatch is None:
            self._stopwatch = Stopwatch(self._threads)
        return self._stopwatch

    def _compare(self, message: channel.Message, payload: bytes) -> channel.Message:
        outcome = compare(payload, message["args_info"], Target(json.loads(message["target"])))
        if isinstance(outcome, list):
            return _overrun(outcome)
        return {"difference": outcome}


def run(end: socket.socket, server: int) -> NoReturn:
    """Answer messages until the other end is gone; then end the process at once."""
    code = 1
    try:
        _isolate(server)
        worker = Worker()
        while True:
            message, payload = channel.receive(end)
            channel.send(end, worker.answer(message, payload))
    except (EOFError, OSError):
        code = 0
    finally:
        # No finalisers: they are the fork server's.
        os._exit(code)


def _overrun(arguments: list[int]) -> channel.Message:
    where = ", ".join(map(str, arguments))
    return {"failure": "overrun", "message": f"it wrote outside of argument {where}"}


def _isolate(server: int) -> None:
    """Die with the fork server, write nothing, leave no core, be the first to go without memory."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:
            os._exit(0)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
            file.write("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)


def _limit_memory(limit_bytes: int) -> None:
    """Make allocations fail above a limit on the process's private memory."""
    resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))


def _kind(error: BaseException) -> str:
    if isinstance(error, TooManyStoresError):
        return "size"
    if isinstance(error, MemoryError) or "bad_alloc" in str(error):
        return "memory"
    return "error"


def _summary(error: Any) -> str:
    """Last line of an error's text, where TVM says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:500]
