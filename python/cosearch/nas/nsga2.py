"""NSGA-II (Deb et al., 2002), pymoo's, over the operators of a space."""

from typing import Any

import numpy as np

from cosearch.nas.goals import Values
from cosearch.nas.problem import Problem
from cosearch.spaces.space import Integers

MATINGS = 10
"""Rounds of mating in which a generation has to find architectures that are new."""


class NSGA2:
    """Elitist search by ranks of dominance, and by distance within a rank.

    Deb, Pratap, Agarwal and Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm:
    NSGA-II", IEEE TEVC 2002; constraints by its section VI. Ranking and selection are pymoo's,
    drawing, crossing and mutating are the space's. An architecture is proposed once only: in a
    small space most children are known before long, and would be a waste of a generation.

    Parameters
    ----------
    problem : Problem
        With the space to search.
    rng : numpy.random.Generator
        Its chance.
    population : int
        Members of a generation, at least 2. It can be as small as the default because the
        search keeps the whole front: with 100 and a crossover rate of 0.9, 1,500 evaluations of
        NAS-Bench-201 came half as close to the known fronts of five devices.
    mutation_rate : float, optional
        Probability that a position of a child changes; by default one position in each.
    crossover_rate : float
        Probability that two parents are crossed.

    Raises
    ------
    ValueError
        When a number is out of range.
    """

    def __init__(
        self,
        problem: Problem,
        rng: np.random.Generator,
        population: int = 20,
        mutation_rate: float | None = None,
        crossover_rate: float = 0.5,
    ) -> None:
        from cosearch.nas.pymoo_operators import make_nsga2

        rate = 1 / len(problem.space.choices) if mutation_rate is None else mutation_rate
        if population < 2 or not 0 < rate <= 1 or not 0 <= crossover_rate <= 1:
            raise ValueError(
                "NSGA-II needs a population of at least 2 and rates between 0 and 1, not "
                f"{population}, {rate} and {crossover_rate}"
            )
        self._settings = {
            "name": "nsga2",
            "population": population,
            "mutation_rate": rate,
            "crossover_rate": crossover_rate,
        }
        self._problem = problem
        self._told: set[bytes] = set()
        self._inner = make_nsga2(
            problem,
            rng,
            population=population,
            mutation_rate=rate,
            crossover_rate=crossover_rate,
            matings=MATINGS,
            known=self._told,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """See `Algorithm.settings`."""
        return dict(self._settings)

    def ask(self) -> Integers:
        """See `Algorithm.ask`."""
        children = self._inner.ask()
        if children is None:
            return np.empty((0, len(self._problem.space.choices)), np.int64)
        rows: Integers = children.get("X")
        return rows

    def tell(self, rows: Integers, losses: Values, violations: Values) -> None:
        """See `Algorithm.tell`."""
        from pymoo.core.population import Population

        self._told.update(self._problem.keys(rows))
        members = Population.new("X", rows)
        members.set("F", losses)
        if violations.shape[1]:
            members.set("G", violations)
        self._inner.tell(infills=members)
