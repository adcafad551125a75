"""Workers: what a candidate can do to them, and what becomes of the batch then."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import misbehaving_kernels as kernels
import numpy as np
import psutil
import pytest

from cosearch.schedules import resolve_target
from cosearch.schedules.workers import Failure, WorkerError, WorkerPool, fork_server, zygote
from cosearch.schedules.workers.arguments import ArgumentPool, GuardedTensor
from cosearch.schedules.workers.pool import Kernel

TARGET = resolve_target("llvm -mcpu=native -num-cores=2")


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, workers=2, run_timeout_s=2.0) as pool:
        yield pool


def measure(pool, *funcs):
    """Build a batch, then run it."""
    built = pool.build([kernels.module_of(func) for func in funcs], TARGET)
    return [
        pool.run(kernel, kernels.ARGS_INFO) if isinstance(kernel, Kernel) else kernel
        for kernel in built
    ]


def is_time(outcome):
    return not isinstance(outcome, Failure) and all(0 < latency_us < 1e6 for latency_us in outcome)


def gone(pid):
    """Tell whether a process has ended, within some seconds."""
    for _ in range(100):
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.1)
                continue
        return True
    return False


def test_batch_is_measured(pool):
    outcomes = measure(pool, *[kernels.add_one] * 5)
    assert all(is_time(outcome) for outcome in outcomes)
    assert len(pool.pids()) == 2


@pytest.mark.parametrize(
    ("func", "kind", "message"),
    [
        (kernels.overrun_by_a_bit, "overrun", "argument 1"),
        (kernels.underrun_input, "overrun", "argument 0"),
        (kernels.write_far_away, "crash", "SIGSEGV"),
        (kernels.abort, "crash", "SIGABRT"),
        (kernels.hang, "timeout", "after 2 s"),
        (kernels.eat_memory, "memory", "bad_alloc"),
        (kernels.unroll_a_lot, "size", "2048 stores"),
        (kernels.bind_to_a_gpu, "error", ""),
    ],
)
def test_misbehaving_kernel_fails_alone(pool, func, kind, message):
    before, failure, after = measure(pool, kernels.add_one, func, kernels.add_one)
    assert isinstance(failure, Failure)
    assert failure.kind == kind
    assert message in failure.message
    assert is_time(before)
    assert is_time(after)


def test_failure_is_the_same_each_time(pool):
    assert measure(pool, kernels.overrun_by_a_bit, kernels.unroll_a_lot) == measure(
        pool, kernels.overrun_by_a_bit, kernels.unroll_a_lot
    )


def test_worker_that_crashed_is_replaced(pool):
    measure(pool, kernels.add_one)
    before = set(pool.pids())
    failures = measure(pool, kernels.abort, kernels.abort)
    assert [failure.kind for failure in failures] == ["crash", "crash"]
    assert all(is_time(outcome) for outcome in measure(pool, *[kernels.add_one] * 4))
    assert not before & set(pool.pids())
    assert len(pool.pids()) == 2


def test_worker_killed_while_idle_is_noticed(pool):
    measure(pool, *[kernels.add_one] * 2)
    for pid in pool.pids():
        os.kill(pid, signal.SIGKILL)
    outcomes = measure(pool, *[kernels.add_one] * 6)
    assert sum(is_time(outcome) for outcome in outcomes) >= 4
    assert all(is_time(outcome) for outcome in measure(pool, *[kernels.add_one] * 4))


def test_fork_server_that_was_killed_is_started_again():
    with WorkerPool(1, workers=1) as pool:
        assert is_time(measure(pool, kernels.add_one)[0])
        server = psutil.Process(pool.pids()[0]).parent()
        server.kill()
        assert gone(pool.pids()[0])
        measure(pool, kernels.add_one)
        assert is_time(measure(pool, kernels.add_one)[0])


def test_hanging_compilation_is_killed():
    with WorkerPool(1, workers=1, build_timeout_s=0.05) as pool:
        mod = kernels.module_of(kernels.unroll_a_lot)
        (failure,) = pool.build([mod], TARGET, max_stores=[10**6])
        assert failure.kind == "timeout"
        assert pool.pids() == []


# As many as there are cores: more would take turns, for as long as the machine is busy.
@pytest.mark.parametrize("threads", [1, 2])
def test_kernels_run_on_the_threads_asked_for(threads):
    with WorkerPool(threads, workers=1) as pool:
        assert is_time(measure(pool, kernels.add_one_parallel)[0])
        (pid,) = pool.pids()
        names = [path.read_text().strip() for path in Path(f"/proc/{pid}/task").glob("*/comm")]
        assert sum(name != "cosearch-holder" for name in names) == threads


def test_stop_leaves_the_rest_unmeasured():
    stopped = False
    with WorkerPool(1, workers=1, stop=lambda: stopped) as pool:
        (kernel,) = pool.build([kernels.module_of(kernels.add_one)], TARGET)
        stopped = True
        assert pool.run(kernel, kernels.ARGS_INFO).kind == "stopped"
        (failure,) = pool.build([kernels.module_of(kernels.add_one)], TARGET)
        assert failure.kind == "stopped"


def test_closing_leaves_no_process():
    with WorkerPool(1, workers=2) as pool:
        measure(pool, *[kernels.add_one] * 4)
        pids = [*pool.pids(), psutil.Process(pool.pids()[0]).ppid()]
    assert all(gone(pid) for pid in pids)


def test_no_orphans_when_the_tuner_is_killed():
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
import psutil, test_workers as t
pool = t.WorkerPool(1, workers=2, run_timeout_s=600)
t.measure(pool, *[t.kernels.add_one] * 4)
print(*pool.pids(), psutil.Process(pool.pids()[0]).ppid(), flush=True)
t.measure(pool, t.kernels.hang)
"""
    tuner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in tuner.stdout.readline().split()]
    assert len(pids) == 3
    time.sleep(0.5)
    tuner.kill()
    tuner.communicate()
    assert all(gone(pid) for pid in pids)


def test_fork_server_that_cannot_start_says_why(monkeypatch):
    monkeypatch.setattr(zygote, "command", lambda: "raise ImportError('no such thing')")
    server = fork_server.ForkServer(1)
    with pytest.raises(WorkerError, match="no such thing"):
        server.fork()
    server.close()


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int32", "int8", "bool"])
def test_argument_has_its_type_and_intact_guards(dtype):
    argument = GuardedTensor((3, 5), dtype, np.random.default_rng(0))
    assert str(argument.tensor.dtype) == dtype
    assert tuple(argument.tensor.shape) == (3, 5)
    assert argument.intact()


def test_same_arguments_for_all_candidates_of_a_task():
    arguments = ArgumentPool()
    one = arguments.get(kernels.ARGS_INFO)
    assert arguments.get(list(kernels.ARGS_INFO)) is one
    again = ArgumentPool().get(kernels.ARGS_INFO)
    assert all(
        np.array_equal(a.tensor.numpy(), b.tensor.numpy()) for a, b in zip(one, again, strict=True)
    )
