"""``cosearch codesign`` and ``cosearch chart`` on a space of sixteen networks."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from cosearch import LatencyPredictor, ScheduleDatabase
from cosearch.accuracy.surrogate import AccuracySurrogate
from cosearch.cli.main import app
from cosearch.nas.optimisation_flow import _Bench
from cosearch.schedules import resolve_target
from cosearch.spaces import SPACES, MBConvSpace
from cosearch.spaces.mbconv import Skeleton
from tiny_space import TinySpace, label_as_promised

SPACE = TinySpace()
ROWS = np.indices(SPACE.choices).reshape(2, -1).T
ONE_THREAD = ("--target", "llvm -mcpu=native", "--threads", "1")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the database, a predictor and a surrogate of the tiny space."""
    folder = tmp_path_factory.mktemp("tiny")
    target = resolve_target("llvm -mcpu=native -num-cores=1")
    database = ScheduleDatabase(folder / "tiny.sqlite")
    label_as_promised(database, SPACE, ROWS[::2], target)
    LatencyPredictor.fit(database, target).save(folder / "predictor.json.gz")
    AccuracySurrogate.fit(SPACE, ROWS, 50.0 + ROWS.sum(1)).save(folder / "surrogate.npz")
    database.close()
    return folder


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(SPACES, "tiny", TinySpace)


def run(*words, code=0):
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=code == 1)
    assert result.exit_code == code, result.output
    return result


def test_codesign_finds_and_builds_what_keeps_the_limit(files, tmp_path):
    common = (
        *("codesign", "tiny", *ONE_THREAD, "--accuracy", files / "surrogate.npz"),
        *("--db", files / "tiny.sqlite", "--predictor", files / "predictor.json.gz"),
        *("--pairs", 16, "--samples", 8, "--budget", 16, "--finalists", 3),
    )
    freely = json.loads(run(*common, "--latency-us", 1e6, "--json").stdout)
    assert len(freely["parts"]) == 4
    assert sum(part["chosen"] for part in freely["parts"]) == 1
    finalists = freely["finalists"]
    assert [f["accuracy"] for f in finalists] == sorted(
        (f["accuracy"] for f in finalists), reverse=True
    )
    limit_us = 0.99 * finalists[0]["latency_high_us"]
    shown = run(*common, "--latency-us", limit_us, "-o", tmp_path / "net.so")
    assert (tmp_path / "net.so").stat().st_size > 0
    assert "of 4 parts of the space" in shown.stdout
    bound = json.loads(run(*common, "--latency-us", limit_us, "--json").stdout)
    assert all(f["latency_high_us"] <= limit_us for f in bound["finalists"])


def test_charts_are_drawn_of_what_was_measured(files, tmp_path, monkeypatch):
    # That networks are built and measured has a test of its own: see the flow's.
    monkeypatch.setattr(_Bench, "latencies_us", lambda _, row: (50.0 + row[0], 20.0 + row[1]))
    written = [tmp_path / name for name in ("flow.png", "flow.html", "flow.jsonl")]
    words = (
        *("chart", "tiny", *ONE_THREAD, "--count", 3, "--candidates", 8),
        *("--generator", files / "surrogate.npz", "--accuracy", files / "surrogate.npz"),
        *("--db", files / "tiny.sqlite", "--checkpoint", written[2]),
    )
    shown = run(*words, "--png", written[0], "--html", written[1])
    assert "mean speed-up" in shown.stdout
    assert written[0].read_bytes().startswith(b"\x89PNG")
    data = json.loads(run(*words, "--resume", "--json").stdout)
    page = written[1].read_text()
    assert len(data["networks"]) == 3
    for network in data["networks"]:
        assert network["speed_up"] == pytest.approx(network["before_us"] / network["after_us"])
        assert network["name"] in page


def test_a_space_without_a_table_says_so():
    result = run("chart", "tiny", "--accuracy", "table", code=1)
    assert "there is no table of accuracies for tiny" in str(result.exception)


def test_a_supernet_teaches_a_surrogate(tmp_path, monkeypatch):
    skeleton = Skeleton("narrow", (8,), (8, 1), 8, ((8, 2),), 16)
    monkeypatch.setitem(SPACES, "narrow", lambda: MBConvSpace(classes=10, skeleton=skeleton))
    words = (
        *("supernet", "narrow", "-o", tmp_path / "known.npz", "--pairs", 13, "--batch", 8),
        *("--checkpoint", tmp_path / "supernet.pt", "--steps", 3, "--json"),
    )
    first = json.loads(run(*words).stdout)
    assert first["networks"] == 13
    assert 0 <= first["mean_accuracy"] <= first["best_accuracy"] <= 100
    assert "add --resume" in str(run(*words, code=1).exception)
    space = MBConvSpace(classes=10, skeleton=skeleton)
    rows = space.sample(3, np.random.default_rng(0))
    assert AccuracySurrogate.load(tmp_path / "known.npz", space).score(rows).shape == (3,)


def test_only_mbconv_spaces_have_a_supernet(tmp_path):
    result = run("supernet", "tiny", "-o", tmp_path / "known.npz", code=1)
    assert "no supernet for tiny" in str(result.exception)
