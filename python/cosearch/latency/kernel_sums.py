"""What the kernels of a network or a block cost together."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cosearch.latency.cache_curve import FOOTPRINT, Values
from cosearch.latency.composition import Composition
from cosearch.latency.kernel_model import KernelModel


def sum_costs(model: KernelModel, kernels: Composition) -> Values:
    """Add up the costs of the calls of kernels.

    Returns
    -------
    numpy.ndarray
        float64 ``[2, 4]``, see `cosearch.latency.cache_curve.COLUMNS`: of all of them, and of those
        that were never measured in a network, with the footprint of all.
    """
    costs = model.costs(kernels.workloads, kernels.outlooks) * kernels.calls[:, None]
    unknown = np.array([workload not in model.table_us for workload in kernels.workloads], bool)
    sums = np.stack([costs.sum(axis=0), costs[unknown].sum(axis=0)])
    sums[:, FOOTPRINT] = sums[0, FOOTPRINT]
    return sums


def sum_kernels(model: KernelModel, kernels: Composition) -> tuple[float, float]:
    """Say what the kernels of a network take.

    Returns
    -------
    total_us : float
        All of them, in microseconds.
    unmeasured_us : float
        Those that were never measured in a network.
    """
    total_us, unmeasured_us = model.line.caches.latency_us(sum_costs(model, kernels))
    return float(total_us), float(unmeasured_us)


def unmeasured_share(total_us: npt.ArrayLike, unmeasured_us: npt.ArrayLike) -> Values:
    """Return what share of the time of kernels was never measured; see `sum_kernels`.

    Parameters
    ----------
    total_us, unmeasured_us : array-like
        Of one shape, microseconds.
    """
    return np.asarray(unmeasured_us / np.maximum(total_us, 1e-9))


def join_compositions(parts: Sequence[Composition]) -> Composition:
    """Put the kernels of parts together, each workload once."""
    calls: dict[str, float] = {}
    outlooks = {}
    for part in parts:
        for workload, count, outlook in zip(part.workloads, part.calls, part.outlooks, strict=True):
            calls[workload] = calls.get(workload, 0.0) + float(count)
            outlooks[workload] = outlook
    return Composition(tuple(calls), np.array(list(calls.values())), tuple(outlooks.values()))
