"""A predictor of this machine, made to fit a device of which some networks were measured."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from cosearch.latency.cache_curve import Values
from cosearch.latency.composition import Composition
from cosearch.latency.kernel_model import KernelModel
from cosearch.latency.network_model import NetworkModel

LEAST_SAMPLES = 3
NOISE = 0.03
"""Relative error of a measurement there, and of the sum of kernels, as a rule."""
SPREAD = 0.5
"""How far the kinds of kernels are from their common factor, as a rule."""


def fit_device(
    kernels: KernelModel,
    network: NetworkModel,
    samples: Sequence[Composition],
    latencies_us: npt.ArrayLike,
) -> tuple[KernelModel, NetworkModel]:
    """Learn how many times as long each kind of kernel takes on another device.

    A network takes there what its kernels take here, times a factor of their kind. The factors are
    drawn to a common one (ridge regression on relative errors), so that a handful of networks is
    enough. The width of intervals is learnt from each network as the others predict it.

    Parameters
    ----------
    kernels, network : KernelModel, NetworkModel
        Of this machine.
    samples : sequence of Composition
        The networks that were measured.
    latencies_us : array-like
        ``[samples]``, microseconds on the device.

    Raises
    ------
    ValueError
        When there are fewer than `LEAST_SAMPLES`, or a latency is not positive and finite.
    """
    measured = np.asarray(latencies_us, "float64")
    if measured.shape != (len(samples),) or len(samples) < LEAST_SAMPLES:
        raise ValueError(
            f"{len(samples)} networks and latencies of shape {list(measured.shape)}: there must be "
            f"one for each, and {LEAST_SAMPLES} or more"
        )
    if not (np.isfinite(measured) & (measured > 0)).all():
        raise ValueError("latencies must be positive and finite")
    kinds = sorted({outlook.kind for sample in samples for outlook in sample.outlooks})
    parts_us = np.array([_parts_us(kernels, network, sample, kinds) for sample in samples])
    everything = np.arange(len(samples))
    errors = np.empty(len(samples))
    for left_out in everything:
        rest = everything[everything != left_out]
        factors, _ = _factors(parts_us[rest], measured[rest])
        errors[left_out] = parts_us[left_out] @ factors / measured[left_out] - 1
    factors, common = _factors(parts_us, measured)
    *own, overhead = factors.tolist()
    there = kernels.on_device({**dict(zip(kinds, own, strict=True)), "": common})
    scaled = replace(
        network, call_us=network.call_us * overhead, start_us=network.start_us * overhead
    )
    return there, scaled.with_errors(errors, np.zeros(len(samples)))


def _parts_us(
    kernels: KernelModel, network: NetworkModel, sample: Composition, kinds: Sequence[str]
) -> Values:
    """Return what a network's kernels of each kind take here, and last what calling them does."""
    times = network.scale * kernels.latencies_us(sample) * sample.calls
    own = np.array([outlook.kind for outlook in sample.outlooks])
    overhead = network.call_us * float(sample.calls.sum()) + network.start_us
    return np.array([*(float(times[own == kind].sum()) for kind in kinds), overhead])


def _factors(parts_us: Values, measured_us: Values) -> tuple[Values, float]:
    """Return a factor of each part, none negative, and the one to which they are drawn."""
    common = float(np.median(measured_us / parts_us.sum(axis=1)))
    # In units of the common factor: what is learnt is how far each is from 1.
    basis = common * parts_us / measured_us[:, None] / NOISE
    prior = np.eye(basis.shape[1]) / SPREAD
    target = np.concatenate([np.full(len(basis), 1 / NOISE), np.full(len(prior), 1 / SPREAD)])
    found, _ = nnls(np.concatenate([basis, prior]), target)
    return common * found, common
