"""Scoring architectures of a space by a table of the costs of its blocks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tvm_ffi

from cosearch.latency.cache_curve import COLUMNS, CacheCurve, Values

PORTION = 2048
"""Architectures that are scored at once: what they need stays in the near caches."""


class BatchPlan:
    """Adds up the costs of the blocks of architectures.

    This is the look-up table of CHaNAS (Chen et al., section 3.6), which is filled as blocks are
    asked for. What a sum over the latencies of blocks misses is there as well: calls are in the
    blocks' entries, and the caches cost what they do in a network of the blocks' weights together.

    Parameters
    ----------
    space : cosearch.spaces.Space
        With its catalogue of blocks.
    block_costs : callable
        Says what a block costs, ``[4]``: see `cosearch.latency.cache_curve.COLUMNS`; asked once for
        each.
    caches : CacheCurve
        What weights and calls take by the footprint of a network.
    start_us : float
        Microseconds of a run without any block.
    """

    def __init__(
        self,
        space: Any,
        block_costs: Callable[[Any], Values],
        caches: CacheCurve,
        start_us: float,
    ) -> None:
        self._space = space
        self._block_costs = block_costs
        self._start_us = start_us
        self.curve = caches.table()
        """What weights and calls take, as C++ reads it."""
        self.costs = np.full((len(space.catalogue), len(COLUMNS)), np.nan)
        """What each block of the catalogue costs; not a number where nobody has asked yet."""
        self._add_up = tvm_ffi.get_global_func("cosearch.latency.SumBlocks")

    def latencies_us(self, architectures: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Predict the latency of architectures.

        Parameters
        ----------
        architectures : array-like
            Integers ``[count, positions]``.

        Returns
        -------
        numpy.ndarray
            float64 ``[count]``, microseconds.

        Raises
        ------
        ValueError
            When one is no architecture of the space.
        """
        rows = np.asarray(architectures)
        if rows.ndim != 2 or len(rows) <= PORTION:
            return self._portion_us(rows)
        starts = range(0, len(rows), PORTION)
        return np.concatenate([self._portion_us(rows[i : i + PORTION]) for i in starts])

    def _portion_us(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        return self.of_slots(np.ascontiguousarray(self._space.slots(rows), "int32"))

    def of_slots(self, slots: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        """Add up the blocks of architectures, of which only the blocks are known.

        Parameters
        ----------
        slots : numpy.ndarray
            int32 ``[count, slots]``, contiguous: places in the catalogue, see `Space.slots`.

        Returns
        -------
        numpy.ndarray
            float64 ``[count]``, microseconds.
        """
        out = self._sum(slots)
        if np.isnan(out).any():
            self._fill(slots)
            out = self._sum(slots)
        return out

    def _fill(self, slots: npt.NDArray[np.int32]) -> None:
        used = np.unique(slots[slots >= 0])
        for place in used[np.isnan(self.costs[used, 0])]:
            self.costs[place] = self._block_costs(self._space.catalogue[int(place)])

    def _sum(self, slots: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        out = np.empty(len(slots))
        arguments = map(tvm_ffi.from_dlpack, (self.costs, slots, self.curve, out))
        costs, places, curve, sums = arguments
        self._add_up(costs, places, curve, self._start_us, sums)
        return out
