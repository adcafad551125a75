"""The operators of a space as pymoo calls them.

Imported only when NSGA-II is made: pymoo takes most of a second.
"""

from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2, binary_tournament
from pymoo.core.crossover import Crossover
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.mating import Mating
from pymoo.core.mutation import Mutation
from pymoo.core.problem import Problem as PymooProblem
from pymoo.core.sampling import Sampling
from pymoo.operators.selection.tournament import TournamentSelection

from cosearch.nas.problem import Problem
from cosearch.spaces.space import Integers, Space


class _Draw(Sampling):  # type: ignore[misc] # pymoo's classes are Any to mypy
    def __init__(self, space: Space) -> None:
        super().__init__()
        self._space = space

    def _do(self, _: Any, n_samples: int, *, random_state: Any, **__: Any) -> Integers:
        return self._space.sample(n_samples, random_state)


class _Cross(Crossover):  # type: ignore[misc]
    def __init__(self, space: Space, rate: float) -> None:
        super().__init__(n_parents=2, n_offsprings=2, prob=rate)
        self._space = space

    def _do(self, _: Any, parents: Integers, *, random_state: Any, **__: Any) -> Integers:
        one, other = parents
        children = [
            self._space.crossover(one, other, random_state),
            self._space.crossover(other, one, random_state),
        ]
        return np.stack(children)


class _Mutate(Mutation):  # type: ignore[misc]
    def __init__(self, space: Space, rate: float) -> None:
        super().__init__()
        self._space = space
        self._rate = rate

    def _do(self, _: Any, rows: Integers, *, random_state: Any, **__: Any) -> Integers:
        return self._space.mutate(rows, random_state, self._rate)


class _New(DuplicateElimination):  # type: ignore[misc]
    """Drops what is known, or proposed twice."""

    def __init__(self, problem: Problem, known: set[bytes]) -> None:
        super().__init__()
        self._problem = problem
        self._known = known

    def _do(self, members: Any, others: Any, is_duplicate: Any) -> Any:
        keys = self._problem.keys(members.get("X"))
        if others is not None:
            proposed = set(self._problem.keys(others.get("X")))
            is_duplicate |= np.array([key in proposed for key in keys], bool)
            return is_duplicate
        seen: set[bytes] = set()
        for i, key in enumerate(keys):
            is_duplicate[i] = key in seen or key in self._known
            seen.add(key)
        return is_duplicate


def make_nsga2(
    problem: Problem,
    rng: np.random.Generator,
    *,
    population: int,
    mutation_rate: float,
    crossover_rate: float,
    matings: int,
    known: set[bytes],
) -> Any:
    """Make pymoo's NSGA-II for a problem, ready for ask and tell.

    Parameters
    ----------
    problem : Problem
        What to search.
    rng : numpy.random.Generator
        Gives its seed.
    population, mutation_rate, crossover_rate
        See `cosearch.nas.nsga2.NSGA2`.
    matings : int
        Rounds of mating in which a generation has to be filled.
    known : set of bytes
        Keys of architectures that it is not to propose; read each time.

    Returns
    -------
    pymoo.algorithms.moo.nsga2.NSGA2
    """
    space, new = problem.space, _New(problem, known)
    mating = Mating(
        TournamentSelection(func_comp=binary_tournament),
        _Cross(space, crossover_rate),
        _Mutate(space, mutation_rate),
        eliminate_duplicates=new,
        n_max_iterations=matings,
    )
    algorithm = NSGA2(
        pop_size=population,
        sampling=_Draw(space),
        mating=mating,
        eliminate_duplicates=new,
        output=None,
        seed=int(rng.integers(2**31)),
    )
    described = PymooProblem(
        n_var=len(space.choices),
        n_obj=problem.goals.objectives,
        n_ieq_constr=len(problem.goals.bounds),
        xl=0,
        xu=np.array(space.choices) - 1,
    )
    return algorithm.setup(described)
