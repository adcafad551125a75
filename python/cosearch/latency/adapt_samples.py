"""Which architectures to measure on a new device."""

import numpy as np

from cosearch.latency.adapt_prior import DevicePrior, Floats, Integers

SHARE = 0.03
"""Share of free variance that the choice reckons with."""
NOISE = 0.25
"""Noise that it reckons with, in deviations of a device's latency."""
OFFSET = 4.0
"""Variance of the latency that all architectures share: only differences matter to a ranking."""
BETWEEN = 1.0
"""Variance of a step from the first view to another: samples should tell which one applies.

Without it, ten samples missed the view of the one such device of NAS-Bench-201, left out, in six
seeds of ten; with it in one.
"""
CANDIDATES = 1500
"""Architectures drawn, from which the samples are chosen."""


def choose(features: Floats, prior: DevicePrior, count: int, rng: np.random.Generator) -> Integers:
    """Choose architectures that leave least uncertainty about all others.

    One after the other, each lowers the mean posterior variance of the candidates most: active
    learning of Cohn (Seo et al., "Gaussian process regression: active data selection and test
    point rejection", IJCNN 2000). No latency is needed, so that all can be measured at once.

    Parameters
    ----------
    features : numpy.ndarray
        Standardised, float64 ``[views, n, d]``.
    prior : DevicePrior
        What other devices tell.
    count : int
        How many; at most n.
    rng : numpy.random.Generator
        Draws the candidates.

    Returns
    -------
    numpy.ndarray
        int64 ``[count]``, rows of the features.
    """
    rows = features.shape[1]
    drawn = rng.choice(rows, min(rows, max(CANDIDATES, 2 * count)), replace=False)
    weights = prior.covariances(SHARE).mean(0)
    shapes = features[:, drawn] @ prior.mean
    covariance = np.full((len(drawn), len(drawn)), OFFSET)
    for probability, view, shape in zip(prior.views, features[:, drawn], shapes, strict=True):
        covariance += probability * (view @ weights @ view.T)
        covariance += BETWEEN * np.outer(shape - shapes[0], shape - shapes[0])
    chosen: list[int] = []
    for _ in range(count):
        # What a candidate tells about differences between architectures, not about their mean.
        centred = covariance - covariance.mean(0)
        gain = (centred**2).mean(0) / (np.diag(covariance) + NOISE**2)
        gain[chosen] = -1.0
        best = int(gain.argmax())
        told = covariance[best]
        covariance = covariance - np.outer(told, told) / (told[best] + NOISE**2)
        chosen.append(best)
    samples: Integers = drawn[chosen].astype(np.int64)
    return samples
