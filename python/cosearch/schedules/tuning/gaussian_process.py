"""A Gaussian process as the tuner's cost model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from tvm.ir.utils import derived_object

from cosearch.schedules.tuning.cost_model import CandidateModel, Features, Scores

MOST = 400
"""Candidates to learn from, the latest: the work grows with the cube of their number."""
NOISE = 0.02
"""Variance of a score that features do not explain."""
LENGTH = 1.0
"""Of the kernel, in units of the mean distance of two candidates."""


@derived_object
class GaussianProcess(CandidateModel):
    """Predicts a candidate's score from those of candidates like it (CHaNAS, section 3.5).

    The paper's features are an encoding of its own; here they are MetaSchedule's, summed and
    maximised over the stores of a candidate and scaled to one spread.

    Parameters
    ----------
    seed : int
        Decides on the scores before the first training.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.scaler: Any = None
        self.process: Any = None

    def train(self) -> None:
        """Condition the process on what was measured last."""
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import Matern
        from sklearn.preprocessing import StandardScaler

        features, scores = self.seen()
        rows, scores = _summarised(features)[-MOST:], scores[-MOST:]
        self.scaler = StandardScaler().fit(rows)
        rows = self.scaler.transform(rows)
        spread = np.sqrt(2 * rows.var(axis=0).sum())
        kernel = Matern(LENGTH * max(float(spread), 1e-6), nu=2.5)
        # Hyper-parameters are set, not fitted: a fit to some dozens of candidates takes longer than
        # measuring them, and overfits.
        self.process = GaussianProcessRegressor(
            kernel, alpha=NOISE, optimizer=None, normalize_y=True
        ).fit(rows, scores)

    def scores(self, features: Sequence[Features]) -> Scores:
        """See `CandidateModel.scores`."""
        rows = self.scaler.transform(_summarised(features))
        return np.asarray(self.process.predict(rows), np.float64)


def _summarised(features: Sequence[Features]) -> Scores:
    """Return one row for each candidate, float64 ``[candidates, 2 * features]``."""
    return np.array([np.concatenate([r.sum(axis=0), r.max(axis=0)]) for r in features], np.float64)
