"""What the kernels of a network or a block take together."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cosearch.latency.composition import Composition
from cosearch.latency.kernel_model import KernelModel
from cosearch.latency.network_model import Values


def sum_kernels(model: KernelModel, kernels: Composition) -> tuple[float, float]:
    """Add up the latencies of the calls of kernels.

    Returns
    -------
    total_us : float
        Of all of them, in microseconds.
    unmeasured_us : float
        Of those that were never measured in a network.
    """
    times = model.latencies_us(kernels.workloads, kernels.outlooks) * kernels.calls
    known = np.array([workload in model.table_us for workload in kernels.workloads], bool)
    return float(times.sum()), float(times[~known].sum())


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
