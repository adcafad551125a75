"""measure_network: whole runs and the kernels inside, of a real network."""

import numpy as np
import pytest
import tvm

from cosearch import ScheduleDatabase, frontend, relay
from cosearch.latency import Laboratory
from cosearch.relay import log_overhead, logged_runs
from cosearch.relay.measure_network import measure_network, measure_run, ready_module
from cosearch.schedules import resolve_target
from cosearch.timing.call_log import CallLog

BUDGET_S = 0.5


@pytest.fixture(scope="module")
def laboratory(target):
    return Laboratory(target)


@pytest.fixture(scope="module")
def library(network, target, sampled_records):
    with ScheduleDatabase.in_memory() as database:
        database.add_many(sampled_records)
        return relay.build(frontend.from_onnx(network.onnx), target)


def test_kernels_are_parts_of_the_run(library, laboratory):
    found = measure_network(library, laboratory, budget_s=BUDGET_S)
    kernels = {kernel.name: kernel for kernel in library.reuse.kernels}
    assert set(found.kernels) == set(kernels)
    together = sum(found.kernels[name].latency_us * kernels[name].calls for name in kernels)
    # What is left goes to calls of the virtual machine's own functions.
    assert 0.3 * found.network.latency_us < together < 1.1 * found.network.latency_us
    assert dict(found.network.parts) == {
        kernel.workload: sum(k.calls for k in kernels.values() if k.workload == kernel.workload)
        for kernel in kernels.values()
    }
    for label in [found.network, *found.kernels.values()]:
        assert 0 <= label.low_us <= label.latency_us <= label.high_us
    assert {label.network for label in found.kernels.values()} == {found.network.key}


def test_the_log_is_gone_afterwards(library, laboratory, monkeypatch):
    logs = []

    class Kept(CallLog):
        def __init__(self, stopwatch):
            super().__init__(stopwatch)
            logs.append(self)

    monkeypatch.setattr(logged_runs, "CallLog", Kept)
    module = ready_module(library, seed=0)
    measure_run(module, laboratory, budget_s=BUDGET_S)
    log = logs[0]  # another may have been for what a log adds
    log.take()
    module.run()
    functions, times_us, probes = log.take()
    assert (len(functions), len(times_us), len(probes)) == (0, 0, 0)
    log.attach(module.module)
    module.run()
    assert len(log.take()[0]) > len(library.reuse.kernels)
    log.detach(module.module)


def test_a_run_that_fails_is_logged_no_more(laboratory):
    machine = tvm.relax.VirtualMachine(
        tvm.relax.build(log_overhead._calls_of_nothing(), "llvm"), tvm.cpu()
    )
    with pytest.raises(tvm.error.InternalError, match="expects 1 argument"):
        logged_runs.log_runs(machine.module, [], laboratory, budget_s=BUDGET_S)
    argument = tvm.runtime.tensor(np.zeros(1, "float32"))
    found = logged_runs.log_runs(machine.module, [argument], laboratory, budget_s=BUDGET_S)
    assert len(found.functions) >= log_overhead.CALLS
    assert found.segments == 1


def test_what_a_log_adds_is_measured_once(laboratory, monkeypatch):
    first = log_overhead.log_overhead_us(laboratory)
    assert abs(first) < 2
    monkeypatch.setattr(log_overhead, "log_runs", None)
    assert log_overhead.log_overhead_us(laboratory) == first


def test_a_laboratory_of_other_threads_is_refused(library):
    other = Laboratory(resolve_target("llvm -mcpu=native -num-cores=1"))
    with pytest.raises(ValueError, match="compiled for 2 threads, and would be measured on 1"):
        measure_network(library, other, budget_s=BUDGET_S)
