"""Algorithms: same seed, same front; constraints kept; small spaces exhausted; no global chance."""

import functools
import random

import numpy as np
import pytest

import cosearch
from cosearch.accuracy.nasbench201_table import NASBench201Accuracy
from cosearch.nas import (
    ALGORITHMS,
    NSGA2,
    Objective,
    Problem,
    RegularizedEvolution,
    igd_share,
    non_dominated,
)
from cosearch.spaces import MBConvSpace, NASBench201Space
from tiny_space import TinySpace

SPACE = NASBench201Space()
OBJECTIVES = ["multiply_adds", "accuracy"]


@functools.cache
def true_front():
    rows = np.indices(SPACE.choices).reshape(6, -1).T
    losses = np.stack([SPACE.multiply_adds(rows), -NASBench201Accuracy().score(rows)], axis=1)
    return losses[non_dominated(losses)]


def share(result):
    found = result.evaluated.values[result.front_places]
    return igd_share(result.goals.losses(found), true_front())


def found_by(algorithm, **options):
    return cosearch.search(SPACE, OBJECTIVES, algorithm=algorithm, **{"budget": 300} | options)


GOLDEN = {
    "nsga2": (15, (7783040, 86.76), (90358400, 94.31)),
    "regularized-evolution": (10, (7783040, 87.08), (121815680, 93.84)),
    "random": (10, (7783040, 86.83), (149340800, 93.99)),
}
"""Architectures on the front, its cheapest and its most accurate one."""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_golden_fronts(algorithm):
    result = found_by(algorithm, seed=7)
    assert len(result.evaluated.rows) == 300
    found = [(int(row["multiply_adds"]), row["accuracy"]) for row in result.front]
    assert (len(found), found[0], found[-1]) == GOLDEN[algorithm]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_seed_alone_decides(algorithm):
    state = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    one, same, other = (found_by(algorithm, seed=seed, budget=120) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.evaluated.rows, same.evaluated.rows)
    assert [step[:3] for step in one.history] == [step[:3] for step in same.history]
    assert (one.evaluated.rows != other.evaluated.rows).any()
    np.testing.assert_array_equal(np.random.get_state()[1], state[0])  # noqa: NPY002
    assert random.getstate() == state[1]


def test_nsga2_comes_closer_to_the_front_than_chance():
    evolved, drawn = (
        np.mean([share(found_by(name, seed=seed, budget=400)) for seed in range(3)])
        for name in ("nsga2", "random")
    )
    assert evolved < 0.6 * drawn


def test_regularized_evolution_comes_closer_to_the_best_than_chance():
    evolved, drawn = (
        [
            cosearch.search(SPACE, ["accuracy"], None, name, 400, seed).front[0]["accuracy"]
            for seed in range(3)
        ]
        for name in ("regularized-evolution", "random")
    )
    assert np.mean(evolved) > np.mean(drawn) + 0.1


def test_nsga2_finds_the_front():
    assert share(found_by("nsga2", budget=1500)) < 0.015


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_small_space_is_exhausted(algorithm):
    space = TinySpace()
    objective = Objective("x", lambda rows: rows @ [1.0, -2.0])
    result = cosearch.search(space, [objective], algorithm=algorithm, budget=500)
    assert len(result.evaluated.rows) == 16
    assert len(np.unique(result.evaluated.rows, axis=0)) == 16
    assert [row["architecture"] for row in result.front] == ["1-7"]


@pytest.mark.parametrize("algorithm", ["nsga2", "regularized-evolution"])
def test_constraints_steer_the_search(algorithm):
    """Few architectures are so small, and the search has to find its way to them."""
    bound = 2e5
    result = found_by(algorithm, constraints={"parameters": bound})
    assert all(row["parameters"] <= bound for row in result.front)
    assert max(row["accuracy"] for row in result.front) > 88
    half = len(result.evaluated.feasible) // 2
    late, early = result.evaluated.feasible[half:].mean(), result.evaluated.feasible[:40].mean()
    assert late > 1.5 * early


