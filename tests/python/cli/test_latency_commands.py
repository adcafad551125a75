"""``cosearch measure``, ``latency`` and ``predict``, from labels to answers."""

import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from cosearch import ScheduleDatabase
from cosearch.cli import main
from cosearch.cli.main import app
from cosearch.schedules import Conditions, resolve_target
from tiny_space import TinySpace, label_as_promised

RUNNER = CliRunner()
TARGET = ["--target", "llvm -mcpu=native", "--threads", "1"]
CELLS = [
    f"|{op}~0|+|{op}~0|none~1|+|none~0|none~1|{op}~2|"
    for op in ("nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3", "skip_connect")
]


def invoke(*words) -> str:
    result = RUNNER.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def fail(monkeypatch, capsys, *words) -> str:
    monkeypatch.setattr(sys, "argv", ["cosearch", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    return capsys.readouterr().err


@pytest.fixture(scope="module")
def labels(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("labels") / "labels.sqlite"
    architectures = np.array([[0, 0], [0, 1], [1, 2], [2, 1], [2, 2]])
    target = resolve_target("llvm -mcpu=native -num-cores=1")
    label_as_promised(ScheduleDatabase(path), TinySpace(), architectures, target)
    return str(path)


def test_from_labels_to_a_prediction(labels, onnx_file, tmp_path):
    predictor = tmp_path / "predictor.json.gz"
    made = json.loads(invoke("latency", "fit", *TARGET, "--db", labels, "-o", predictor, "--json"))
    assert made["predictor"] == str(predictor)
    assert made["kernels"] > 4
    options = [*TARGET, "--db", labels, "--predictor", predictor]
    assert "90 % intervals" in invoke("latency", "fit", *TARGET, "--db", labels, "-o", predictor)
    judged = json.loads(invoke("latency", "evaluate", *options, "--json"))
    assert judged["networks"] == 5
    assert judged["within_5_percent"] == 1
    assert "rmspe" in invoke("latency", "evaluate", *options)
    (found,) = json.loads(invoke("predict", onnx_file, *options, "--json"))
    assert found["low_us"] <= found["us"] <= found["high_us"]
    assert found["source"] in ("predicted", "extrapolated")
    assert str(found["source"]) in invoke("predict", onnx_file, *options)


def test_measure_keeps_labels(onnx_file, tmp_path):
    db = tmp_path / "own.sqlite"
    words = ["measure", onnx_file, *TARGET, "--db", db, "--seconds", 0.1]
    (row,) = json.loads(invoke(*words, "--json"))
    assert row["low_us"] <= row["latency_us"] <= row["high_us"]
    assert row["kernels_us"]
    conditions = Conditions.of(resolve_target("llvm -mcpu=native -num-cores=1"))
    (label,) = ScheduleDatabase(db).labels(conditions, "network")
    assert (label.name, label.key) == ("tiny", row["key"])
    shown = "".join(line.rsplit("│", 2)[-2].strip() for line in invoke(*words).splitlines()[3:-1])
    assert shown == str(onnx_file)


def test_what_is_missing_is_said(labels, onnx_file, tmp_path, monkeypatch, capsys):
    empty = tmp_path / "empty.sqlite"
    assert "cosearch measure" in fail(monkeypatch, capsys, "latency", "fit", "--db", empty)
    nowhere = tmp_path / "none.json.gz"
    words = ["predict", onnx_file, *TARGET, "--db", labels, "--predictor", nowhere]
    assert "cosearch latency fit" in fail(monkeypatch, capsys, *words)
    predictor = tmp_path / "predictor.json.gz"
    invoke("latency", "fit", *TARGET, "--db", labels, "-o", predictor)
    words = ["latency", "evaluate", *TARGET, "--db", empty, "--predictor", predictor]
    assert "0 labelled networks" in fail(monkeypatch, capsys, *words)


def test_adapt_to_a_device(tmp_path):
    table = tmp_path / "table.csv"
    rows = [f"{cell},{i + 1},{2 * i + 1},{3 * i + 2}" for i, cell in enumerate(CELLS)]
    table.write_text("\n".join(["arch,latency_ms_a,latency_ms_b,latency_ms_c", *rows]) + "\n")
    chosen = json.loads(invoke("latency", "adapt", table, "--choose", 3, "--json"))
    assert len(set(chosen)) == 3
    assert set(chosen) <= set(CELLS)
    samples, output = tmp_path / "samples.csv", tmp_path / "out.csv"
    measured = [f"{cell},{CELLS.index(cell) + 5}" for cell in chosen]
    samples.write_text("\n".join(["arch,latency_ms", *measured]) + "\n")
    invoke("latency", "adapt", table, "--samples", samples, "-o", output)
    lines = output.read_text().splitlines()
    assert len(lines) == 1 + len(CELLS)
    assert all(float(line.rsplit(",", 1)[1]) > 0 for line in lines[1:])
