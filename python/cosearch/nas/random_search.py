"""Random search, the baseline of all others."""

from typing import Any

import numpy as np

from cosearch.nas.goals import Values
from cosearch.nas.problem import Problem
from cosearch.spaces.space import Integers


class RandomSearch:
    """Draws architectures and learns nothing.

    Parameters
    ----------
    problem : Problem
        With the space to draw from.
    rng : numpy.random.Generator
        Its chance.
    batch : int
        Architectures that are drawn at once.
    """

    def __init__(self, problem: Problem, rng: np.random.Generator, batch: int = 100) -> None:
        self._space = problem.space
        self._rng = rng
        self._batch = batch

    @property
    def settings(self) -> dict[str, Any]:
        """See `Algorithm.settings`."""
        return {"name": "random", "batch": self._batch}

    def ask(self) -> Integers:
        """See `Algorithm.ask`."""
        return self._space.sample(self._batch, self._rng)

    def tell(self, rows: Integers, losses: Values, violations: Values) -> None:
        """See `Algorithm.tell`."""
