"""How far a search had come after each step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cosearch.nas.goals import Goals, Values
from cosearch.nas.indicators import hypervolume, non_dominated

StageProgress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


class Step(NamedTuple):
    """The state of a search.

    Attributes
    ----------
    evaluations : int
        Different architectures so far.
    hypervolume : float
        Of the front so far: see `History`.
    front : int
        Architectures on it.
    elapsed_s : float
        Seconds since the search began.
    """

    evaluations: int
    hypervolume: float
    front: int
    elapsed_s: float


@dataclass(frozen=True)
class SearchProgress:
    """What a search tells while it runs.

    Attributes
    ----------
    evaluations, budget : int
        Different architectures so far, and at most.
    hypervolume : float
        See `History`.
    front : int
        Architectures on the front so far.
    elapsed_s : float
        Seconds since the search began.
    left_s : float or None
        Seconds that the rest will take at this pace; None where nobody can tell yet.
    """

    evaluations: int
    budget: int
    hypervolume: float
    front: int
    elapsed_s: float
    left_s: float | None


class History:
    """Follows the front of a search.

    The hypervolume is measured in units of what the first step spans, from the worst value of each
    objective there: 1.0 is an architecture as good in everything as the best of that step in each.

    Parameters
    ----------
    goals : Goals
        What figures mean.
    """

    def __init__(self, goals: Goals) -> None:
        self._goals = goals
        self._front = np.empty((0, goals.objectives))
        self._low: Values | None = None
        self._extent: Values | None = None
        self.steps: list[Step] = []

    @property
    def last(self) -> Step:
        """The newest step; one of nothing before the first."""
        return self.steps[-1] if self.steps else Step(0, 0.0, 0, 0.0)

    def note(self, values: Values, evaluations: int, elapsed_s: float) -> None:
        """Add a step.

        Parameters
        ----------
        values : numpy.ndarray
            Figures of what the step brought, float64 ``[count, columns]``.
        evaluations : int
            Different architectures so far.
        elapsed_s : float
            Seconds since the search began.
        """
        losses = self._goals.losses(values)
        if self._low is None or self._extent is None:
            self._low = losses.min(axis=0)
            extent = losses.max(axis=0) - self._low
            self._extent = np.where(extent > 0, extent, 1.0)
        merged = np.concatenate([self._front, losses[self._goals.feasible(values)]])
        merged = np.unique(merged, axis=0)
        self._front = merged[non_dominated(merged)]
        scaled = (self._front - self._low) / self._extent
        volume = hypervolume(scaled, np.ones(self._goals.objectives))
        self.steps.append(Step(evaluations, volume, len(self._front), elapsed_s))
