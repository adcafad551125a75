"""Every architecture that a search has evaluated, each once."""

from collections.abc import Callable

import numpy as np

from cosearch.nas.goals import Values
from cosearch.nas.journal import Journal
from cosearch.nas.problem import Problem
from cosearch.spaces.space import Integers

PORTION = 16
"""Architectures that are evaluated, and kept in the journal, at once."""
PORTION_S = 5.0
"""Seconds of work that a kill may cost: of dear objectives fewer are evaluated at once."""
PORTION_UNKNOWN = 4
"""Architectures at once where nobody knows yet what one costs."""


class Memory:
    """Evaluates architectures that are new, and remembers them.

    Which are evaluated together depends on their number alone and not on the clock, so that a
    search is the same whatever else the machine does.

    Parameters
    ----------
    problem : Problem
        What to evaluate.
    budget : int
        Different architectures that may be evaluated.
    journal : Journal, optional
        Where they are written down; what it holds already is not evaluated again.
    progress : callable, optional
        Called without arguments after each portion.

    Attributes
    ----------
    recalled : int
        How many were taken from the journal.
    """

    def __init__(
        self,
        problem: Problem,
        budget: int,
        journal: Journal | None = None,
        progress: Callable[[], None] | None = None,
    ) -> None:
        self.problem = problem
        self.budget = budget
        self.recalled = 0
        self._journal = journal
        self._progress = progress
        self._places: dict[bytes, int] = {}
        self._rows: list[Integers] = []
        self._values: list[Values] = []
        self._portion = _portion(problem.cost_s)

    def __len__(self) -> int:
        """Return how many were evaluated."""
        return len(self._values)

    @property
    def rows(self) -> Integers:
        """What was evaluated, in that order, int64 ``[evaluated, positions]``."""
        rows = self._rows[: len(self)]  # one more where Ctrl-C came between a row and its figures
        return np.array(rows, np.int64).reshape(len(self), len(self.problem.space.choices))

    @property
    def values(self) -> Values:
        """Their figures, float64 ``[evaluated, columns]``."""
        return self.since(0)

    def since(self, place: int) -> Values:
        """Return the figures of what was evaluated from some place on."""
        values = np.array(self._values[place:], np.float64)
        return values.reshape(len(self._values[place:]), len(self.problem.figures))

    def learn(self, rows: Integers) -> tuple[Integers, Values]:
        """Evaluate what is new of some architectures, for as long as the budget lasts.

        Parameters
        ----------
        rows : numpy.ndarray
            int64 ``[count, positions]``.

        Returns
        -------
        rows : numpy.ndarray
            Those of them that are known now, as they were given: int64 ``[known, positions]``.
        values : numpy.ndarray
            Their figures, float64 ``[known, columns]``.

        Raises
        ------
        ValueError
            See `Objective.values`.
        OSError
            When the journal cannot be written.
        """
        known_as = self.problem.identity(rows)
        keys = [row.tobytes() for row in known_as]
        new = {key: place for place, key in enumerate(keys) if key not in self._places}
        left = list(new.values())[: self.budget - len(self)]
        for start in range(0, len(left), self._portion):
            self._add(known_as[left[start : start + self._portion]])
        found = [(i, self._places[key]) for i, key in enumerate(keys) if key in self._places]
        kept = rows[[i for i, _ in found]]
        values = np.array([self._values[place] for _, place in found])
        return kept, values.reshape(len(found), len(self.problem.figures))

    def _add(self, rows: Integers) -> None:
        values = self._evaluate(rows)
        for row, figures in zip(rows, values, strict=True):
            self._rows.append(row)
            self._values.append(figures)
            self._places[row.tobytes()] = len(self) - 1
        if self._progress is not None:
            self._progress()

    def _evaluate(self, rows: Integers) -> Values:
        if self._journal is None:
            return self.problem.values(rows)
        recalled = [self._journal.recall(row) for row in rows]
        missing = [i for i, figures in enumerate(recalled) if figures is None]
        self.recalled += len(rows) - len(missing)
        if missing:
            fresh = self.problem.values(rows[missing])
            self._journal.append(rows[missing], fresh)
            for i, figures in zip(missing, fresh, strict=True):
                recalled[i] = figures
        return np.array(recalled)


def _portion(cost_s: float) -> int:
    """Return how many are evaluated at once when one takes so many seconds."""
    if np.isnan(cost_s):
        return PORTION_UNKNOWN
    return PORTION if cost_s * PORTION <= PORTION_S else max(1, int(PORTION_S / cost_s))
