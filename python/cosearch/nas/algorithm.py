"""What a search algorithm is, and those that are known by name."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from cosearch.nas.goals import Values
from cosearch.nas.problem import Problem
from cosearch.spaces.space import Integers


class Algorithm(Protocol):
    """Proposes architectures, and learns how good they are.

    It evaluates nothing itself, and knows no files and no clock: `cosearch.nas.search` does the
    rest. All its chance comes from the generator that it was made with.
    """

    @property
    def settings(self) -> dict[str, Any]:
        """Name and parameters as plain data."""
        ...

    def ask(self) -> Integers:
        """Propose architectures, int64 ``[count, positions]``; none when it has no new ones."""
        ...

    def tell(self, rows: Integers, losses: Values, violations: Values) -> None:
        """Learn figures of architectures: of those that were asked for, or of others.

        Parameters
        ----------
        rows : numpy.ndarray
            int64 ``[count, positions]``.
        losses : numpy.ndarray
            Objectives, lower is better; float64 ``[count, objectives]``.
        violations : numpy.ndarray
            Constraints, kept where zero or less; float64 ``[count, constraints]``.
        """
        ...


MakeAlgorithm = Callable[[Problem, np.random.Generator], Algorithm]


def _nsga2(problem: Problem, rng: np.random.Generator) -> Algorithm:
    from cosearch.nas.nsga2 import NSGA2

    return NSGA2(problem, rng)


def _regularized_evolution(problem: Problem, rng: np.random.Generator) -> Algorithm:
    from cosearch.nas.regularized_evolution import RegularizedEvolution

    return RegularizedEvolution(problem, rng)


def _random(problem: Problem, rng: np.random.Generator) -> Algorithm:
    from cosearch.nas.random_search import RandomSearch

    return RandomSearch(problem, rng)


ALGORITHMS: dict[str, MakeAlgorithm] = {
    "nsga2": _nsga2,
    "regularized-evolution": _regularized_evolution,
    "random": _random,
}
"""By the name that `cosearch.search` takes."""


def make_algorithm(
    algorithm: str | MakeAlgorithm, problem: Problem, rng: np.random.Generator
) -> Algorithm:
    """Make an algorithm of its name, or of what makes one.

    Parameters
    ----------
    algorithm : str or callable
        One of `ALGORITHMS`, or what takes a problem and a generator, such as
        ``functools.partial(NSGA2, population=40)``.
    problem : Problem
        What it works on.
    rng : numpy.random.Generator
        Its chance.

    Raises
    ------
    ValueError
        When the name is not known.
    """
    if callable(algorithm):
        return algorithm(problem, rng)
    if algorithm not in ALGORITHMS:
        raise ValueError(f"unknown algorithm {algorithm!r}; known are {', '.join(ALGORITHMS)}")
    return ALGORITHMS[algorithm](problem, rng)
