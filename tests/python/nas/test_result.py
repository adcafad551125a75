"""Results: the front as a table, and files that say the same."""

import csv
import json

import numpy as np
import pytest

import cosearch
from cosearch.nas import Objective, Result, non_dominated
from cosearch.spaces import NASBench201Space
from tiny_space import TinySpace

SPACE = NASBench201Space()


@pytest.fixture(scope="module")
def result():
    bounds = {"parameters": 8e5}
    return cosearch.search(SPACE, ["multiply_adds", "accuracy"], bounds, budget=120)


@pytest.fixture(scope="module")
def tiny_result(tiny_predictor):
    worth = Objective("worth", lambda rows: rows.sum(axis=1), higher_is_better=True)
    return cosearch.search(TinySpace(), ["latency_us", worth], budget=100, predictor=tiny_predictor)


def same(one, other):
    np.testing.assert_array_equal(one.evaluated.rows, other.evaluated.rows)
    np.testing.assert_array_equal(one.evaluated.values, other.evaluated.values)
    assert list(one.front) == list(other.front)
    assert (one.history, one.settings, one.goals) == (other.history, other.settings, other.goals)


def test_the_front_is_what_nothing_feasible_dominates(result):
    feasible = result.evaluated.values[result.evaluated.feasible]
    losses = result.goals.losses(feasible)
    expected = feasible[non_dominated(losses)]
    found = np.array([[row[c.name] for c in result.goals.columns] for row in result.front])
    np.testing.assert_array_equal(found, expected[np.argsort(expected[:, 0])])
    assert found[:, 2].max() <= 8e5
    architectures = [SPACE.parse(row["architecture"]) for row in result.front]
    np.testing.assert_array_equal(SPACE.multiply_adds(architectures), found[:, 0])
    assert "schedules" not in result.front[0]


def test_the_table_reads_well(result):
    first, *lines = str(result).splitlines()
    assert first.split() == ["multiply_adds", "accuracy", "(%)", "parameters", "architecture"]
    assert len(lines) == len(result.front)
    assert lines[0].endswith(result.front[0]["architecture"])
    assert result.front[:2] == (result.front[0], result.front[1])


def test_schedules_of_the_front(tiny_result, tiny_predictor):
    space = TinySpace()
    for row in tiny_result.front:
        counts = tiny_predictor.sources(space.parse(row["architecture"]), space)
        assert row["schedules"] == counts
        assert sum(counts.values()) >= 3
    assert "rules" in str(tiny_result)


@pytest.mark.parametrize("which", ["result", "tiny_result"])
def test_json_is_read_back(which, request, tmp_path):
    result = request.getfixturevalue(which)
    path = tmp_path / "result.json"
    result.save(path)
    assert not list(tmp_path.glob("*.partial"))
    space = TinySpace() if which == "tiny_result" else None
    loaded = Result.load(path, space)
    same(loaded, result)
    loaded.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_csv_has_a_line_an_architecture(tiny_result, tmp_path):
    path = tmp_path / "result.csv"
    tiny_result.save(path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    front = [row for row in rows if row["front"] == "1"]
    assert {row["architecture"] for row in front} == {
        row["architecture"] for row in tiny_result.front
    }
    assert all(int(row["rules"]) >= 0 for row in front)
    assert {row["rules"] for row in rows if row["front"] == "0"} == {""}
    values = [[float(row["latency_us"]), float(row["worth"])] for row in rows]
    np.testing.assert_array_equal(values, tiny_result.evaluated.values)


def test_a_picture(result, tmp_path):
    result.save(tmp_path / "result.png")
    assert (tmp_path / "result.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("which", ["result", "tiny_result"])
def test_a_page(which, request, tmp_path):
    result = request.getfixturevalue(which)
    result.save(tmp_path / "result.html")
    page = (tmp_path / "result.html").read_text()
    assert "hypervolume" in page
    assert all(row["architecture"] in page for row in result.front)


@pytest.mark.parametrize("objectives", [["accuracy"], ["accuracy", "parameters", "multiply_adds"]])
def test_one_objective_and_three_are_drawn(objectives):
    from cosearch.nas.result_charts import result_charts

    result = cosearch.search(SPACE, objectives, budget=60)
    charts = result_charts(result)
    assert len(charts) == max(2, len(objectives))
    assert sum(len(series.points) for series in charts[0].series) == 60


def test_what_breaks_a_constraint_is_drawn_apart(result):
    from cosearch.nas.result_charts import result_charts

    broken, evaluated, front = result_charts(result)[0].series
    assert len(broken.points) == (~result.evaluated.feasible).sum() > 0
    assert len(front.points) == len(result.front)
    assert len(broken.points) + len(evaluated.points) + len(front.points) == 120
    assert front.points[0].details["parameters"] == result.front[0]["parameters"]


def test_an_unknown_ending(result, tmp_path):
    with pytest.raises(ValueError, match=r"in one of \.json, \.csv, \.html, \.png"):
        result.save(tmp_path / "result.xlsx")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: "songs", "is no result"),
        (lambda data: "{", "is no result"),
        (lambda data: json.dumps(data | {"version": 99}), "another release"),
        (lambda data: json.dumps(data | {"space": "songs"}), "pass it as space="),
        (lambda data: json.dumps(data | {"choices": [2]}), "not of this 'nasbench201'"),
        (lambda data: json.dumps({k: v for k, v in data.items() if k != "goals"}), "is damaged"),
        (lambda data: json.dumps(data | {"evaluated": {"rows": [[9] * 6]}}), "is damaged"),
    ],
)
def test_files_that_are_wrong_are_refused(result, change, message, tmp_path):
    path = tmp_path / "result.json"
    result.save(path)
    path.write_text(change(json.loads(path.read_text())))
    with pytest.raises(ValueError, match=message):
        Result.load(path)


def test_another_space_is_refused(result, tmp_path):
    result.save(tmp_path / "result.json")
    with pytest.raises(ValueError, match="not of this 'tiny'"):
        Result.load(tmp_path / "result.json", TinySpace())


def test_a_row_that_the_front_lacks(result):
    with pytest.raises(IndexError, match="no row 1000"):
        result.build(1000)
