"""The overheads of whole networks, and how far predictions of networks left out are from them."""

import numpy as np

from cosearch.latency.cache_curve import Values
from cosearch.latency.dataset import Dataset
from cosearch.latency.kernel_model import KernelModel
from cosearch.latency.kernel_sums import sum_kernels, unmeasured_share
from cosearch.latency.network_model import NetworkModel, folds

FOLDS = 5


def fit_network(data: Dataset, seed: int) -> NetworkModel:
    """Learn the overheads of networks, and the width of intervals by cross-validation.

    Parameters
    ----------
    data : Dataset
        Networks and the kernels inside of them.
    seed : int
        Of the folds, and of the trees that each is left out of.
    """
    errors, shares = _cross_validate(data, seed)
    return _overheads(data).with_errors(errors, shares)


def _overheads(data: Dataset) -> NetworkModel:
    """Fit overheads on what the kernels of each network took in it."""
    own = {(o.network, o.workload): o.latency_us for o in data.observations}
    rows = []
    for key, kernels, measured_us in data.rows():
        times = np.array([own.get((key, workload), np.nan) for workload in kernels.workloads])
        if not np.isnan(times).any():
            rows.append((float(times @ kernels.calls), float(kernels.calls.sum()), measured_us))
    return NetworkModel.fit(*np.array(rows).reshape(-1, 3).T)


def _cross_validate(data: Dataset, seed: int) -> tuple[Values, Values]:
    """Return relative errors of networks left out, and the shares that were not measured."""
    errors, shares = [], []
    for fold in folds(data.networks, min(FOLDS, len(data.networks)), seed):
        rest = data.without(fold)
        kernels = KernelModel.fit(rest.observations, seed)
        network = _overheads(rest)
        for key, composition, measured_us in data.rows():
            if key in fold:
                total, unmeasured = sum_kernels(kernels, composition)
                us = network.latency_us(np.array(total), composition.calls.sum())
                errors.append(float(us) / measured_us - 1)
                shares.append(float(unmeasured_share(total, unmeasured)))
    return np.array(errors), np.array(shares)
