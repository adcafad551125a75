"""Import of the folders that MetaSchedule's JSONDatabase writes."""

import base64
import json
import struct

import pytest
import tvm
from tvm.s_tir import meta_schedule as ms
from tvm.target import Target

from cosearch.schedules.conditions import Conditions
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.store.errors import DatabaseError


@pytest.fixture
def other(path):
    database = ScheduleDatabase(path)
    yield database
    database.close()


def counts(report):
    return report.added, report.known, len(report.problems)


def json_database(folder, mod, schedules, target):
    folder.mkdir()
    database = ms.database.JSONDatabase(work_dir=str(folder))
    workload = database.commit_workload(mod)
    arguments = ms.arg_info.ArgInfo.from_entry_func(mod, remove_preproc=True)
    for number, schedule in enumerate(schedules):
        database.commit_tuning_record(
            ms.database.TuningRecord(
                schedule.trace, workload, [(number + 1) * 1e-6] * 2, target, arguments
            )
        )
    return database, workload, arguments


def test_json_database_of_metaschedule(
    other, tmp_path, make_matmul, space, target, signature, conditions
):
    tvms, workload, arguments = json_database(tmp_path / "ms", make_matmul(), space(16), target)
    tvms.commit_tuning_record(
        ms.database.TuningRecord(space(16)[0].trace, workload, [1e10], target, arguments)
    )
    tvms.commit_tuning_record(
        ms.database.TuningRecord(
            space(16)[0].trace, workload, [1.0], Target({"kind": "llvm"}), arguments
        )
    )
    report = other.import_(tmp_path / "ms")
    assert counts(report) == (4, 0, 1)
    assert report.problems[0].where == "database_tuning_record.json:5"
    assert "num-cores" in report.problems[0].reason or "threads" in report.problems[0].reason
    latencies = [record.latencies_us for record in other.top(signature, conditions, 9)]
    assert latencies == [pytest.approx((float(i), float(i))) for i in (1, 2, 3)]
    assert other.best(signature, conditions).provenance.search == "meta_schedule"
    assert other.stats()["failed"] == 1
    assert counts(other.import_(tmp_path / "ms")) == (0, 4, 1)


def test_json_database_of_another_tvm(other, tmp_path, make_matmul, space, target, signature):
    folder = tmp_path / "ms"
    json_database(folder, make_matmul(), space(16), target)
    old = tvm.ir.save_json(make_matmul()).replace(tvm.__version__, "0.26.0").encode()
    packed = base64.b64encode(struct.pack("<Q", len(old)) + old).decode()
    (folder / "database_workload.json").write_text(json.dumps(["1", packed]))
    assert counts(other.import_(folder)) == (3, 0, 0)
    assert {record.conditions.tvm_version for record in other.records()} == {"0.26.0"}
    assert other.best(signature, Conditions.of(target)) is None


def test_json_database_with_damage(other, tmp_path, make_matmul, space, target):
    folder = tmp_path / "ms"
    json_database(folder, make_matmul(), space(16), target)
    text = tvm.ir.save_json(make_matmul(8)).encode()
    packed = base64.b64encode(struct.pack("<Q", len(text)) + text).decode()
    with (folder / "database_workload.json").open("a") as file:
        file.write(json.dumps(["1", packed[:200]]) + '\n["2", 3]\nnoise\n')
    lines = (folder / "database_tuning_record.json").read_text().splitlines()
    good = json.loads(lines[0])
    damaged = [
        [1, good[1]],
        [2, good[1]],
        [3, good[1]],
        [4, good[1]],
        [0, good[1][:3]],
        [0, [[], *good[1][1:]]],
        [0, [good[1][0], ["fast"], *good[1][2:]]],
        [0, [*good[1][:2], {"kind": "unheard"}, None]],
        "noise",
    ]
    with (folder / "database_tuning_record.json").open("a") as file:
        file.write("\n".join(json.dumps(line) for line in damaged) + '\n[0, [[["Get')
    report = other.import_(folder)
    assert counts(report) == (3, 0, len(damaged) + 1)
    assert [problem.where.rpartition(":")[2] for problem in report.problems] == [
        str(line) for line in range(4, 14)
    ]


def test_folder_without_a_json_database(other, tmp_path):
    with pytest.raises(DatabaseError, match=r"A folder to import holds database_workload\.json"):
        other.import_(tmp_path)
