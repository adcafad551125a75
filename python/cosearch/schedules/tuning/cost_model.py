"""What cost models of the tuner have in common: features of candidates, and what was measured."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm.s_tir.meta_schedule.cost_model import PyCostModel
from tvm.s_tir.meta_schedule.feature_extractor import PerStoreFeature

WARM_UP = 32
"""Candidates of any tasks before the first prediction."""

Features = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]


@dataclass
class Group:
    """What was measured for one task: features of each candidate, and its time in seconds."""

    features: list[Features] = field(default_factory=list)
    costs_s: list[float] = field(default_factory=list)

    def scores(self) -> Scores:
        """Score of each candidate: 1 for the fastest, near 0 for a slow one, 0 for a failure."""
        costs = np.asarray(self.costs_s)
        fastest = costs.min()
        return (
            np.where(np.isfinite(costs), fastest / costs, 0.0)
            if np.isfinite(fastest)
            else (np.zeros_like(costs))
        )


class CandidateModel(PyCostModel):  # type: ignore[misc] # TVM's classes are Any to mypy
    """Predicts how close a candidate comes to the best one of its task.

    Features are MetaSchedule's, a row for each store of a candidate (Zheng et al., "Ansor", OSDI
    2020).

    Parameters
    ----------
    seed : int
        Decides on the scores before the first training.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.extractor = PerStoreFeature()
        self.random = np.random.default_rng(seed)
        self.groups: dict[str, Group] = {}
        self.trained_on = 0

    @abstractmethod
    def train(self) -> None:
        """Learn from all groups."""

    @abstractmethod
    def scores(self, features: Sequence[Features]) -> Scores:
        """Return a score for each candidate by its features, after training."""

    def knows_nothing(self) -> bool:
        """Tell whether predictions are random."""
        return not self.trained_on

    def load(self, path: str) -> None:
        """Refuse: the records of the database are what the model is made from."""
        raise NotImplementedError("the cost model is trained from the database's records")

    def save(self, path: str) -> None:
        """Refuse: see `load`."""
        raise NotImplementedError("the cost model is trained from the database's records")

    def update(self, context: Any, candidates: Sequence[Any], results: Sequence[Any]) -> None:
        """Learn from measured candidates; train again when there are a fifth more."""
        group = self.groups.setdefault(str(context.task_name), Group())
        for features, result in zip(self.features(context, candidates), results, strict=True):
            if len(features):
                group.features.append(features)
                group.costs_s.append(_cost_s(result))
        total = sum(len(group.costs_s) for group in self.groups.values())
        if total >= WARM_UP and total - self.trained_on >= self.trained_on / 5:
            self.train()
            self.trained_on = total

    def predict(self, context: Any, candidates: Sequence[Any]) -> Scores:
        """Return a score for each candidate, higher for faster."""
        if self.knows_nothing():
            return self.random.uniform(size=len(candidates))
        return self.scores(self.features(context, candidates))

    def features(self, context: Any, candidates: Sequence[Any]) -> list[Features]:
        """Extract the features of each candidate: one row for each of its stores."""
        extracted = self.extractor.extract_from(context, list(candidates))
        return [tensor.numpy().astype("float32") for tensor in extracted]

    def seen(self) -> tuple[list[Features], Scores]:
        """Return the features and the scores of all that was measured."""
        features = [rows for group in self.groups.values() for rows in group.features]
        return features, np.concatenate([group.scores() for group in self.groups.values()])


def _cost_s(result: Any) -> float:
    if not result.run_secs:
        return float("inf")
    return float(np.median([float(seconds) for seconds in result.run_secs]))
