"""What a few measured architectures tell about a device."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from cosearch.latency.adapt_prior import DevicePrior, Floats

SHARES = (0.01, 0.1, 1.0)
"""Shares of a device's variance that no reference may show."""
NOISES = (0.05, 0.1, 0.2, 0.3, 0.45)
"""Deviations of a measurement, in deviations of the device's latency."""
OUTLIERS = 0.05
"""How probable it is that one of the measurements is far off."""
OUTLIER_NOISE = 5.0
"""Deviation of such a measurement, in those of others."""
OFFSET = 100.0
"""Variance of the latency that all architectures share: it may be anything."""


@dataclass(frozen=True)
class Moments:
    """A mixture of Gaussians over weights, by view, up to the second moment.

    Attributes
    ----------
    views : numpy.ndarray
        float64 ``[views]``, probabilities.
    first, second : numpy.ndarray
        float64 ``[views, d + 1]`` and ``[views, d + 1, d + 1]``, the offset first. They are means
        over all of the mixture, so that views add up.
    noise : float
        Variance of a measurement.
    """

    views: Floats
    first: Floats
    second: Floats
    noise: float


@dataclass(frozen=True)
class _Hypotheses:
    """One view, share and noise, with no outlier or one of the samples: ``[k + 1]`` of them."""

    view: int
    noise: float
    evidence: Floats
    """Logarithms."""
    means: Floats
    """``[k + 1, d + 1]``."""
    covariance: Floats
    """Of no outlier."""
    widening: Floats
    """``[k + 1, d + 1]``: the outer product with itself is what an outlier adds to it."""


def infer(features: Floats, latencies_us: Floats, prior: DevicePrior) -> Moments:
    """Average over what the device may be like, each by how well it explains the samples.

    The weights have the conjugate posterior of Bayesian linear regression (Rasmussen and Williams,
    "Gaussian Processes for Machine Learning", 2006, section 2.1). View, noise, share of free
    variance and the outlier are averaged by evidence (Hoeting et al., "Bayesian model averaging",
    1999), which ten samples do not suffice to choose.

    Parameters
    ----------
    features : numpy.ndarray
        Standardised, of the samples, float64 ``[views, k, d]``.
    latencies_us : numpy.ndarray
        float64 ``[k]``.
    prior : DevicePrior
        What other devices tell.
    """
    blocks = list(_hypotheses(features, latencies_us, prior))
    top = max(float(block.evidence.max()) for block in blocks)
    mass = [np.exp(block.evidence - top) for block in blocks]
    total = sum(float(part.sum()) for part in mass)
    size = features.shape[2] + 1
    views, first = np.zeros(len(features)), np.zeros((len(features), size))
    second, noise = np.zeros((len(features), size, size)), 0.0
    for block, part in zip(blocks, mass, strict=True):
        share = part / total
        views[block.view] += share.sum()
        first[block.view] += share @ block.means
        spread = np.concatenate([block.means, block.widening]) * np.sqrt(np.tile(share, 2))[:, None]
        second[block.view] += share.sum() * block.covariance + spread.T @ spread
        noise += float(share.sum()) * block.noise
    return Moments(views, first, second, noise)


def _hypotheses(
    features: Floats, latencies_us: Floats, prior: DevicePrior
) -> Iterator[_Hypotheses]:
    for view, plain in enumerate(features):
        if not prior.views[view] > 0:
            continue
        shape = plain @ prior.mean
        unit = _unit(latencies_us, shape)
        basis = np.concatenate([np.ones((len(plain), 1)), plain], axis=1)
        mean = np.concatenate([[latencies_us.mean() / unit], prior.mean])
        rest = latencies_us / unit - basis @ mean
        for share, noise in product(SHARES, NOISES):
            for covariance in prior.covariances(share):
                weights = np.zeros((len(mean), len(mean)))
                weights[0, 0], weights[1:, 1:] = OFFSET, covariance
                block = _condition(basis, rest, weights, noise)
                yield _Hypotheses(
                    view,
                    (noise * unit) ** 2,
                    block.evidence - len(rest) * np.log(unit) + np.log(prior.views[view]),
                    (mean + block.means) * unit,
                    block.covariance * unit**2,
                    block.widening * unit,
                )


def _unit(latencies_us: Floats, shape: Floats) -> float:
    """Say how many microseconds one deviation of the device is."""
    unit = float(latencies_us.std()) / max(float(shape.std()), 0.3)
    return max(unit, 1e-6 * float(latencies_us.mean()))


def _condition(basis: Floats, rest: Floats, weights: Floats, noise: float) -> _Hypotheses:
    """Condition weights of mean zero on samples, of which one may have more noise than the rest.

    An outlier adds to one element of the samples' covariance, whose inverse follows from that
    without one (Sherman and Morrison, 1950).
    """
    samples = len(rest)
    cross = weights @ basis.T
    inverse = np.linalg.inv(basis @ cross + noise**2 * np.eye(samples))
    solved = inverse @ rest
    extra = noise**2 * (OUTLIER_NOISE**2 - 1)
    share = extra / (1 + extra * np.diag(inverse))
    plain = -0.5 * float(rest @ solved) + 0.5 * float(np.linalg.slogdet(inverse)[1])
    one = plain + 0.5 * share * solved**2 - 0.5 * np.log1p(extra * np.diag(inverse))
    odds = np.log(OUTLIERS / (1 - OUTLIERS))
    moved = np.concatenate([[solved], solved - (share * solved)[:, None] * inverse])
    widened = np.concatenate([np.zeros((1, samples)), np.sqrt(share)[:, None] * inverse])
    return _Hypotheses(
        0,
        noise,
        np.concatenate([[plain], one + odds]),
        moved @ cross.T,
        weights - cross @ inverse @ cross.T,
        widened @ cross.T,
    )
