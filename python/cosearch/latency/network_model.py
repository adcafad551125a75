"""From the kernels of a network to its latency, and how sure that is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from cosearch.latency.cache_curve import CALLS, STEADY, WEIGHTS, Values

COVERAGE = 0.9
"""Share of networks whose latency lies in their interval."""
LEAST_ERROR = 0.005
"""No prediction is surer than this share of it."""
USUAL = (0.05, 0.1, 5.0)
"""How far the scale is from 1 as a rule, and how many microseconds a call of a kernel and a run
take beyond that: where networks do not tell, they are drawn to none. In large networks a call's
microseconds cannot be told from the scale, in small ones they count; the virtual machine itself
goes from one call to the next in 0.04, and makes three for each kernel."""
NOISE = 0.01
"""Relative error of a label, as a rule."""


@dataclass(frozen=True)
class NetworkModel:
    """A network takes what its kernels take, and something for calling them.

    Attributes
    ----------
    scale : float
        Of the sum over the kernels.
    call_us : float
        For each call of a kernel, in microseconds.
    start_us : float
        For each run.
    table_error, predicted_error : float
        Half the width of the interval, as a share of the latency: of what was measured, and more of
        what was not.
    """

    scale: float = 1.0
    call_us: float = 0.0
    start_us: float = 0.0
    table_error: float = 0.05
    predicted_error: float = 0.2

    @classmethod
    def fit(cls, sums_us: Values, calls: Values, measured_us: Values) -> "NetworkModel":
        """Learn overheads from networks whose kernels and whole runs were measured.

        Parameters
        ----------
        sums_us : numpy.ndarray
            ``[networks]``, of the kernels' latencies.
        calls : numpy.ndarray
            ``[networks]``, of kernels.
        measured_us : numpy.ndarray
            ``[networks]``, of whole runs.
        """
        # Relative errors; what is learnt is how far each coefficient is from (1, 0, 0).
        basis = np.stack([sums_us, calls, np.ones_like(calls)], axis=1) / measured_us[:, None]
        target = 1.0 - sums_us / measured_us
        ridge = np.diag((NOISE / np.array(USUAL)) ** 2)
        found = np.linalg.solve(basis.T @ basis + ridge, basis.T @ target)
        return cls(1.0 + float(found[0]), float(found[1]), float(found[2]))

    def latency_us(self, sums_us: Values, calls: Values) -> Values:
        """Predict whole runs; arrays of one shape."""
        return np.asarray(
            np.maximum(self.scale * sums_us + self.call_us * calls + self.start_us, 0)
        )

    def costs(self, kernels: Values, calls: float) -> Values:
        """Add to what kernels cost what a network adds to that, but for the start of a run.

        Parameters
        ----------
        kernels : numpy.ndarray
            ``[4]``, see `cosearch.latency.cache_curve.COLUMNS`.
        calls : float
            Of kernels.
        """
        found: Values = kernels.copy()
        found[[STEADY, WEIGHTS, CALLS]] *= self.scale
        found[STEADY] += self.call_us * calls
        return found

    def half_width(self, predicted_share: Values) -> Values:
        """Return half the width of intervals, as shares of the latencies.

        Parameters
        ----------
        predicted_share : numpy.ndarray
            Share of each network's time that is of kernels which were not measured.
        """
        return np.asarray(self.table_error + self.predicted_error * predicted_share)

    def with_errors(self, errors: Values, predicted_shares: Values) -> "NetworkModel":
        """Learn the width of intervals from networks that were left out (split conformal).

        Parameters
        ----------
        errors : numpy.ndarray
            ``[networks]``, relative.
        predicted_shares : numpy.ndarray
            ``[networks]``, see `half_width`.
        """
        size = np.abs(errors)
        slope = _slope(size, predicted_shares)
        level = max(float(np.median(size - slope * predicted_shares)), LEAST_ERROR)
        scores = size / (level + slope * predicted_shares)
        count = len(scores)
        rank = min(1.0, COVERAGE * (count + 1) / count)
        factor = float(np.quantile(scores, rank, method="higher"))
        return NetworkModel(self.scale, self.call_us, self.start_us, level * factor, slope * factor)

    def to_json(self) -> dict[str, float]:
        """Return the numbers by name."""
        return asdict(self)


def _slope(size: Values, shares: Values) -> float:
    """Return how errors grow with the share that was predicted; never less than nothing."""
    spread = float(np.var(shares))
    if spread < 1e-6:
        return 0.0
    return max(0.0, float(np.mean((shares - shares.mean()) * (size - size.mean()))) / spread)


def folds(networks: Sequence[str], count: int, seed: int) -> list[frozenset[str]]:
    """Split networks into folds at random."""
    order = np.random.default_rng(seed).permutation(len(networks))
    return [frozenset(networks[i] for i in part) for part in np.array_split(order, count)]
