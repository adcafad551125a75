"""The database as TVM's own passes and tuner see it."""

import threading

import pytest
import tvm
import tvm_ffi
from tvm import relax
from tvm.s_tir import Schedule
from tvm.s_tir import meta_schedule as ms
from tvm.script import relax as R
from tvm.target import Target

from cosearch.blocks import workload_signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.record import Record, Workload


def tuning_record(schedule, workload, target, run_secs):
    arguments = ms.arg_info.ArgInfo.from_entry_func(schedule.mod, remove_preproc=True)
    return ms.database.TuningRecord(schedule.trace, workload, run_secs, target, arguments)


def test_the_innermost_database_is_current(tmp_path):
    first, second = ScheduleDatabase(tmp_path / "1"), ScheduleDatabase(tmp_path / "2")
    assert ScheduleDatabase.current() is None
    with first as entered:
        assert entered is first is ScheduleDatabase.current()
        with second, first:
            assert ScheduleDatabase.current() is first
        with ms.database.MemoryDatabase():
            assert ScheduleDatabase.current() is None
        assert ScheduleDatabase.current() is first
        assert ms.database.Database.current().same_as(first)
    assert ScheduleDatabase.current() is None
    assert len(first) == 0  # still open


def test_leaving_by_an_error_restores_the_database_before(database):
    with pytest.raises(RuntimeError), database:
        raise RuntimeError
    assert ScheduleDatabase.current() is None
    assert ms.database.Database.current() is None


def test_each_thread_has_its_own_current_database(database):
    seen = []
    with database:
        thread = threading.Thread(target=lambda: seen.append(ScheduleDatabase.current()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_an_empty_database_is_true_to_tvm(database):
    assert isinstance(database, ms.database.Database)
    with database:
        current = ms.database.Database.current()
        assert current
        assert len(current) == 1  # what keeps `if Database.current():` from passing over it
    assert len(database) == 0


def test_queries(database, make_matmul, make_record, space, target):
    mod = make_matmul()
    assert database.query_tuning_record(mod, target, "main") is None
    assert not database.has_workload(mod)
    database.add(make_record(7.0, trace=space(16)[0].trace.as_json()))
    database.add(make_record(5.0, trace=space(16)[1].trace.as_json()))
    found = database.query_tuning_record(mod, target, "main")
    assert [float(seconds) for seconds in found.run_secs] == pytest.approx([5e-6] * 3)
    assert tvm_ffi.structural_equal(found.workload.mod, mod)
    expected = space(16)[1].mod["main"].body
    assert tvm_ffi.structural_equal(
        database.query_ir_module(mod, target, "main")["main"].body, expected
    )
    assert tvm_ffi.structural_equal(
        database.query_schedule(mod, target, "main").mod["main"].body, expected
    )
    assert database.has_workload(mod)
    assert not database.has_workload(make_matmul(8))
    assert len(database.get_all_tuning_records()) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "llvm", "mcpu": "x86-64-v3", "num-cores": 1},
        {"kind": "llvm", "mcpu": "x86-64-v2", "num-cores": 2},
        {"kind": "llvm", "num-cores": 2},
    ],
    ids=["threads", "cpu", "no cpu"],
)
def test_tvm_finds_nothing_for_another_target(database, make_matmul, make_record, other):
    database.add(make_record())
    assert database.query_tuning_record(make_matmul(), Target(other), "main") is None


def test_a_trace_that_does_not_apply_gives_way(database, make_matmul, make_record, trace, target):
    broken = [[["GetSBlock", [], ["elsewhere", "main"], ["b0"]]], []]
    bad = database.add(make_record(1.0, trace=broken))
    database.add(make_record(2.0, trace=trace))
    with pytest.warns(UserWarning, match=f"record {bad} .* does not apply to its workload"):
        found = database.query_tuning_record(make_matmul(), target, "main")
    assert float(found.run_secs[0]) == pytest.approx(2e-6)


def test_tvm_commits(database, make_matmul, space, target, signature, conditions):
    mod = make_matmul()
    workload = database.commit_workload(mod)
    assert database.has_workload(mod)
    assert len(database) == 0
    for number, schedule in enumerate(space(16)):
        seconds = [(3 - number) * 1e-6] * 2
        database.commit_tuning_record(tuning_record(schedule, workload, target, seconds))
    database.commit_tuning_record(tuning_record(space(16)[0], workload, target, [1e10]))
    assert len(database) == 3
    assert database.stats()["failed"] == 1
    assert database.best(signature, conditions).latency_us == pytest.approx(1.0)
    with target:
        best = database.get_top_k(workload, 2)
    assert [float(record.run_secs[0]) for record in best] == pytest.approx([1e-6, 2e-6])
    with Target({"kind": "llvm", "mcpu": "x86-64-v3", "num-cores": 7}):
        assert database.get_top_k(workload, 2) == []


def test_a_record_without_target_is_refused(database, make_matmul, space):
    workload = database.commit_workload(make_matmul())
    record = ms.database.TuningRecord(space(16)[0].trace, workload, [1e-6])
    with pytest.raises(Exception, match="without a target"):
        database.commit_tuning_record(record)


def network():
    builder = relax.BlockBuilder()
    x = relax.Var("x", R.Tensor((8, 8), "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            y = builder.emit(relax.op.nn.relu(x))
            out = builder.emit_output(relax.op.add(y, y))
        builder.emit_func_output(out)
    return builder.finalize()


def lowered(target):
    passes = [
        relax.transform.LegalizeOps(),
        relax.transform.AnnotateTIROpPattern(),
        relax.transform.FuseOps(),
        relax.transform.FuseTIR(),
    ]
    with target:
        return tvm.transform.Sequential(passes)(network())


def test_zero_pipeline_of_tvm_uses_the_database(database, target):
    (func,) = (f for f in lowered(target).functions.values() if isinstance(f, tvm.tirx.PrimFunc))
    mod = tvm.IRModule({"main": func.with_attr("global_symbol", "main")})
    schedule = Schedule(mod)
    blocks = schedule.get_child_blocks(schedule.get_sblock("root"))
    schedule.parallel(schedule.get_loops(blocks[0])[0])
    record = Record(
        Workload(mod, workload_signature(func)),
        schedule.trace.as_json(),
        (1.0,),
        Conditions.of(target),
    )
    pipeline = relax.get_pipeline("zero")
    with target, database:
        before = pipeline(network())
        database.add(record)
        after = pipeline(network())

    def kernels(mod):
        return [f for f in mod.functions.values() if isinstance(f, tvm.tirx.PrimFunc)]

    assert "T.parallel" not in kernels(before)[0].script()
    assert "T.parallel" in kernels(after)[0].script()
