"""Adding records and looking them up: ranking, conditions, collisions, failed candidates."""

import json
import math
import re
import sqlite3
from dataclasses import replace

import pytest
import tvm
import tvm_ffi
from sqlalchemy.dialects import sqlite

from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.record import Provenance, Workload
from cosearch.schedules.store import statements
from cosearch.schedules.store.tables import records


def test_best_returns_what_was_added(database, make_record, signature, conditions):
    record = make_record(12.5)
    row = database.add(record)
    found = database.best(signature, conditions)
    assert found == replace(record, id=row)
    assert found.latency_us == 12.5
    assert found.workload.name == "fused_matmul"
    assert tvm_ffi.structural_equal(
        found.workload.mod["main"].body, record.workload.mod["main"].body
    )


def test_records_stay_after_closing(path, make_record, signature, conditions):
    first = ScheduleDatabase(path)
    first.add(make_record(3.0))
    first.close()
    assert ScheduleDatabase(path).best(signature, conditions).latency_us == 3.0


def test_records_are_ranked_by_median(database, make_record, signature, conditions):
    database.add(make_record(latencies_us=(1.0, 50.0, 60.0)))
    database.add(make_record(latencies_us=(40.0, 41.0, 900.0)))
    database.add(make_record(latencies_us=(20.0, 30.0)))
    medians = [record.latency_us for record in database.top(signature, conditions, 10)]
    assert medians == [25.0, 41.0, 50.0]
    assert [r.latency_us for r in database.top(signature, conditions, 2)] == [25.0, 41.0]
    assert database.top(signature, conditions, 0) == []


def test_equal_latencies_page_without_loss(database, make_record, signature, conditions):
    rows = [database.add(make_record(7.0)) for _ in range(9)]
    reader = database._storage.reader
    ranked = [record.id for record in reader.ranked(signature, conditions, None, page=2)]
    assert ranked == rows


@pytest.mark.parametrize(
    "other",
    [
        {"target": json.dumps({"kind": "llvm", "mcpu": "znver5"})},
        {"features": "avx2"},
        {"threads": 1},
        {"tvm_version": "0.26.0"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_nothing_is_found_across_conditions(database, make_record, signature, conditions, other):
    elsewhere = replace(conditions, **other)
    database.add(make_record(1.0, found=elsewhere))
    assert database.best(signature, conditions) is None
    assert database.measured_traces(signature, conditions) == {}
    assert database.best(signature, elsewhere).latency_us == 1.0


def test_unknown_workload_has_no_record(database, make_record, other_signature, conditions):
    database.add(make_record())
    assert database.best(other_signature, conditions) is None
    assert database.get(999) is None


def test_collision_is_told_apart_by_structure(
    database, make_matmul, make_record, signature, conditions
):
    database.add(make_record(1.0, mod=make_matmul(32)))  # another workload, by its signature equal
    database.add(make_record(2.0))
    assert database.best(signature, conditions).latency_us == 1.0
    assert database.best(signature, conditions, make_matmul(16)).latency_us == 2.0
    assert database.best(signature, conditions, make_matmul(32)).latency_us == 1.0
    assert database.best(signature, conditions, make_matmul(8)) is None
    assert len(database.measured_traces(signature, conditions, make_matmul(32))) == 1


def test_other_block_names_are_another_workload(
    database, make_matmul, make_record, signature, conditions
):
    database.add(make_record(1.0, mod=make_matmul(block="dense")))
    assert database.best(signature, conditions, make_matmul(block="matmul")) is None
    assert database.best(signature, conditions, make_matmul(block="dense")).latency_us == 1.0


def test_names_and_attributes_make_no_other_workload(
    database, make_matmul, make_record, signature, conditions
):
    func = make_matmul(parameter="lv7")["main"].with_attr("global_symbol", "fused_matmul3")
    renamed = tvm.IRModule({"fused_matmul3": func.with_attr("op_pattern", 4)})
    database.add(make_record(1.0))
    database.add(make_record(2.0, mod=renamed))
    assert database.stats()["workloads"] == 1
    assert len(database.top(signature, conditions, 9, renamed)) == 2


def test_layout_free_buffers_make_another_workload(
    database, make_matmul, make_record, signature, conditions
):
    func = make_matmul()["main"].with_attr("layout_free_buffers", [1])
    free = tvm.IRModule({"main": func})
    database.add(make_record(1.0, mod=free))
    assert database.best(signature, conditions, make_matmul()) is None
    assert database.best(signature, conditions, free).latency_us == 1.0


def test_failed_candidates_are_remembered_but_never_found(
    database, make_record, signature, conditions
):
    row = database.add(make_record(failure="timeout"))
    assert database.best(signature, conditions) is None
    assert len(database) == 0
    assert list(database.records()) == []
    (failed,) = database.records(include_failed=True)
    assert (failed.id, failed.failure, failed.latency_us) == (row, "timeout", math.inf)


def test_measured_traces_tell_what_to_skip(
    database, make_record, space, trace, signature, conditions
):
    database.add(make_record(8.0))
    database.add(make_record(failure="crash", trace=space(16)[1].trace.as_json()))
    measured = database.measured_traces(signature, conditions)
    assert measured[json.dumps(trace, separators=(",", ":"))] == (8.0, 8.0, 8.0)
    assert sorted(measured.values()) == [(), (8.0, 8.0, 8.0)]


def test_traces_straight_from_tvm_are_taken(database, make_record, space, signature, conditions):
    for schedule in space(16):
        database.add(make_record(trace=schedule.trace.as_json()))
    for record, schedule in zip(database.records(), space(16), strict=True):
        replayed = tvm.s_tir.Schedule(record.workload.mod)
        tvm.s_tir.Trace.apply_json_to_schedule(record.trace, replayed)
        assert tvm_ffi.structural_equal(
            replayed.mod["main"].body, schedule.mod["main"].body, map_free_vars=True
        )


def test_records_are_filtered(database, make_record, other_signature, signature, conditions):
    elsewhere = replace(conditions, threads=9)
    rows = {
        "plain": database.add(make_record()),
        "signature": database.add(make_record(signature=other_signature)),
        "conditions": database.add(make_record(found=elsewhere)),
        "network": database.add(make_record(provenance=Provenance(network="mobilenet"))),
    }

    def ids(**wanted):
        return [record.id for record in database.records(**wanted)]

    assert ids() == list(rows.values())
    assert ids(signature=other_signature) == [rows["signature"]]
    assert ids(shape_agnostic=other_signature.shape_agnostic) == [rows["signature"]]
    assert ids(conditions=elsewhere) == [rows["conditions"]]
    assert ids(network="mobilenet") == [rows["network"]]
    assert ids(network="mobilenet", signature=other_signature) == []


def test_walking_over_records_bears_additions(database, make_record):
    database.add_many(make_record(float(i + 1)) for i in range(600))
    seen = 0
    for seen, record in enumerate(database.records(), start=1):
        if seen % 100 == 0:
            database.add(record)
        if seen > 700:
            break
    assert seen == 605  # those that were added while the last page was read are not in it


def test_creation_time_is_filled_in(database, make_record):
    row = database.add(make_record(provenance=Provenance(network="net")))
    created = database.get(row).provenance.created
    assert created.startswith("20") and created.endswith("+00:00")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"latencies_us": ()}, "latencies, or a failure"),
        ({"latencies_us": (1.0,), "failure": "boom"}, "latencies, or a failure"),
        ({"latencies_us": (math.nan,)}, "finite"),
        ({"latencies_us": (0.0,)}, "above zero"),
        ({"trace": [1, 2]}, "instructions"),
        ({"trace": [[["GetSBlock", [], []]], []]}, "instruction is"),
    ],
)
def test_records_without_sense_are_refused(database, make_record, fields, message):
    times = fields.pop("latencies_us", (1.0,))
    with pytest.raises(ValueError, match=message):
        database.add(make_record(latencies_us=times, **fields))
    assert len(database) == 0


