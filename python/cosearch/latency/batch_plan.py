"""Scoring architectures of a space by a table of its blocks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tvm_ffi

PORTION = 2048
"""Architectures that are scored at once: what they need stays in the near caches."""


class BatchPlan:
    """Adds up the latencies of the blocks of architectures.

    This is the look-up table of CHaNAS (Chen et al., section 3.6), which is filled as blocks are
    asked for. What a sum over blocks misses, calls and cold caches, is in the blocks' entries.

    Parameters
    ----------
    space : cosearch.spaces.Space
        With its catalogue of blocks.
    block_us : callable
        Says the latency of a block in microseconds; asked once for each.
    start_us : float
        Microseconds of a run without any block.
    """

    def __init__(self, space: Any, block_us: Callable[[Any], float], start_us: float) -> None:
        self._space = space
        self._block_us = block_us
        self._start_us = start_us
        self.table_us = np.full(len(space.catalogue), np.nan)
        """Latency of each block of the catalogue; not a number where nobody has asked yet."""
        self._gather = tvm_ffi.get_global_func("cosearch.latency.GatherSum")

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
        for place in used[np.isnan(self.table_us[used])]:
            self.table_us[place] = self._block_us(self._space.catalogue[int(place)])

    def _sum(self, slots: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        out = np.empty(len(slots))
        table, places, sums = map(tvm_ffi.from_dlpack, (self.table_us, slots, out))
        self._gather(table, places, self._start_us, sums)
        return out
