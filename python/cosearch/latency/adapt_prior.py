"""What a device costs, as far as other devices tell."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

RIDGES = tuple(10.0**exponent for exponent in range(-4, 3))
"""Penalties tried for a reference device, by architecture and variance of the features."""
OUTLIER = 4.0
"""Residuals of a reference are cut here, in deviations as the median tells them."""
UNSEEN = 3.0
"""Devices that each view is granted beside the references: a device may follow one of its own."""


@dataclass(frozen=True)
class Standard:
    """Brings features to mean zero and deviation one over the reference architectures.

    Attributes
    ----------
    mean, scale : numpy.ndarray
        float64 ``[d]``.
    """

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, features: Floats) -> "Standard":
        """Take the mean of the first view, and deviations over all views ``[views, n, d]``."""
        scale = (features - features[0].mean(0)).std(axis=(0, 1))
        return cls(features[0].mean(0), np.where(scale > 0, scale, 1.0))

    def apply(self, features: Floats) -> Floats:
        """Standardise features ``[views, n, d]``."""
        return (features - self.mean) / self.scale


@dataclass(frozen=True)
class DevicePrior:
    """Weights of standardised features on a device, in deviations of its latency.

    A device's latency is linear in the features of one view; its weights scatter about the mean of
    the reference devices as those do, and in ways that none of them shows (`free`).

    Attributes
    ----------
    mean : numpy.ndarray
        float64 ``[d]``.
    spread : numpy.ndarray
        float64 ``[d, d]``, covariance of the references' weights.
    free : numpy.ndarray
        float64 ``[forms, d, d]``, covariances that give latencies a variance of one.
    views : numpy.ndarray
        float64 ``[views]``, how probable it is that a device follows each view.
    noise : numpy.ndarray
        float64 ``[m]``, deviation of each reference from its own model.
    """

    mean: Floats
    spread: Floats
    free: Floats
    views: Floats
    noise: Floats

    def covariances(self, share: float) -> Floats:
        """Covariances of a device's weights, by form, the given share of variance being free."""
        return self.spread + np.outer(self.mean, self.mean) + share * self.free


def fit_prior(features: Floats, groups: Integers, latencies_us: Floats) -> DevicePrior:
    """Learn from reference devices what weights a device has.

    The model is that of Minka and Picard, "Learning how to learn is learning with point sets",
    1997: the tasks' weights come from one Gaussian, whose mean and covariance are theirs.

    Parameters
    ----------
    features : numpy.ndarray
        Standardised, float64 ``[views, n, d]``.
    groups : numpy.ndarray
        int64 ``[partitions, d]`` (see `Encoding`).
    latencies_us : numpy.ndarray
        float64 ``[n, m]``.
    """
    fits = [_fit_views(view, latencies_us) for view in features]
    errors = np.stack([error for _, error in fits])
    best = errors.argmin(0)
    weights = np.stack([fits[view][0][:, device] for device, view in enumerate(best)])
    noise = errors[best, np.arange(len(best))]
    mean = weights.mean(0)
    apart = weights - mean
    spread = apart.T @ apart / max(len(weights) - 1, 1)
    counts = np.bincount(best, minlength=len(features)) + UNSEEN
    return DevicePrior(mean, spread, _free(mean, groups, features), counts / counts.sum(), noise)


def _free(mean: Floats, groups: Integers, features: Floats) -> Floats:
    """Covariances of weights that no reference may show, ``[forms, d, d]``.

    In the first form, each cost differs on its own; in the second one, costs of a group differ by
    one factor.
    """
    same = (groups[:, :, None] == groups[:, None, :]).mean(0)
    forms = np.stack([same, same * np.outer(mean, mean)])
    variances = np.einsum("nd,fde,ne->f", features[0], forms, features[0]) / features.shape[1]
    free: Floats = forms / np.maximum(variances, np.finfo(np.float64).tiny)[:, None, None]
    return free


def _fit_views(view: Floats, latencies_us: Floats) -> tuple[Floats, Floats]:
    """Fit every device by the features of a view; weights ``[d, m]``, errors ``[m]``."""
    centred = view - view.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    values = np.maximum(values, 0.0)
    target = latencies_us - latencies_us.mean(0)
    for _ in range(2):
        weights = _ridge(centred, values, vectors, target)
        fitted = centred @ weights
        residual = latencies_us - latencies_us.mean(0) - fitted
        limit = OUTLIER * 1.4826 * np.median(np.abs(residual), axis=0)
        target = fitted + np.clip(residual, -limit, limit)
        target -= target.mean(0)
    unit = np.maximum(fitted.std(0), np.finfo(np.float64).tiny)
    return weights / unit, (target - fitted).std(0) / unit


def _ridge(centred: Floats, values: Floats, vectors: Floats, target: Floats) -> Floats:
    """Ridge regression, the penalty by generalised cross-validation (Golub et al., 1979)."""
    rows = len(centred)
    product = vectors.T @ (centred.T @ target)
    power = (target**2).sum(0)
    best = np.full(target.shape[1], np.inf)
    chosen = np.zeros_like(product)
    for ridge in RIDGES:
        shrunk = product / (values + ridge * rows)[:, None]
        error = power - 2 * (shrunk * product).sum(0) + (values[:, None] * shrunk**2).sum(0)
        free = 1 - ((values / (values + ridge * rows)).sum() + 1) / rows
        score = error / max(free, 1e-9) ** 2
        better = score < best
        best, chosen = np.where(better, score, best), np.where(better, shrunk, chosen)
    weights: Floats = vectors @ chosen
    return weights