def test_a_constraint_that_nothing_keeps():
    result = found_by("nsga2", constraints={"parameters": 1}, budget=60)
    assert len(result.front) == 0
    assert result.history[-1].hypervolume == 0
    assert len(result.evaluated.rows) == 60


def test_three_objectives():
    result = cosearch.search(SPACE, [*OBJECTIVES, "parameters"], budget=120)
    losses = result.goals.losses(result.evaluated.values)
    assert losses.shape == (120, 3)
    assert len(result.front) == non_dominated(losses).sum() > 3


def test_nsga2_proposes_nothing_twice():
    problem = Problem(SPACE, [Objective("x", lambda rows: rows.sum(1))])
    algorithm, seen = NSGA2(problem, np.random.default_rng(0), population=20), set()
    for _ in range(20):
        rows = algorithm.ask()
        keys = problem.keys(rows)
        assert not seen & set(keys)
        assert len(set(keys)) == len(keys)
        seen.update(keys)
        algorithm.tell(rows, rows.sum(1)[:, None].astype(float), np.empty((len(rows), 0)))


def test_the_oldest_die_however_good_they_are():
    problem = Problem(SPACE, [Objective("x", lambda rows: rows.sum(1))])
    chance = np.random.default_rng(0)
    algorithm = RegularizedEvolution(problem, chance, population=8, sample=8, batch=4)
    best = np.zeros((4, 6), np.int64)
    others = np.full((8, 6), 4)
    nothing = np.empty((8, 0))
    algorithm.tell(best, np.full((4, 1), -1.0), nothing[:4])
    algorithm.tell(others[:4], np.full((4, 1), 5.0), nothing[:4])
    assert ((algorithm.ask() != 0).sum(axis=1) <= 4).all()  # children of the best
    algorithm.tell(others, np.full((8, 1), 5.0), nothing)
    assert ((algorithm.ask() == 4).sum(axis=1) >= 2).all()  # of which nothing is left


def test_children_are_other_architectures():
    """In a space where most mutations change nothing that has an effect."""
    space = MBConvSpace.small()
    problem = Problem(space, [Objective("x", space.parameters)])
    algorithm = RegularizedEvolution(problem, np.random.default_rng(0), population=1, batch=50)
    parent = space.sample(1, np.random.default_rng(1))
    algorithm.tell(parent, np.zeros((1, 1)), np.empty((1, 0)))
    assert (problem.identity(algorithm.ask()) != problem.identity(parent)).any(axis=1).all()


def test_an_algorithm_of_ones_own_settings():
    result = found_by(functools.partial(NSGA2, population=10), budget=35)
    assert result.settings["algorithm"]["population"] == 10
    assert [step.evaluations for step in result.history] == [10, 20, 30, 35]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "songs"}, "known are nsga2, regularized-evolution, random"),
        ({"budget": 0}, "budget is at least 1"),
        ({"seed": -1}, "seed at least 0"),
        ({"resume": True}, "needs a checkpoint"),
        ({"algorithm": functools.partial(NSGA2, population=1)}, "at least 2"),
        ({"algorithm": functools.partial(NSGA2, mutation_rate=2.0)}, "between 0 and 1"),
        ({"algorithm": functools.partial(RegularizedEvolution, batch=0)}, "at least 1"),
    ],
)
def test_what_cannot_be_run_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        cosearch.search(SPACE, OBJECTIVES, **options)


def test_a_missing_pymoo_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"tvm-cosearch\[search\]"):
        cosearch.search(SPACE, OBJECTIVES)


def test_history_grows_and_progress_is_told():
    told = []
    result = found_by("nsga2", budget=130, progress=told.append)
    volumes = [step.hypervolume for step in result.history]
    assert volumes == sorted(volumes)
    assert volumes[-1] > 0.5
    assert [p.evaluations for p in told] == sorted(p.evaluations for p in told)
    assert told[-1].evaluations == told[-1].budget == 130
    assert told[-1].hypervolume == volumes[-1]
    assert told[-1].left_s == 0
