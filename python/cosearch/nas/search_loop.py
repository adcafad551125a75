"""Ask, evaluate, tell, until the budget is spent."""

import time
from collections.abc import Callable

import numpy as np

from cosearch.nas.algorithm import Algorithm
from cosearch.nas.history import History, SearchProgress
from cosearch.nas.journal import Journal
from cosearch.nas.memory import Memory
from cosearch.nas.problem import Problem

PATIENCE = 20
"""Rounds without a new architecture after which a space is taken for exhausted."""
IMMIGRANTS = 100
"""Architectures that are drawn when an algorithm has no new ones."""


class SearchLoop:
    """Runs an algorithm on a problem.

    Parameters
    ----------
    problem : Problem
        What to search.
    algorithm : Algorithm
        What proposes.
    budget : int
        Different architectures to evaluate at most.
    rng : numpy.random.Generator
        For architectures that are drawn when the algorithm has no new ones.
    journal : Journal, optional
        Where evaluations are written down.
    progress : callable, optional
        Called with a `SearchProgress` after each portion of evaluations and each step.

    Attributes
    ----------
    memory : Memory
        What was evaluated.
    history : History
        The steps.
    """

    def __init__(
        self,
        problem: Problem,
        algorithm: Algorithm,
        budget: int,
        rng: np.random.Generator,
        *,
        journal: Journal | None = None,
        progress: Callable[[SearchProgress], None] | None = None,
    ) -> None:
        self.memory = Memory(problem, budget, journal, self._show)
        self.history = History(problem.goals)
        self._problem = problem
        self._algorithm = algorithm
        self._rng = rng
        self._journal = journal
        self._progress = progress
        self._started_s = time.perf_counter()

    def run(self) -> None:
        """Search until the budget is spent, or nothing new is found.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C; `memory` and `history` hold what was done.
        ValueError, OSError
            See `Memory.learn`.
        """
        try:
            self._run()
        finally:
            self._note()

    def _run(self) -> None:
        idle = 0
        while len(self.memory) < self.memory.budget and idle < PATIENCE:
            before = len(self.memory)
            self._step(self._algorithm.ask())
            if len(self.memory) == before:
                self._step(self._problem.space.sample(IMMIGRANTS, self._rng))
            idle = idle + 1 if len(self.memory) == before else 0

    def _step(self, rows: np.ndarray) -> None:
        known, values = self.memory.learn(rows)
        goals = self._problem.goals
        if len(known):
            self._algorithm.tell(known, goals.losses(values), goals.violations(values))
        self._note()

    def _note(self) -> None:
        """Add what has come since the last step to the history."""
        before = self.history.last.evaluations
        if len(self.memory) > before:
            fresh = self.memory.since(before)
            self.history.note(fresh, len(self.memory), self._elapsed_s())
            self._show()

    def _elapsed_s(self) -> float:
        if self._journal is not None:
            return self._journal.elapsed_s()
        return time.perf_counter() - self._started_s

    def _show(self) -> None:
        if self._progress is None:
            return
        done, last = len(self.memory), self.history.last
        here_s = time.perf_counter() - self._started_s
        fresh = done - self.memory.recalled
        left_s = here_s / fresh * (self.memory.budget - done) if fresh else None
        self._progress(
            SearchProgress(
                done,
                self.memory.budget,
                last.hypervolume,
                last.front,
                self._elapsed_s(),
                left_s,
            )
        )
