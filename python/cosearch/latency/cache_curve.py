"""What the same kernels take more of in large networks than in small ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
KNOTS_KB = tuple(2.0**20 * size / 1e3 for size in (0.5, 2, 8, 32))
"""Footprints at which a curve is told, thousands of bytes: levels of caches are about four times as
large each as the one before."""
COLUMNS = STEADY, WEIGHTS, CALLS, FOOTPRINT = range(4)
"""Costs of kernels: microseconds that they take in any network, thousands of bytes of weights and
calls as they count, and thousands of bytes of weights as they are."""


@dataclass(frozen=True)
class CacheCurve:
    """What weights and calls take by the footprint of the network: all bytes of its weights.

    From one run to the next a network reads all its weights. As long as they fit a cache they are
    found there; of more than fit none is, as what was read first has been pushed out by what was
    read last. A kernel that is measured alone sees nothing of that. What a call needs itself, its
    code and the arguments' descriptors, goes the same way.

    Attributes
    ----------
    weight_us_per_kb : tuple of float
        What a thousand bytes of weights take at each of the `KNOTS_KB`, in microseconds; between
        them it is linear in the logarithm of the footprint, beyond them constant.
    call_us : tuple of float
        What a call takes.
    """

    weight_us_per_kb: tuple[float, ...] = (0.0,) * len(KNOTS_KB)
    call_us: tuple[float, ...] = (0.0,) * len(KNOTS_KB)

    def __post_init__(self) -> None:
        """Refuse curves of other knots."""
        if {len(self.weight_us_per_kb), len(self.call_us)} != {len(KNOTS_KB)}:
            raise ValueError(f"a cache curve has {len(KNOTS_KB)} knots")

    def latency_us(self, costs: npt.ArrayLike) -> Values:
        """Say what kernels take together in a network.

        Parameters
        ----------
        costs : array-like
            ``[..., 4]``, see `COLUMNS`; the last is of the whole network.

        Returns
        -------
        numpy.ndarray
            float64 ``[...]``, microseconds.
        """
        own = np.asarray(costs, "float64")
        place, knots = np.log2(np.maximum(own[..., FOOTPRINT], 1.0)), np.log2(KNOTS_KB)
        weights_us = own[..., WEIGHTS] * np.interp(place, knots, self.weight_us_per_kb)
        calls_us = own[..., CALLS] * np.interp(place, knots, self.call_us)
        return np.asarray(own[..., STEADY] + weights_us + calls_us)

    def table(self) -> Values:
        """Return the curve as C++ reads it: float64 ``[knots, 3]``, the footprint's logarithm."""
        return np.stack([np.log2(KNOTS_KB), self.weight_us_per_kb, self.call_us], axis=1)

    def to_json(self) -> dict[str, tuple[float, ...]]:
        """Return the numbers by name."""
        return {"weight_us_per_kb": self.weight_us_per_kb, "call_us": self.call_us}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "CacheCurve":
        """Make a curve of what `to_json` returned.

        Raises
        ------
        KeyError, TypeError, ValueError
            When it is none.
        """
        return cls(*(tuple(map(float, data[name])) for name in ("weight_us_per_kb", "call_us")))


def knot_steps(footprints_kb: npt.ArrayLike) -> Values:
    """Return how far footprints are on the way to each knot from the one before.

    A curve that never falls is a sum of these with coefficients that are not negative.

    Parameters
    ----------
    footprints_kb : array-like
        ``[count]``

    Returns
    -------
    numpy.ndarray
        float64 ``[count, knots]`` from 0 to 1; the first is 1 everywhere.
    """
    place = np.log2(np.maximum(np.asarray(footprints_kb, "float64"), 1.0))[:, None]
    knots = np.log2(KNOTS_KB)
    steps = np.clip((place - knots[:-1]) / np.diff(knots), 0.0, 1.0)
    return np.concatenate([np.ones_like(place), steps], axis=1)
