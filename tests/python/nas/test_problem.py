"""What a search is after: names, bounds, figures, and which architectures are one."""

import numpy as np
import pytest

from cosearch.nas import Objective, Problem
from cosearch.nas.memory import PORTION, PORTION_UNKNOWN, Memory
from cosearch.nas.named_objectives import make_problem
from cosearch.spaces import NASBench201Space
from tiny_space import TinySpace

SPACE = NASBench201Space()
DEAD = np.array([[2, 0, 0, 3, 0, 0], [3, 0, 0, 3, 0, 0]])
"""Two encodings of one architecture: the first edge leads into a node that nothing leaves."""


def first(rows):
    return rows[:, 0].astype(float)


def accuracy_of_encoding(rows):
    return rows.sum(axis=1).astype(float)


class Score:
    name, unit, cost_s = "made up", "%", 0.0

    def score(self, architectures):
        return accuracy_of_encoding(np.asarray(architectures))


def test_the_two_encodings_are_one_architecture():
    canonical = SPACE.canonical(DEAD)
    assert (DEAD[0] != DEAD[1]).any()
    assert (canonical[0] == canonical[1]).all()


def test_canonical_architectures_are_evaluated_once():
    asked = []

    def record(rows):
        asked.append(rows)
        return first(rows)

    memory = Memory(Problem(SPACE, [Objective("x", record)]), 10)
    rows, values = memory.learn(DEAD)
    np.testing.assert_array_equal(rows, DEAD)
    assert values.shape == (2, 1)
    assert len(memory) == 1
    memory.learn(DEAD)
    np.testing.assert_array_equal(np.concatenate(asked), SPACE.canonical(DEAD[:1]))


def test_an_objective_may_tell_encodings_apart():
    table = Objective("accuracy", accuracy_of_encoding, True, by_encoding=True)
    memory = Memory(Problem(SPACE, [Objective("x", first), table]), 10)
    _, values = memory.learn(DEAD)
    assert len(memory) == 2
    assert values[0, 1] != values[1, 1]


def test_the_budget_is_of_different_architectures():
    memory = Memory(Problem(TinySpace(), [Objective("x", first)]), 3)
    asked = np.array([[0, 0], [0, 0], [1, 0], [2, 0], [3, 0], [1, 0]])
    rows, _ = memory.learn(asked)
    assert len(memory) == 3
    np.testing.assert_array_equal(rows, asked[[0, 1, 2, 3, 5]])


@pytest.mark.parametrize(
    ("cost_s", "most"), [(0.0, PORTION), (1.0, 5), (100.0, 1), (float("nan"), PORTION_UNKNOWN)]
)
def test_of_dear_objectives_fewer_are_evaluated_at_once(cost_s, most):
    sizes = []

    def record(rows):
        sizes.append(len(rows))
        return first(rows)

    memory = Memory(Problem(SPACE, [Objective("x", record, cost_s=cost_s)]), 1000)
    memory.learn(SPACE.sample(40, np.random.default_rng(0)))
    assert max(sizes) == most
    assert sum(sizes) == len(memory)


def test_goals_turn_figures_into_losses_and_violations():
    objectives = [Objective("us", first, unit="µs"), Objective("accuracy", first, True)]
    bounds = {objectives[1]: 90.0, Objective("parameters", first): 1e6}
    goals = Problem(TinySpace(), objectives, bounds).goals
    values = np.array([[5.0, 93.0, 1e6], [7.0, 81.0, 1.5e6]])
    np.testing.assert_array_equal(goals.losses(values), [[5, -93], [7, -81]])
    np.testing.assert_allclose(goals.violations(values), [[-3 / 90, 0], [0.1, 0.5]])
    np.testing.assert_array_equal(goals.feasible(values), [True, False])
    assert type(goals).from_json(goals.to_json()) == goals
    with pytest.raises(ValueError, match="us, accuracy, parameters"):
        goals.index("songs")


def test_names_are_resolved():
    problem = make_problem(SPACE, ["parameters", "accuracy"], {"multiply_adds": 1e8})
    assert [c.name for c in problem.goals.columns] == ["parameters", "accuracy", "multiply_adds"]
    assert problem.by_encoding
    values = problem.values(DEAD)
    np.testing.assert_array_equal(values[:, 0], SPACE.parameters(DEAD))
    assert 50 < values[0, 1] < 95
    assert values[0, 1] != values[1, 1]


def test_an_estimator_is_the_accuracy():
    problem = make_problem(TinySpace(), [Score(), "parameters"], {"accuracy": 3})
    assert problem.goals.columns[0].higher_is_better
    assert problem.goals.bounds == (("accuracy", 3.0),)
    assert not problem.by_encoding
    same = make_problem(TinySpace(), ["accuracy"], accuracy=Score(), constraints=None)
    np.testing.assert_array_equal(same.values(np.array([[1, 2]])), [[3.0]])


@pytest.mark.parametrize(
    ("objectives", "bounds", "message"),
    [
        ([], {}, "needs an objective"),
        ("accuracy", {}, r"write \['accuracy'\]"),
        (["songs"], {}, "unknown objective 'songs'; known are latency_us"),
        (["parameters"], {"songs": 1}, "unknown objective 'songs'"),
        (["accuracy"], {}, "no table of accuracies for tiny: pass accuracy="),
        ([Score(), Score()], {}, "two objectives have one name"),
        ([3], {}, "3 is no objective"),
        (["parameters"], {"parameters": float("nan")}, "bound of 'parameters' is nan"),
        (["parameters"], {Objective("a", first): 1, Objective("a", len): 1}, "two constraints"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(objectives, bounds, message):
    with pytest.raises(ValueError, match=message):
        make_problem(TinySpace(), objectives, bounds)


@pytest.mark.parametrize("name", ["", "architecture", "front"])
def test_names_that_a_table_cannot_have(name):
    with pytest.raises(ValueError, match="cannot be named"):
        Objective(name, first)


@pytest.mark.parametrize(
    ("evaluate", "message"),
    [
        (lambda rows: 1.0, r"'x' gave \[\] values for 2"),
        (lambda rows: rows, r"'x' gave \[2, 2\] values"),
        (lambda rows: np.array([1.0, np.nan]), r"'x' is nan for \[1, 0\]"),
        (lambda rows: np.array([np.inf, 0.0]), r"'x' is inf for \[0, 0\]"),
    ],
)
def test_what_an_objective_gives_is_checked(evaluate, message):
    with pytest.raises(ValueError, match=message):
        Objective("x", evaluate).values(np.array([[0, 0], [1, 0]]))
