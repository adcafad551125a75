"""A database never makes a build fail: what does not apply is passed over, and said."""

from dataclasses import replace

import numpy as np
import pytest
import tvm
from tvm import relax

from cosearch import frontend
from cosearch.schedules import (
    Conditions,
    RejectedScheduleWarning,
    ScheduleDatabase,
    apply_schedules,
    lower_to_workloads,
)
from cosearch.schedules.apply import CANDIDATES
from cosearch.schedules.verify_kernel import KernelVerifier


@pytest.fixture(scope="module")
def lowered(network, target):
    return lower_to_workloads(frontend.from_onnx(network.onnx), target)


def bad_traces(trace):
    """Traces that TVM refuses, each in another way."""
    instructions, _ = trace
    yield [[["NoSuchInstruction", [], [], []]], []]
    yield [[["GetSBlock", [], ["no_such_block", "main"], ["b0"]]], []]
    yield [instructions[: len(instructions) // 2] + instructions[:3], []]
    yield [[["Split", ["l0", 1, 10**12], [1, 0], ["l1", "l2"]]], []]


def test_every_workload_is_scheduled(lowered, target, database):
    scheduled, applied = apply_schedules(lowered, database, Conditions.of(target))
    assert all(entry.record is not None for entry in applied.values())
    for var, func in scheduled.functions.items():
        if var.name_hint in applied:
            assert func.attrs["tirx.is_scheduled"]
            assert "global_symbol" not in func.attrs


def test_the_module_is_left_as_it_was(lowered, target, database):
    before = lowered.clone()
    apply_schedules(lowered, database, Conditions.of(target))
    assert lowered.functions == before.functions


@pytest.mark.filterwarnings("ignore::cosearch.schedules.store.errors.DamagedRecordWarning")
@pytest.mark.parametrize("index", range(4))
def test_a_bad_trace_falls_back_to_the_next_record(lowered, target, sampled_records, index):
    victim = sampled_records[1]
    bad = replace(victim, trace=list(bad_traces(victim.trace))[index], latencies_us=(0.5,))
    database = ScheduleDatabase.in_memory()
    database.add_many([*sampled_records, bad])
    with pytest.warns(RejectedScheduleWarning, match="does not apply"):
        _, applied = apply_schedules(lowered, database, Conditions.of(target))
    assert all(entry.record is not None for entry in applied.values())


def test_without_another_record_the_rules_schedule(lowered, target, sampled_records):
    victim = sampled_records[1]
    bad = replace(victim, trace=[[["GetSBlock", [], ["nothing", "main"], ["b0"]]], []])
    database = ScheduleDatabase.in_memory()
    database.add(bad)
    with pytest.warns(RejectedScheduleWarning):
        scheduled, applied = apply_schedules(lowered, database, Conditions.of(target))
    reasons = [e.reason for e in applied.values() if e.signature == victim.workload.signature]
    assert len(reasons) == 1
    assert reasons[0].startswith("record 1: does not apply")
    assert all(entry.candidate is not None for entry in applied.values())
    for var, func in scheduled.functions.items():
        if var.name_hint in applied:
            assert func.attrs["tirx.is_scheduled"]


def test_symbolic_extents_keep_their_loops(target):
    builder = relax.BlockBuilder()
    shape = (tvm.tirx.Var("n", "int64"), 8, 8, 16)
    x = relax.Var("x", relax.TensorType(shape, "float32"))
    weights = relax.const(np.ones((3, 3, 16, 16), "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            conv = relax.op.nn.conv2d(
                x, weights, padding=1, data_layout="NHWC", kernel_layout="HWIO"
            )
            out = builder.emit_output(builder.emit(conv))
        builder.emit_func_output(out)
    lowered = lower_to_workloads(builder.get(), target)
    with ScheduleDatabase.in_memory() as database:
        scheduled, applied = apply_schedules(lowered, database, Conditions.of(target))
    assert [entry.candidate for entry in applied.values()] == [None]
    assert "an extent is not constant" in next(iter(applied.values())).reason
    assert scheduled.functions == lowered.functions


def test_rules_that_fail_the_verifier_leave_the_loops(lowered, target):
    with ScheduleDatabase.in_memory() as database:
        scheduled, applied = apply_schedules(
            lowered, database, Conditions.of(target), lambda *_: "computes something else"
        )
    assert not any(entry.candidate for entry in applied.values())
    assert {len(entry.rejected) for entry in applied.values()} <= set(range(1, CANDIDATES + 1))
    assert {entry.reason for entry in applied.values()} == {
        "no record; rules: computes something else"
    }
    assert scheduled.functions == lowered.functions


def test_a_wrong_result_is_rejected(lowered, target, database):
    with pytest.warns(RejectedScheduleWarning, match="computes something else"):
        _, applied = apply_schedules(
            lowered, database, Conditions.of(target), lambda *_: "computes something else"
        )
    assert all(entry.record is None for entry in applied.values())


def test_right_results_pass_the_verifier(lowered, target, database):
    with KernelVerifier(target) as verifier:
        _, applied = apply_schedules(lowered, database, Conditions.of(target), verifier)
    assert [entry.reason for entry in applied.values() if entry.record is None] == []
