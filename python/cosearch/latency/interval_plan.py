"""Intervals of the latencies of architectures, by tables of blocks as well."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from cosearch.latency.batch_plan import BatchPlan
from cosearch.latency.kernel_sums import unmeasured_share
from cosearch.latency.network_model import NetworkModel, Values


class IntervalPlan:
    """Adds up what the width of an interval depends on: the time that no measurement covers.

    Parameters
    ----------
    space : cosearch.spaces.Space
        With its catalogue of blocks.
    plan : BatchPlan
        Of the latencies.
    block_sums : callable
        Says of a block how long its kernels take in microseconds, and how much of that is of
        kernels which were not measured; asked once for each.
    network : NetworkModel
        Says how wide an interval is.
    """

    def __init__(
        self,
        space: Any,
        plan: BatchPlan,
        block_sums: Callable[[Any], tuple[float, float]],
        network: NetworkModel,
    ) -> None:
        sums = functools.cache(block_sums)
        self._space = space
        self._plan = plan
        self._kernels = BatchPlan(space, lambda block: sums(block)[0], 0.0)
        self._unmeasured = BatchPlan(space, lambda block: sums(block)[1], 0.0)
        self._network = network

    def intervals_us(self, architectures: npt.ArrayLike) -> tuple[Values, Values, Values]:
        """Predict latencies with their intervals; see `LatencyPredictor.interval_batch`."""
        slots = np.ascontiguousarray(self._space.slots(architectures), "int32")
        us = np.maximum(self._plan.of_slots(slots), 0)
        total_us, unmeasured_us = self._kernels.of_slots(slots), self._unmeasured.of_slots(slots)
        half = self._network.half_width(unmeasured_share(total_us, unmeasured_us))
        return us, us * np.maximum(0.0, 1 - half), us * (1 + half)
