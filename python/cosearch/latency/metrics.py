"""How good predicted latencies are."""

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau

Values = npt.NDArray[np.float64]


def prediction_metrics(
    predicted_us: npt.ArrayLike,
    measured_us: npt.ArrayLike,
    low_us: npt.ArrayLike | None = None,
    high_us: npt.ArrayLike | None = None,
) -> dict[str, float]:
    """Compare predicted with measured latencies, as nn-Meter does (Zhang et al., MobiSys 2021).

    Parameters
    ----------
    predicted_us, measured_us : array-like
        Microseconds, of at least two networks.
    low_us, high_us : array-like, optional
        Ends of the intervals that came with the predictions.

    Returns
    -------
    dict of str to float
        ``within_10_percent`` and ``within_5_percent``, shares of the networks; ``rmspe`` and
        ``mape``, root-mean-square and mean of the relative errors; ``kendall_tau``; and, with
        intervals, ``interval_coverage``.
    """
    predicted, measured = (np.asarray(v, "float64") for v in (predicted_us, measured_us))
    error = predicted / measured - 1
    found = {
        "within_10_percent": float(np.mean(np.abs(error) <= 0.1)),
        "within_5_percent": float(np.mean(np.abs(error) <= 0.05)),
        "rmspe": float(np.sqrt(np.mean(error**2))),
        "mape": float(np.mean(np.abs(error))),
        "kendall_tau": float(kendalltau(predicted, measured).statistic),
    }
    if low_us is not None and high_us is not None:
        inside = (np.asarray(low_us) <= measured) & (measured <= np.asarray(high_us))
        found["interval_coverage"] = float(np.mean(inside))
    return found
