"""Export, import and merge: nothing is doubled, and what is damaged is said line by line."""

import gzip
import json
import re

import pytest
import tvm

from cosearch.blocks import Signature
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.store import intake, json_lines
from cosearch.schedules.store.errors import DamagedRecordWarning, DatabaseError


@pytest.fixture
def filled(database, make_record):
    database.add_many([make_record(3.0), make_record(2.0, size=8), make_record(failure="timeout")])
    return database


@pytest.fixture
def other(tmp_path):
    database = ScheduleDatabase(tmp_path / "other.sqlite")
    yield database
    database.close()


def content(database):
    return [
        (r.workload, r.trace, r.latencies_us, r.conditions, r.provenance, r.failure)
        for r in database.records(include_failed=True)
    ]


def read_lines(path):
    return [json.loads(line) for line in gzip.open(path, "rt")]


def write_lines(path, lines):
    with gzip.open(path, "wt") as file:
        for line in lines:
            file.write((line if isinstance(line, str) else json.dumps(line)) + "\n")


def counts(report):
    return report.added, report.known, len(report.problems)


@pytest.mark.parametrize("name", ["out.jsonl.gz", "out.jsonl", "folder/out.gz"])
def test_export_and_import(filled, other, tmp_path, name):
    assert filled.export(tmp_path / name) == 3
    assert counts(other.import_(tmp_path / name)) == (3, 0, 0)
    assert content(other) == content(filled)
    assert counts(other.import_(tmp_path / name)) == (0, 3, 0)
    assert len(content(other)) == 3


def test_equal_databases_export_equal_files(filled, tmp_path):
    filled.export(tmp_path / "a.gz")
    filled.export(tmp_path / "b.gz")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_failed_export_leaves_the_old_file(filled, tmp_path, monkeypatch):
    target = tmp_path / "out.gz"
    target.write_bytes(b"old")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json_lines, "_write", full)
    with pytest.raises(DatabaseError, match="No space left on device"):
        filled.export(target)
    assert target.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir() if "out" in path.name} == {"out.gz"}


def test_export_leaves_damaged_records_out(filled, other, tmp_path):
    with filled._storage.connection._engine.begin() as raw:
        raw.exec_driver_sql("UPDATE records SET trace = x'00' WHERE id = 1")
    with pytest.warns(DamagedRecordWarning):
        assert filled.export(tmp_path / "out.gz") == 2
    assert counts(other.import_(tmp_path / "out.gz")) == (2, 0, 0)


def test_signatures_of_a_file_are_not_believed(database, other, tmp_path, make_record, signature):
    database.add(make_record(1.0, signature=Signature("0" * 32, "1" * 32)))
    database.export(tmp_path / "out.gz")
    other.import_(tmp_path / "out.gz")
    (record,) = other.records()
    assert record.workload.signature == signature


def damage(lines, how):
    """Alter the second record of an export; return the number of its line."""
    number = [i for i, line in enumerate(lines) if "record" in line][1]
    record = lines[number]["record"]
    if how == "not JSON":
        lines[number] = '{"record": '
    elif how == "neither":
        lines[number] = {"song": 1}
    elif how == "unknown workload":
        record["workload"] = "0" * 32
    elif how == "short uid":
        record["uid"] = "12"
    elif how == "no times":
        record["latencies_us"] = []
    elif how == "times below zero":
        record["latencies_us"] = [-1.0]
    elif how == "conditions missing":
        del record["conditions"]["threads"]
    elif how == "target is text":
        record["conditions"]["target"] = '"llvm"'
    elif how == "provenance is a list":
        record["provenance"] = []
    elif how == "trace is text":
        record["trace"] = "GetSBlock"
    elif how == "decision out of range":
        record["trace"][1] = [[99, 1]]
    elif how == "tile of zero":
        record["trace"][1][0][1] = [0, 0]
    elif how == "trace does not apply":
        record["trace"][0][0] = ["GetSBlock", [], ["elsewhere", "main"], ["b0"]]
    elif how == "trace crashes TVM":
        record["trace"][0][0] = ["GetSBlock", [], [None, "main"], ["b0"]]
    else:
        raise ValueError(how)
    return number + 1


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("not JSON", "is not JSON"),
        ("neither", "neither a workload nor a record"),
        ("unknown workload", "no sound line before it holds its workload"),
        ("short uid", "32 hex digits"),
        ("no times", "neither latencies nor a failure"),
        ("times below zero", "above zero"),
        ("conditions missing", "threads of its conditions is not of type int"),
        ("target is text", "target that is no dict"),
        ("provenance is a list", "has no provenance"),
        ("trace is text", "list of instructions"),
        ("decision out of range", "a decision is"),
        ("tile of zero", "factors above zero"),
        ("trace does not apply", "Cannot find a block with the specified name"),
        ("trace crashes TVM", r"crashes on it \(SIG"),
    ],
)
def test_damaged_lines_are_named_and_stepped_over(filled, other, tmp_path, how, reason):
    filled.export(tmp_path / "out.gz")
    lines = read_lines(tmp_path / "out.gz")
    number = damage(lines, how)
    write_lines(tmp_path / "out.gz", lines)
    report = other.import_(tmp_path / "out.gz")
    assert counts(report) == (2, 0, 1)
    assert report.problems[0].where == f"line {number}"
    assert re.search(reason, report.problems[0].reason), report.problems


