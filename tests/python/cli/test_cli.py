"""Every command runs, explains itself, speaks JSON, and says what is wrong in one line."""

import json
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cosearch.cli import main
from cosearch.cli.main import app

RUNNER = CliRunner()
TARGET = ["--target", "llvm -mcpu=native", "--threads", "2"]


def invoke(*words) -> str:
    result = RUNNER.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_main(monkeypatch, capsys, *words) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["cosearch", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(caught.value.code or 0), capsys.readouterr().err


def commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(get_command(app)))


def test_all_commands_are_known():
    assert {path[0] for path in COMMANDS} == {
        *("bench", "build", "chart", "codesign", "db", "latency", "measure", "predict", "reuse"),
        *("search", "serve", "supernet", "tune"),
    }
    assert {path[1] for path in COMMANDS if path[0] == "latency"} == {"adapt", "evaluate", "fit"}
    assert {path[1] for path in COMMANDS if path[0] == "db"} == {
        *("export", "import", "merge", "prune", "stats", "verify")
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(path):
    command = COMMANDS[path]
    assert command.help
    assert f"cosearch {' '.join(path)}" in command.epilog
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--json" in options
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{path}: {parameter.name} has no help"
    assert RUNNER.invoke(app, [*path, "--help"]).exit_code == 0


def test_build_writes_a_library(onnx_file, db, tmp_path):
    library = tmp_path / "net.so"
    text = invoke("build", onnx_file, "-o", library, "--db", db, "--json", *TARGET)
    data = json.loads(text)
    assert library.stat().st_size > 0
    assert data["reuse"]["summary"]["exact"] == data["reuse"]["summary"]["kernels"] > 5


def test_reuse_shows_measured_time(onnx_file, db):
    data = json.loads(invoke("reuse", onnx_file, "--db", db, "--json", *TARGET))
    assert data["summary"]["share_of_time"] == pytest.approx(1.0)
    assert "tiny" in data["network"]


def test_bench_compares(onnx_file, db):
    words = ("bench", onnx_file, "--db", db, "--rounds", 4, "--json", *TARGET)
    rows = json.loads(invoke(*words))["rows"]
    assert [row["runner"] for row in rows][:2] == ["cosearch", "TVM's default"]
    assert rows[0]["vs_cosearch"] == 1.0
    assert all(len(row["rounds_us"]) == 4 for row in rows)


def test_tune_adds_records_and_goes_on(onnx_file, tmp_path):
    db = str(tmp_path / "new.sqlite")
    words = ("tune", onnx_file, "--db", db, "--trials", 2, "--json", *TARGET)
    assert json.loads(invoke(*words))["trials"] == 2
    assert json.loads(invoke(*words))["trials"] == 0
    data = json.loads(invoke("db", "stats", "--db", db, "--json"))
    assert data["records"] + data["failed"] == 2
    assert data["networks"] == ["tiny"]


def test_db_round_trip(db, tmp_path):
    file, other = tmp_path / "records.jsonl.gz", str(tmp_path / "other.sqlite")
    count = json.loads(invoke("db", "export", file, "--db", db, "--json"))["records"]
    assert json.loads(invoke("db", "import", file, "--db", other, "--json"))["added"] == count
    assert json.loads(invoke("db", "merge", db, "--db", other, "--json"))["known"] == count
    assert json.loads(invoke("db", "verify", "--db", other, "--json"))["bad"] == []
    assert json.loads(invoke("db", "prune", "--keep", 1, "--db", other, "--json"))["deleted"] == 0


def test_a_missing_model(monkeypatch, capsys, tmp_path):
    code, text = run_main(monkeypatch, capsys, "reuse", tmp_path / "no.onnx")
    assert code == 1
    assert text.startswith("error: ")
    assert "no.onnx" in text


def test_a_database_that_is_text(monkeypatch, capsys, onnx_file, tmp_path):
    (tmp_path / "db.sqlite").write_text("this is no database\n" * 100)
    code, text = run_main(monkeypatch, capsys, "reuse", onnx_file, "--db", tmp_path / "db.sqlite")
    assert code == 1
    assert "db.sqlite" in text
    assert "Traceback" not in text


def test_an_unknown_cpu(monkeypatch, capsys, onnx_file, db):
    words = ("reuse", onnx_file, "--db", db, "--target", "llvm -mcpu=pentium99")
    code, text = run_main(monkeypatch, capsys, *words)
    assert code == 1
    assert "pentium99" in text


@pytest.mark.parametrize("shape", ["input", "1,3,16,16", "input:1,three"])
def test_an_unreadable_shape(monkeypatch, capsys, onnx_file, shape):
    code, text = run_main(monkeypatch, capsys, "reuse", onnx_file, "--shape", shape)
    assert code == 2
    assert "--shape" in text
