"""Damaged rows: reported once, counted, stepped over; what is sound is still found."""

import json
import random
import sqlite3
import warnings
import zlib

import pytest

from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.store import codec, traces
from cosearch.schedules.store.errors import (
    DamagedDataError,
    DamagedRecordWarning,
    DatabaseError,
)

TRACES = {
    "noise": b"\x00\x01\x02",
    "cut short": zlib.compress(b"[[],[]]" * 100)[:-6],
    "text in a blob column": "text",
    "not JSON": zlib.compress(b"[[],"),
    "not UTF-8": zlib.compress(b"\xff\xfe"),
    "deeply nested": zlib.compress(b"[" * 100_000),
    "no trace": zlib.compress(b'{"a": 1}'),
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtins.",
    "a bomb": zlib.compress(b" " * (traces.MAX_TRACE_BYTES + 1)),
}


def execute(path, statement, *values):
    with sqlite3.connect(path) as raw:
        assert raw.execute(statement, values).rowcount > 0


@pytest.mark.parametrize("noise", TRACES.values(), ids=TRACES.keys())
def test_damaged_trace_is_stepped_over(database, path, make_record, signature, conditions, noise):
    fast = database.add(make_record(1.0))
    slow = database.add(make_record(2.0))
    execute(path, "UPDATE records SET trace = ? WHERE id = ?", noise, fast)
    with pytest.warns(DamagedRecordWarning, match=f"row {fast} of records .* is damaged"):
        assert database.best(signature, conditions).id == slow
    assert database.damaged == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # one warning is enough
        assert [record.id for record in database.top(signature, conditions, 5)] == [slow]
        assert [record.id for record in database.records()] == [slow]
        assert database.get(fast) is None
    assert database.damaged == database.stats()["damaged"] == 1


@pytest.mark.parametrize("latencies", ["", "[1", '["fast"]', "[NaN]", "[-1]", "{}", "[true]"])
def test_damaged_latencies_are_stepped_over(
    database, path, make_record, signature, conditions, latencies
):
    database.add(make_record(1.0))
    execute(path, "UPDATE records SET latencies_us = ?", latencies)
    with pytest.warns(DamagedRecordWarning):
        assert database.best(signature, conditions) is None


@pytest.mark.parametrize(
    "ir", [b"", b"noise", zlib.compress(b"{}")], ids=["empty", "noise", "another"]
)
def test_damaged_workload_is_stepped_over(
    database, path, make_matmul, make_record, signature, conditions, ir
):
    database.add(make_record(1.0))
    database.add(make_record(2.0, mod=make_matmul(8)))
    execute(path, "UPDATE workloads SET ir = ? WHERE id = 1", ir)
    with pytest.warns(DamagedRecordWarning, match="row 1 of workloads"):
        assert database.best(signature, conditions).latency_us == 2.0


def test_damaged_workload_is_mended_by_the_next_record(
    database, path, make_record, signature, conditions
):
    database.add(make_record(1.0))
    execute(path, "UPDATE workloads SET ir = ?", b"noise")
    database.add(make_record(2.0))
    assert [record.latency_us for record in database.top(signature, conditions, 9)] == [1.0, 2.0]
    assert database.damaged == 0


def test_workload_that_this_tvm_cannot_read(database, path, make_record, signature, conditions):
    """Sound as stored, but written by a TVM with other nodes: its records have other conditions."""
    text = json.dumps({"root_index": 0, "nodes": [{"type": "tirx.Unheard"}]})
    database.add(make_record(1.0))
    execute(
        path,
        "UPDATE workloads SET ir = ?, ir_digest = ?",
        codec.pack(text),
        codec.digest(text),
    )
    record = database.best(signature, conditions)
    with pytest.raises(DatabaseError, match=r"is damaged: TVM cannot read its IR .*db verify"):
        _ = record.workload.mod
    with pytest.warns(DamagedRecordWarning):
        assert database.best(signature, conditions, make_record().workload.mod) is None


def test_measured_traces_step_over_damage(database, path, make_record, signature, conditions):
    database.add(make_record(1.0))
    execute(path, "UPDATE records SET trace = ?", b"noise")
    with pytest.warns(DamagedRecordWarning):
        assert database.measured_traces(signature, conditions) == {}


def test_unfolding_stops_at_the_limit():
    bomb = zlib.compress(b"\0" * (1 << 20))
    assert len(bomb) < 2000
    with pytest.raises(DamagedDataError, match="unfolds to more than 1000 bytes"):
        codec.unpack(bomb, 1000)
    assert codec.unpack(codec.pack("x" * 1000), 1000) == "x" * 1000


def test_altered_files_are_refused_or_read_in_part(
    path, make_record, signature, conditions, make_matmul
):
    """A few random bytes of the file: whatever they hit, no other error comes out."""
    database = ScheduleDatabase(path)
    database.add_many(make_record(float(i + 1)) for i in range(40))
    database.close()
    sound = path.read_bytes()
    choose = random.Random(11)
    refused = 0
    for _ in range(60):
        altered = bytearray(sound)
        for _ in range(choose.choice([1, 2, 4, 40])):
            altered[choose.randrange(len(altered))] = choose.randrange(256)
        path.write_bytes(altered)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DamagedRecordWarning)
            try:
                database = ScheduleDatabase(path)
                database.best(signature, conditions, make_matmul())
                assert len(list(database.records())) <= 40
                database.measured_traces(signature, conditions)
                database.stats()
                database.close()
            except DatabaseError:
                refused += 1
        for log in ("-wal", "-shm"):
            path.with_name(path.name + log).unlink(missing_ok=True)
    assert 0 < refused < 60
