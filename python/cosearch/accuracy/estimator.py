"""The contract of whatever says how accurate architectures are."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt


@runtime_checkable
class AccuracyEstimator(Protocol):
    """Scores architectures of one space; a higher score is better.

    A score is a function of the architecture alone: neither the order nor the company in which
    architectures are asked for changes it.

    Attributes
    ----------
    name : str
        Of the method and what it rests on, such as ``"nasbench201 cifar10"`` or ``"gennas"``.
    unit : str
        ``"%"`` where the score is a share of test pictures told right, in percent; empty where it
        only ranks.
    cost_s : float
        Seconds that one architecture takes, roughly; 0.0 where a table answers. Where it has to
        be measured, not a number until something was scored.

    Notes
    -----
    One that tells apart encodings of one canonical architecture has a true attribute
    ``by_encoding``; a search then takes each for its own.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 # see above
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def cost_s(self) -> float: ...  # noqa: D102

    def score(self, architectures: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Score architectures.

        Parameters
        ----------
        architectures : array-like
            Integers ``[count, positions]``.

        Returns
        -------
        numpy.ndarray
            float64 ``[count]``, finite.

        Raises
        ------
        ValueError
            See `cosearch.spaces.Space.validate`.
        """
        ...


def score_each(
    estimator: AccuracyEstimator,
    architectures: npt.NDArray[np.int64],
    progress: Callable[[int, int], None],
) -> npt.NDArray[np.float64]:
    """Score architectures one by one, as each may take its time.

    Parameters
    ----------
    estimator : AccuracyEstimator
        Of their space.
    architectures : numpy.ndarray
        int64 ``[count, positions]``.
    progress : callable
        Told after each how many are done, of how many.

    Returns
    -------
    numpy.ndarray
        float64 ``[count]``.
    """
    found = np.empty(len(architectures))
    for place in range(len(architectures)):
        found[place] = estimator.score(architectures[place : place + 1])[0]
        progress(place + 1, len(architectures))
    return found
