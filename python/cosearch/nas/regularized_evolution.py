"""Regularised evolution (Real et al., AAAI 2019), also of several objectives."""

from typing import Any

import numpy as np

from cosearch.nas.goals import Values
from cosearch.nas.problem import Problem
from cosearch.spaces.space import Integers

TRIES = 20
"""Mutations of a child before it may stay as its parent is."""
SLOPE = 0.05
"""Weight of the sum beside the maximum, as ParEGO has it."""


class RegularizedEvolution:
    """Mutates the best of a few drawn members; the oldest die, however good they are.

    This is ageing evolution of Real, Aggarwal, Huang and Le ("Regularized Evolution for Image
    Classifier Architecture Search", AAAI 2019, algorithm 1). Several objectives are made one anew
    for each tournament: by random weights and the augmented Tchebycheff norm over the spread of
    the members, as in ParEGO (Knowles, IEEE TEVC 2006, section III). One that breaks constraints
    loses against all that keep them.

    Parameters
    ----------
    problem : Problem
        With the space to search.
    rng : numpy.random.Generator
        Its chance.
    population : int
        Members that are alive.
    sample : int
        Members of a tournament.
    batch : int
        Children that are bred before any is told, as by the workers of the paper.

    Raises
    ------
    ValueError
        When one of the numbers is less than 1.
    """

    def __init__(
        self,
        problem: Problem,
        rng: np.random.Generator,
        population: int = 100,
        sample: int = 25,
        batch: int = 16,
    ) -> None:
        if min(population, sample, batch) < 1:
            raise ValueError("population, sample and batch are at least 1")
        self._problem = problem
        self._rng = rng
        self._population = population
        self._sample = sample
        self._batch = batch
        self._rows = np.empty((0, len(problem.space.choices)), np.int64)
        self._losses = np.empty((0, problem.goals.objectives))
        self._broken = np.empty(0)

    @property
    def settings(self) -> dict[str, Any]:
        """See `Algorithm.settings`."""
        return {
            "name": "regularized-evolution",
            "population": self._population,
            "sample": self._sample,
            "batch": self._batch,
        }

    def ask(self) -> Integers:
        """See `Algorithm.ask`."""
        missing = self._population - len(self._rows)
        if missing > 0:
            return self._problem.space.sample(missing, self._rng)
        return self._mutated(self._winners())

    def tell(self, rows: Integers, losses: Values, violations: Values) -> None:
        """See `Algorithm.tell`."""
        broken = np.maximum(violations, 0).sum(axis=1)
        self._rows = np.concatenate([self._rows, rows])[-self._population :]
        self._losses = np.concatenate([self._losses, losses])[-self._population :]
        self._broken = np.concatenate([self._broken, broken])[-self._population :]

    def _winners(self) -> Integers:
        """Return the members that win a batch of tournaments, int64 ``[batch, positions]``."""
        drawn = self._rng.integers(len(self._rows), size=(self._batch, self._sample))
        low = self._losses.min(axis=0)
        extent = self._losses.max(axis=0) - low
        scaled = (self._losses - low) / np.where(extent > 0, extent, 1.0)
        weights = self._rng.dirichlet(np.ones(scaled.shape[1]), size=self._batch)
        weighted = scaled[drawn] * weights[:, None, :]
        scores = weighted.max(axis=2) + SLOPE * weighted.sum(axis=2)
        # Scores are at most 1 + SLOPE: whoever breaks a constraint comes after.
        broken = self._broken[drawn]
        scores = np.where(broken > 0, 2.0 + broken, scores)
        winners: Integers = self._rows[drawn[np.arange(self._batch), scores.argmin(axis=1)]]
        return winners

    def _mutated(self, parents: Integers) -> Integers:
        """Change about one position of each, until it is another architecture."""
        space, rate = self._problem.space, 1 / len(self._problem.space.choices)
        own = self._problem.identity(parents)
        children: Integers = parents.copy()
        same = np.arange(len(parents))
        for _ in range(TRIES):
            children[same] = space.mutate(parents[same], self._rng, rate)
            known_as = self._problem.identity(children[same])
            same = same[(known_as == own[same]).all(axis=1)]
            if not len(same):
                break
        return children
