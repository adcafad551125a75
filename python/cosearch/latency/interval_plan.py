"""Intervals of the latencies of architectures, by tables of blocks as well."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from cosearch.latency.batch_plan import BatchPlan
from cosearch.latency.cache_curve import CacheCurve, Values
from cosearch.latency.kernel_sums import unmeasured_share
from cosearch.latency.network_model import NetworkModel


class IntervalPlan:
    """Adds up what the width of an interval depends on: the time that no measurement covers.

    Parameters
    ----------
    space : cosearch.spaces.Space
        With its catalogue of blocks.
    plan : BatchPlan
        Of the latencies.
    block_costs : callable
        Says what a block's kernels cost, and those that were not measured, ``[2, 4]``: see
        `cosearch.latency.kernel_sums.sum_costs`; asked once for each.
    caches : CacheCurve
        What weights and calls take by the footprint of a network.
    network : NetworkModel
        Says how wide an interval is.
    """

    def __init__(
        self,
        space: Any,
        plan: BatchPlan,
        block_costs: Callable[[Any], Values],
        caches: CacheCurve,
        network: NetworkModel,
    ) -> None:
        costs = functools.cache(block_costs)
        self._space = space
        self._plan = plan
        self._kernels = BatchPlan(space, lambda block: costs(block)[0], caches, 0.0)
        self._unmeasured = BatchPlan(space, lambda block: costs(block)[1], caches, 0.0)
        self._network = network

    def intervals_us(self, architectures: npt.ArrayLike) -> tuple[Values, Values, Values]:
        """Predict latencies with their intervals; see `LatencyPredictor.interval_batch`."""
        slots = np.ascontiguousarray(self._space.slots(architectures), "int32")
        us = np.maximum(self._plan.of_slots(slots), 0)
        total_us, unmeasured_us = self._kernels.of_slots(slots), self._unmeasured.of_slots(slots)
        half = self._network.half_width(unmeasured_share(total_us, unmeasured_us))
        return us, us * np.maximum(0.0, 1 - half), us * (1 + half)
