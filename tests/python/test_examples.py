"""The examples of loops that others drive, on a space of sixteen networks."""

from pathlib import Path

import nas_loop
import numpy as np
import pytest

from cosearch.nas import non_dominated
from tiny_space import TinySpace

SPACE = TinySpace()
EVERYTHING = np.indices(SPACE.choices).reshape(2, -1).T


class Kernels(TinySpace):
    """With counts that tell architectures apart."""

    def multiply_adds(self, architectures):
        return np.asarray(architectures) @ [3, 2]


class Predictor:
    """Answers as a predictor does, of no labels."""

    def predict_batch(self, xs, space):
        return 100.0 + 10.0 * (np.asarray(xs) ** 2).sum(axis=1)


class Accuracy:
    def score(self, architectures):
        return 90.0 + np.asarray(architectures).sum(axis=1)


def test_a_loop_of_ones_own_finds_the_largest_in_time():
    found = nas_loop.largest_within(Kernels(), Predictor(), bound_us=160, rounds=5)
    us = Predictor().predict_batch(EVERYTHING, SPACE)
    sizes = Kernels().multiply_adds(EVERYTHING)
    assert (Predictor().predict_batch(found[None], SPACE) <= 160).all()
    assert Kernels().multiply_adds(found) == sizes[us <= 160].max()
    assert nas_loop.largest_within(Kernels(), Predictor(), bound_us=1, rounds=1) is None


def test_the_loop_is_short():
    assert len(Path(nas_loop.__file__).read_text().splitlines()) < 30


def test_optuna_finds_the_front():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    import optuna_search

    found = optuna_search.search(SPACE, Predictor(), Accuracy(), trials=150)
    us, percent = Predictor().predict_batch(EVERYTHING, SPACE), Accuracy().score(EVERYTHING)
    kept = non_dominated(np.stack([us, -percent], axis=1))
    expected = {SPACE.format(row) for row in EVERYTHING[kept]}
    assert {architecture for architecture, _ in found} == expected
