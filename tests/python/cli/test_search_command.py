"""``cosearch search``: what it finds, writes, refuses, and goes on with."""

import csv
import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from cosearch.accuracy.surrogate import AccuracySurrogate
from cosearch.cli import main
from cosearch.cli.main import app
from cosearch.nas import Result
from cosearch.spaces import SPACES, MBConvSpace, NASBench201Space
from tiny_space import TinySpace

RUNNER = CliRunner()
CHEAP = ["search", "nasbench201", "--objective", "multiply_adds", "--objective", "accuracy"]


def invoke(*words, code=0):
    result = RUNNER.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def fail(monkeypatch, capsys, *words, code=1) -> str:
    monkeypatch.setattr(sys, "argv", ["cosearch", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == code
    return capsys.readouterr().err


def test_all_files_tell_the_same(tmp_path):
    files = {ending: tmp_path / f"front.{ending}" for ending in ("json", "csv", "png", "html")}
    options = [word for ending, path in files.items() for word in (f"--{ending}", path)]
    shown = invoke(*CHEAP, "--budget", 80, "--seed", 5, *options)
    result = Result.load(files["json"])
    assert result.settings["seed"] == 5
    assert len(result.evaluated.rows) == 80
    with files["csv"].open(newline="") as file:
        assert sum(row["front"] == "1" for row in csv.DictReader(file)) == len(result.front)
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert result.front[0]["architecture"] in files["html"].read_text()
    assert "80 architectures evaluated" in shown.stdout
    assert f"{result.front[0]['accuracy']:.6g}" in shown.stdout
    assert all(path.name in shown.stderr for path in files.values())


def test_json_on_standard_output(tmp_path):
    words = [*CHEAP, "--algorithm", "random", "--budget", 30, "--constraint", "parameters=5e5"]
    data = json.loads(invoke(*words, "--json", "-").stdout)
    assert data["evaluations"] == 30
    assert data["algorithm"]["name"] == "random"
    assert data["goals"]["bounds"] == {"parameters": 5e5}
    assert all(row["parameters"] <= 5e5 for row in data["front"])


def test_resume_goes_on(tmp_path):
    checkpoint = tmp_path / "run.jsonl"
    words = [*CHEAP, "--checkpoint", checkpoint, "--json", "-"]
    invoke(*words, "--budget", 40)
    resumed = json.loads(invoke(*words, "--budget", 90, "--resume").stdout)
    whole = json.loads(invoke(*CHEAP, "--json", "-", "--budget", 90).stdout)
    assert resumed["front"] == whole["front"]
    assert len(checkpoint.read_text().splitlines()) == 91


def test_ctrl_c_shows_what_was_found_and_says_how_to_go_on(tmp_path, monkeypatch):
    asked = []

    def breaks_off(space, rows):
        asked.extend(rows)
        if len(asked) > 50:
            raise KeyboardInterrupt
        return np.asarray(rows).sum(axis=1)

    monkeypatch.setattr(NASBench201Space, "multiply_adds", breaks_off)
    shown = invoke(*CHEAP, "--checkpoint", tmp_path / "run.jsonl", code=130)
    assert "--resume goes on from here" in shown.stderr
    assert "architectures evaluated" in shown.stdout


class Predictor:
    """Answers as a predictor does, of no labels."""

    def predict_batch(self, xs, space):
        return 100.0 + 10.0 * np.asarray(xs).sum(axis=1)

    def interval_batch(self, xs, space):
        us = self.predict_batch(xs, space)
        return us, 0.9 * us, 1.1 * us

    def sources(self, architecture, space):
        return {"exact": 2, "transferred": 0, "rules": 1, "default": 0}


def test_latency_is_bounded_at_its_upper_end(tmp_path, monkeypatch):
    asked = []

    def load(target, database):
        asked.append((target, database.url))
        return Predictor()

    monkeypatch.setattr("cosearch.LatencyPredictor.load", load)
    monkeypatch.setitem(SPACES, "tiny", TinySpace)
    words = ["search", "tiny", "--objective", "latency_us", "--objective", "parameters"]
    words += ["--latency-us", 121.5, "--db", tmp_path / "db.sqlite", "--threads", 1]
    data = json.loads(invoke(*words, "--json", "-").stdout)
    assert data["goals"]["bounds"] == {"latency_high_us": 121.5}
    feasible = [row for row in data["evaluated"]["values"] if row[2] <= 121.5]
    assert len(feasible) == 3  # 1-1, 1-3 and 3-1
    (found,) = data["front"]
    assert (found["architecture"], found["latency_us"]) == ("1-1", 100)
    assert found["schedules"]["exact"] == 2
    shown = invoke(*words, "--predictor", tmp_path / "own.json.gz").stdout
    assert "2 exact," in shown
    assert asked[0][0].attrs["num-cores"] == 1
    assert asked[1][0] == tmp_path / "own.json.gz"
    assert {url for _, url in asked} == {str(tmp_path / "db.sqlite")}


def test_accuracy_from_a_file(tmp_path):
    space = MBConvSpace.small()
    rows = space.sample(20, np.random.default_rng(0))
    surrogate = AccuracySurrogate.fit(space, rows, space.parameters(rows) / 1e6, seed=0)
    surrogate.save(tmp_path / "surrogate.npz")
    words = ["search", "mbconv-small", "--objective", "accuracy", "--budget", 30, "--json", "-"]
    data = json.loads(invoke(*words, "--accuracy", tmp_path / "surrogate.npz").stdout)
    best = space.parse(data["front"][0]["architecture"])
    assert data["front"][0]["accuracy"] == pytest.approx(surrogate.score(best[None])[0])


def test_what_is_wrong_is_said(monkeypatch, capsys, tmp_path):
    assert "known are" in fail(monkeypatch, capsys, "search", "songs")
    assert "unknown objective" in fail(monkeypatch, capsys, "search", "resnet", "--objective", "x")
    words = ["search", "resnet", "--objective", "accuracy", "--accuracy"]
    assert "no table of accuracies" in fail(monkeypatch, capsys, *words, "table")
    assert "none.npz" in fail(monkeypatch, capsys, *words, tmp_path / "none.npz")
    empty = ["--predictor", tmp_path / "none.json.gz", "--db", tmp_path / "empty.sqlite"]
    missing = fail(monkeypatch, capsys, "search", "nasbench201", *empty)
    assert "cosearch latency fit" in missing
    nowhere = tmp_path / "nowhere" / "run.jsonl"
    assert "cannot write" in fail(monkeypatch, capsys, *CHEAP, "--checkpoint", nowhere)
    assert "cannot write" in fail(monkeypatch, capsys, *CHEAP, "--csv", nowhere.with_suffix(".csv"))
    (tmp_path / "run.jsonl").write_text("precious\n")
    existing = fail(monkeypatch, capsys, *CHEAP, "--checkpoint", tmp_path / "run.jsonl")
    assert "exists" in existing


@pytest.mark.parametrize(
    ("option", "value"),
    [("--constraint", "parameters"), ("--constraint", "=3"), ("--png", "front.jpg")],
)
def test_options_that_cannot_be_read(monkeypatch, capsys, option, value):
    assert option in fail(monkeypatch, capsys, *CHEAP, option, value, code=2)


def test_nothing_keeps_the_constraints():
    shown = invoke(*CHEAP, "--constraint", "parameters=1", "--budget", 20)
    assert "no architecture keeps the constraints" in shown.stdout