def test_module_of_two_functions_is_refused(database, make_matmul, make_record):
    func = make_matmul()["main"]
    with pytest.raises(ValueError, match="one PrimFunc, but this one holds"):
        database.add(make_record(mod=tvm.IRModule({"first": func, "second": func})))


def test_a_batch_is_added_as_a_whole(database, make_record):
    with pytest.raises(ValueError, match="finite"):
        database.add_many([make_record(1.0), make_record(math.inf)])
    assert len(database) == 0


def test_database_in_memory(make_record, signature, conditions):
    database = ScheduleDatabase.in_memory()
    database.add(make_record(4.0))
    assert database.best(signature, conditions).latency_us == 4.0
    assert len(ScheduleDatabase.in_memory()) == 0


def test_workloads_are_equal_by_structure(make_matmul, signature, other_signature):
    workload = Workload(make_matmul(), signature)
    assert workload == Workload(make_matmul(parameter="x"), signature, "another name")
    assert workload != Workload(make_matmul(), other_signature)
    assert workload != Workload(make_matmul(8), signature)
    assert hash(workload) == hash(Workload(make_matmul(), signature))


def test_columns_say_dtype_and_names(database, make_record):
    database.add(make_record())
    ir = database._storage.reader.load_workload(1)
    assert (ir.dtype, ir.layout, ir.name) == ("float32", "", "fused_matmul")


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (statements.RANKED, "ix_records_best"),
        (statements.ALL.where(records.c.workload_id == 1, records.c.id > 0), "ix_records_workload"),
        (statements.WORKLOAD_IDS, "uq_workloads_identity|sqlite_autoindex_workloads_1"),
    ],
    ids=["best", "walk", "workloads"],
)
def test_look_ups_are_indexed(database, statement, index):
    """Among 100,000 records a scan takes hundreds of milliseconds in place of one."""
    text = str(statement.compile(dialect=sqlite.dialect()))
    with sqlite3.connect(database.url) as raw:
        values = [1] * text.count("?")
        plan = raw.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
    steps = [step for *_, step in plan]
    assert any(re.search(index, step) for step in steps), steps
    assert not any("SCAN" in step or "TEMP B-TREE" in step for step in steps), steps
