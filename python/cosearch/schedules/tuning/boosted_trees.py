"""MetaSchedule's gradient-boosted cost model, trained in a fraction of the time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from tvm.ir.utils import derived_object

from cosearch.schedules.tuning.cost_model import CandidateModel, Features, Scores

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


@derived_object
class BoostedTrees(CandidateModel):
    """Sums trees over the stores of a candidate.

    Objective and trees are those of MetaSchedule's `XGBModel`. That one evaluates two metrics in
    Python after each of hundreds of rounds, a tenth of a second per candidate; this one trains a
    fixed number of rounds on histograms, from the scores so far.

    Parameters
    ----------
    seed : int
        Decides on the scores before the first training, and on the trees.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.parameters = {**_PARAMETERS, "seed": seed}
        self.booster: xgb.Booster | None = None

    def scores(self, features: Sequence[Features]) -> Scores:
        """See `CandidateModel.scores`."""
        if self.booster is None:
            raise ValueError("the model was not trained")
        stores = self.booster.inplace_predict(np.concatenate(features))
        sums = np.bincount(_owners(features), weights=stores, minlength=len(features))
        return sums.astype("float64")

    def train(self) -> None:
        """Fit the sum over a candidate's stores to its score, weighted by the score.

        Failures weigh something too: without it the model never learns what cannot be compiled.
        """
        features, scores = self.seen()
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
