"""Looking after a database: verify, prune, stats."""

import os
import sqlite3
from dataclasses import replace

import pytest

from cosearch.blocks import Signature
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.record import Provenance


def test_sound_records_verify(database, make_record, space):
    database.add_many(make_record(trace=schedule.trace.as_json()) for schedule in space(16))
    database.add(make_record(size=8))
    database.add(make_record(failure="crash"))
    steps = []
    report = database.verify(lambda done, total: steps.append((done, total)))
    assert report.ok
    assert (report.checked, report.skipped) == (5, 0)
    assert steps[-1] == (5, 5)


def test_verify_names_every_bad_record(database, path, make_record, make_matmul, trace):
    sound = database.add(make_record())
    bad = {
        "damaged trace": database.add(make_record()),
        "does not apply": database.add(
            make_record(trace=[[["GetSBlock", [], ["elsewhere", "main"], ["b0"]]], []])
        ),
        "crashes": database.add(
            make_record(trace=[[["GetSBlock", [], [None, "main"], ["b0"]]], []])
        ),
        "wrong signature": database.add(make_record(signature=Signature("0" * 32, "0" * 32))),
        "damaged workload": database.add(make_record(mod=make_matmul(8))),
    }
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE records SET trace = x'00' WHERE id = ?", [bad["damaged trace"]])
        raw.execute(
            "UPDATE workloads SET ir = x'00' "
            "WHERE id = (SELECT workload_id FROM records WHERE id = ?)",
            [bad["damaged workload"]],
        )
    report = database.verify()
    assert not report.ok
    assert report.checked == 6
    reasons = {record.id: record.reason for record in report.bad}
    assert set(reasons) == set(bad.values())
    assert sound not in reasons
    assert reasons[bad["damaged trace"]].startswith("damaged: ")
    assert "trace does not apply" in reasons[bad["does not apply"]]
    assert "crashes" in reasons[bad["crashes"]]
    assert "another signature" in reasons[bad["wrong signature"]]
    assert reasons[bad["damaged workload"]].startswith("damaged: ")
    assert len(database) == 6  # it reports, and deletes nothing


def test_verify_skips_other_versions_of_tvm(database, make_record, conditions):
    broken = [[["GetSBlock", [], ["elsewhere", "main"], ["b0"]]], []]
    database.add(make_record(found=replace(conditions, tvm_version="0.26.0"), trace=broken))
    report = database.verify()
    assert report.ok
    assert (report.checked, report.skipped) == (0, 1)


def test_verify_reports_damaged_pages(path, make_record):
    database = ScheduleDatabase(path)
    database.add_many(make_record(float(i + 1)) for i in range(300))
    database.close()
    data = bytearray(path.read_bytes())
    page = int.from_bytes(data[16:18], "big")
    data[20 * page : 24 * page] = os.urandom(4 * page)
    path.write_bytes(data)
    report = ScheduleDatabase(path).verify()
    assert not report.ok
    assert any(record.id is None and "damaged" in record.reason for record in report.bad)


def test_prune_keeps_the_fastest_of_each(database, make_record, conditions):
    elsewhere = replace(conditions, threads=9)
    for latency_us in (4.0, 2.0, 3.0, 1.0):
        database.add(make_record(latency_us))
        database.add(make_record(10 * latency_us, size=8))
    database.add(make_record(7.0, found=elsewhere))
    database.add(make_record(failure="timeout"))
    assert database.prune(2) == 5
    left = [(r.conditions.threads, r.latency_us) for r in database.records(include_failed=True)]
    assert sorted(left) == [(2, 1.0), (2, 2.0), (2, 10.0), (2, 20.0), (9, 7.0)]
    assert database.prune(2) == 0


def test_prune_forgets_workloads_without_records(database, make_record, conditions):
    database.add(make_record(failure="timeout", size=8, found=replace(conditions, threads=9)))
    database.add(make_record())
    assert database.prune(1) == 1
    stats = database.stats()
    assert stats["workloads"] == 1
    assert [row["threads"] for row in stats["conditions"]] == [2]


def test_rows_do_not_come_back_after_a_prune(database, path, make_record):
    """A reader that knows a row by its number would take a later one for it."""
    reader = ScheduleDatabase(path)
    database.add(make_record(1.0))
    database.add(make_record(size=8, failure="timeout"))
    assert [r.workload for r in reader.records(include_failed=True)] == [
        make_record().workload,
        make_record(size=8).workload,
    ]
    database.prune(1)
    database.add(make_record(2.0, size=4))
    assert [(r.id, r.workload) for r in reader.records()] == [
        (1, make_record().workload),
        (3, make_record(size=4).workload),
    ]


@pytest.mark.parametrize("keep", [0, -1])
def test_prune_never_deletes_all(database, make_record, keep):
    database.add(make_record())
    with pytest.raises(ValueError, match="keep at least one record"):
        database.prune(keep)
    assert len(database) == 1


def test_prune_makes_the_file_smaller(path, make_record):
    database = ScheduleDatabase(path)
    database.add_many(make_record(float(i + 1)) for i in range(500))
    before = database.stats()["bytes"]
    database.prune(1)
    database.close()
    assert path.stat().st_size < before / 4


def test_stats(database, path, make_record, conditions):
    older = replace(conditions, tvm_version="0.26.0")
    database.add(make_record())
    database.add(make_record(provenance=Provenance(network="mobilenet")))
    database.add(make_record(size=8))
    database.add(make_record(failure="timeout"))
    database.add(make_record(found=older))
    stats = database.stats()
    assert stats["database"] == str(path)
    assert stats["bytes"] > 10_000
    assert stats["networks"] == ["mobilenet", "net"]
    keys = ("records", "failed", "workloads", "shape_agnostic_workloads", "damaged", "read_only")
    assert [stats[key] for key in keys] == [4, 1, 2, 1, 0, False]
    rows = [
        [row[key] for key in ("tvm_version", "threads", "records", "failed", "workloads")]
        for row in stats["conditions"]
    ]
    assert rows == [[conditions.tvm_version, 2, 3, 1, 2], ["0.26.0", 2, 1, 0, 1]]


def test_stats_of_an_empty_database(database):
    stats = database.stats()
    assert (stats["records"], stats["workloads"], stats["conditions"]) == (0, 0, [])
