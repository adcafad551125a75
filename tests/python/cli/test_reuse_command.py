"""``cosearch reuse`` writes pages and compares; ``tune --worth`` tunes what it proposes."""

import json
import re
import sys

import pytest
from typer.testing import CliRunner

from cosearch import ScheduleDatabase
from cosearch.cli import main
from cosearch.cli.main import app
from cosearch.cli.reuse import _tune_command
from cosearch.report import ReuseReport

RUNNER = CliRunner()
TARGET = ["--target", "llvm -mcpu=native", "--threads", "2"]


def invoke(*words):
    result = RUNNER.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def fail(monkeypatch, capsys, *words) -> str:
    """Run a command that has to fail before it reads the network; return what it says."""

    def read(*_):
        raise AssertionError("the long work has begun")

    monkeypatch.setattr("cosearch.cli.reuse.read_network", read)
    monkeypatch.setattr(sys, "argv", ["cosearch", "reuse", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    text = capsys.readouterr().err
    assert text.count("error:") == 1
    assert "Traceback" not in text
    return text


def test_page_and_comparison_with_an_empty_database(onnx_file, db, tmp_path):
    page = tmp_path / "reuse.html"
    words = ("reuse", onnx_file, "--db", db, "--html", page, "--compare", "sqlite://", "--json")
    data = json.loads(invoke(*words, *TARGET).stdout)
    report = ReuseReport.from_dict(data)
    assert report.count("exact") == len(report.kernels)
    assert report.tuning_trials_saved == len({kernel.workload for kernel in report.kernels})
    assert report.peak_gflops > 1
    assert sum(kernel.flops > 0 for kernel in report.kernels) > len(report.kernels) / 2
    assert len(data["worth"]) == len(report.kernels)
    changes = data["comparison"]["changes"]
    assert {change["source_after"] for change in changes} == {"exact"}
    assert "exact" not in {change["source_before"] for change in changes}
    assert data["comparison"]["before_us"] > 0
    [embedded] = re.findall(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert json.loads(embedded) == data


def test_the_blocks_of_the_page_are_those_of_the_network(onnx_file, db):
    data = json.loads(invoke("reuse", onnx_file, "--db", db, "--no-measure", "--json").stdout)
    report = ReuseReport.from_dict(data)
    called = [name for block in report.blocks for name in block.kernels]
    assert {kernel.name: kernel.calls for kernel in report.kernels} == {
        name: called.count(name) for name in called
    }
    assert [block.pattern for block in report.blocks].count("mbconv") == 2


def test_comparison_with_a_saved_report_in_the_terminal(onnx_file, db, tmp_path):
    words = ("reuse", onnx_file, "--no-measure", *TARGET)
    saved = tmp_path / "before.json"
    saved.write_text(invoke(*words, "--db", "sqlite://", "--json").stdout)
    text = invoke(*words, "--db", db, "--compare", saved).stdout
    assert "Compared with" in text
    assert "rules" in text
    assert "all kernels" in text
    command = f"cosearch tune {onnx_file} --worth 5 --threads 2 --db {db}"
    assert f"tune them: {command}" in text.splitlines()


def test_a_report_of_another_network_is_refused(onnx_file, db, tmp_path, monkeypatch, capsys):
    saved = tmp_path / "other.json"
    data = json.loads(invoke("reuse", onnx_file, "--db", db, "--no-measure", "--json").stdout)
    data["network"] = "another"
    for kernel in data["kernels"]:
        kernel["workload"] = "0" * 32
    saved.write_text(json.dumps(data))
    words = ["reuse", onnx_file, "--db", db, "--no-measure", "--compare", saved]
    monkeypatch.setattr(sys, "argv", ["cosearch", *map(str, words)])
    with pytest.raises(SystemExit):
        main()
    assert "no kernel in common" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["no/such/folder.html", "", "file.txt/page.html"])
def test_a_page_that_cannot_be_written_fails_early(monkeypatch, capsys, onnx_file, tmp_path, name):
    (tmp_path / "file.txt").write_text("")
    text = fail(monkeypatch, capsys, onnx_file, "--html", tmp_path / name)
    assert f"cannot write {tmp_path / name}" in text.replace("\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_nothing_is_left_behind_when_the_work_fails(monkeypatch, tmp_path, capsys):
    words = ("reuse", tmp_path / "no.onnx", "--html", tmp_path / "x.html")
    monkeypatch.setattr(sys, "argv", ["cosearch", *map(str, words)])
    with pytest.raises(SystemExit):
        main()
    assert "no.onnx" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("no.json", None, "there is no such report or database"),
        ("no.sqlite", None, "there is no such report or database"),
        ("foreign.json", '{"rows": []}', "foreign.json is not a reuse report: kernels is missing"),
        ("broken.json", '{"kernels": [', "broken.json is not a reuse report"),
        ("empty.json", "", "empty.json is not a reuse report"),
        ("folder", "folder", "is a folder"),
    ],
)
def test_what_cannot_be_compared_fails_early(
    monkeypatch, capsys, onnx_file, tmp_path, name, text, message
):
    path = tmp_path / name
    if text == "folder":
        path.mkdir()
    elif text is not None:
        path.write_text(text)
    before = sorted(tmp_path.iterdir())
    assert message in fail(monkeypatch, capsys, onnx_file, "--compare", path).replace("\n", " ")
    assert sorted(tmp_path.iterdir()) == before


def test_tune_what_is_most_worth_it(onnx_file, db):
    words = ("tune", onnx_file, "--db", db, "--worth", 2, "--trials", 6, "--json", *TARGET)
    data = json.loads(invoke(*words).stdout)
    assert len(data["tasks"]) == len(data["worth"]) == 2
    assert data["trials"] == 4  # two were known
    gains = [one["expected_gain_us"] for one in data["worth"]]
    assert gains == sorted(gains, reverse=True)
    assert gains[-1] > 0
    records = ScheduleDatabase(db).records(network="tiny", include_failed=True)
    # So few candidates are one batch, and it goes to the kernel that promises most.
    tuned = {record.workload.signature.shape_aware for record in records}
    assert tuned == {data["worth"][0]["workload"]}


def test_the_command_that_tunes(monkeypatch, tmp_path):
    model = tmp_path / "my net.onnx"
    command = _tune_command(model, ["input:1,3,8,8"], "llvm -mcpu=native", None, None)
    assert command == f"cosearch tune '{model}' --worth 5 --shape input:1,3,8,8"
    monkeypatch.setenv("COSEARCH_DB", "postgresql://me:secret@host/db")
    command = _tune_command(model, None, "llvm", 3, "postgresql://me:secret@host/db")
    assert command == f"cosearch tune '{model}' --worth 5 --target llvm --threads 3"