@pytest.mark.parametrize(
    ("ir", "reason"),
    [
        ("[]", "TVM cannot read its IR"),
        ("nonsense", "TVM cannot read its IR"),
        (tvm.ir.save_json(tvm.IRModule({})), "holds nothing"),
        (tvm.ir.save_json(tvm.runtime.convert([1, 2])), "not a module"),
    ],
    ids=["empty", "nonsense", "empty module", "a list"],
)
def test_damaged_workloads_take_their_records_along(filled, other, tmp_path, ir, reason):
    filled.export(tmp_path / "out.gz")
    lines = read_lines(tmp_path / "out.gz")
    workload = lines[1]["workload"]
    old = workload["digest"]
    workload |= {"ir": ir, "digest": intake.codec.digest(ir)}
    for line in lines:
        if line.get("record", {}).get("workload") == old:
            line["record"]["workload"] = workload["digest"]
    write_lines(tmp_path / "out.gz", lines)
    report = other.import_(tmp_path / "out.gz")
    assert counts(report) == (1, 0, 2)
    assert all(reason in problem.reason for problem in report.problems)


def test_altered_workload_is_not_taken_for_another(filled, other, tmp_path):
    """Reading it would succeed, and file the records under a workload that nobody measured."""
    filled.export(tmp_path / "out.gz")
    lines = read_lines(tmp_path / "out.gz")
    ir = lines[1]["workload"]["ir"]
    assert '"data":16}' in ir
    lines[1]["workload"]["ir"] = ir.replace('"data":16}', '"data":12}')
    write_lines(tmp_path / "out.gz", lines)
    report = other.import_(tmp_path / "out.gz", replay=False)
    assert counts(report) == (1, 0, 3)
    assert "does not have the digest" in report.problems[0].reason


def test_truncated_file_gives_what_it_has(database, other, tmp_path, make_record):
    database.add_many(make_record(float(i + 1)) for i in range(300))
    database.export(tmp_path / "out.gz")
    data = (tmp_path / "out.gz").read_bytes()
    (tmp_path / "out.gz").write_bytes(data[: len(data) * 3 // 4])
    report = other.import_(tmp_path / "out.gz", replay=False)
    assert report.added == len(other) > 100
    assert "damaged" in report.problems[-1].reason


def test_line_without_end_is_not_read_into_memory(filled, other, tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "MAX_LINE_BYTES", 50_000)
    filled.export(tmp_path / "out.gz")
    lines = [json.dumps(line) for line in read_lines(tmp_path / "out.gz")]
    write_lines(tmp_path / "out.gz", [*lines, " " * 10_000_000, lines[-1]])
    report = other.import_(tmp_path / "out.gz")
    assert counts(report) == (3, 0, 1)
    assert "longer than 50000 bytes" in report.problems[0].reason


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("hello", "is not an export of schedules"),
        ('{"format": "songs"}', "is not an export of schedules"),
        ('{"format": "cosearch-schedules", "version": 9}', "pip install --upgrade tvm-cosearch"),
    ],
)
def test_other_files_are_refused(other, tmp_path, first, message):
    (tmp_path / "file").write_text(first + "\n")
    with pytest.raises(DatabaseError, match=message):
        other.import_(tmp_path / "file")
    with pytest.raises(DatabaseError, match=r"cannot read .*missing\.gz: No such file"):
        other.import_(tmp_path / "missing.gz")


def test_an_empty_file_holds_nothing(other, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match="is empty"):
        other.import_(tmp_path / "file")


@pytest.mark.parametrize("how", ["path", "url", "object", "import_"])
def test_merge(filled, other, path, make_record, how):
    other.add(make_record(9.0))
    if how == "import_":
        report = other.import_(path)
    else:
        source = {"path": path, "url": f"sqlite:///{path}", "object": filled}[how]
        report = other.merge(source)
    assert counts(report) == (3, 0, 0)
    assert content(other)[1:] == content(filled)
    assert counts(other.merge(filled)) == (0, 3, 0)
    assert counts(filled.merge(other)) == (1, 3, 0)
    assert filled.stats()["workloads"] == 2


def test_merge_steps_over_damage(filled, other):
    with filled._storage.connection._engine.begin() as raw:
        raw.exec_driver_sql("UPDATE records SET trace = x'00' WHERE id = 1")
    report = other.merge(filled)
    assert counts(report) == (2, 0, 1)
    assert report.problems[0].where == "record 1"


def test_compressed_noise_is_reported(other, filled, tmp_path):
    filled.export(tmp_path / "out.gz")
    data = bytearray((tmp_path / "out.gz").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "out.gz").write_bytes(data)
    report = other.import_(tmp_path / "out.gz")
    assert report.problems
