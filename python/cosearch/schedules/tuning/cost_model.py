"""MetaSchedule's gradient-boosted cost model, trained in a fraction of the time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from tvm.ir.utils import derived_object
from tvm.s_tir.meta_schedule.cost_model import PyCostModel
from tvm.s_tir.meta_schedule.feature_extractor import PerStoreFeature

WARM_UP = 32
"""Candidates of any tasks before the first prediction."""
ROUNDS = 60
LEAST_WEIGHT = 0.1
_PARAMETERS = {
    "max_depth": 8,
    "gamma": 0.001,
    "min_child_weight": 0,
    "eta": 0.2,
    "tree_method": "hist",
    # The data is small: more threads only wait for each other, most of all on a busy machine.
    "nthread": 1,
    "verbosity": 0,
}

Features = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]


@dataclass
class _Group:
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


@derived_object
class BoostedTrees(PyCostModel):  # type: ignore[misc] # TVM's classes are Any to mypy
    """Predicts how close a candidate comes to the best one of its task.

    Features, objective and trees are those of MetaSchedule's `XGBModel` (a candidate's score is the
    sum over its stores; Zheng et al., "Ansor", OSDI 2020). That one evaluates two metrics in Python
    after each of hundreds of rounds, a tenth of a second per candidate; this one trains a fixed
    number of rounds on histograms, from the scores so far.

    Parameters
    ----------
    seed : int
        Decides on the scores before the first training.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.extractor = PerStoreFeature()
        self.parameters = {**_PARAMETERS, "seed": seed}
        self.random = np.random.default_rng(seed)
        self.groups: dict[str, _Group] = {}
        self.booster: xgb.Booster | None = None
        self.trained_on = 0

    def knows_nothing(self) -> bool:
        """Tell whether predictions are random."""
        return self.booster is None

    def load(self, path: str) -> None:
        """Refuse: the records of the database are what the model is made from."""
        raise NotImplementedError("the cost model is trained from the database's records")

    def save(self, path: str) -> None:
        """Refuse: see `load`."""
        raise NotImplementedError("the cost model is trained from the database's records")

    def update(self, context: Any, candidates: Sequence[Any], results: Sequence[Any]) -> None:
        """Learn from measured candidates; train again when there are a fifth more."""
        group = self.groups.setdefault(str(context.task_name), _Group())
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
        if self.booster is None:
            return self.random.uniform(size=len(candidates))
        features = self.features(context, candidates)
        owners = _owners(features)
        stores = self.booster.inplace_predict(np.concatenate(features))
        return np.bincount(owners, weights=stores, minlength=len(features)).astype("float64")

    def features(self, context: Any, candidates: Sequence[Any]) -> list[Features]:
        """Extract the features of each candidate: one row for each of its stores."""
        extracted = self.extractor.extract_from(context, list(candidates))
        return [tensor.numpy().astype("float32") for tensor in extracted]

    def train(self) -> None:
        """Fit the sum over a candidate's stores to its score, weighted by the score.

        Failures weigh something too: without it the model never learns what cannot be compiled.
        """
        features = [rows for group in self.groups.values() for rows in group.features]
        scores = np.concatenate([group.scores() for group in self.groups.values()])
        owners = _owners(features)
        targets, weights = scores[owners], np.maximum(scores, LEAST_WEIGHT)[owners]

        def objective(predicted: Scores, _: xgb.DMatrix) -> tuple[Scores, Scores]:
            sums = np.bincount(owners, weights=predicted, minlength=len(scores))
            return (sums[owners] - targets) * weights, weights

        data = xgb.DMatrix(np.concatenate(features), label=targets)
        self.booster = xgb.train(self.parameters, data, num_boost_round=ROUNDS, obj=objective)


def _owners(features: Sequence[Features]) -> npt.NDArray[np.int64]:
    """Index of the candidate that each row belongs to."""
    return np.repeat(np.arange(len(features)), [len(rows) for rows in features])


def _cost_s(result: Any) -> float:
    if not result.run_secs:
        return float("inf")
    return float(np.median([float(seconds) for seconds in result.run_secs]))
