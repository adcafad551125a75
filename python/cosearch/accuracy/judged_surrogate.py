"""A surrogate, and how well one like it ranks what it has not seen."""

from cosearch.accuracy.surrogate import LEAST_SAMPLES, AccuracySurrogate, Floats
from cosearch.spaces import Space
from cosearch.spaces.space import Integers

HELD_OUT = 5
"""One of so many architectures of known accuracy judges the surrogate."""


def fit_judged(
    space: Space, rows: Integers, scores: Floats, seed: int = 0, *, unit: str = "%"
) -> tuple[AccuracySurrogate, dict[str, float]]:
    """Learn from all architectures, and judge a surrogate that has learnt from most of them.

    Parameters
    ----------
    space : Space
        What they are of.
    rows : numpy.ndarray
        int64 ``[count, positions]``, in a random order: the first ones are held out.
    scores : numpy.ndarray
        float64 ``[count]``, their accuracies.
    seed, unit
        See `AccuracySurrogate.fit`.

    Returns
    -------
    surrogate : AccuracySurrogate
        Of all architectures.
    quality : dict of str to float
        See `AccuracySurrogate.evaluate`; empty where too few are known to hold any out.

    Raises
    ------
    ValueError
        See `AccuracySurrogate.fit`.
    """
    surrogate = AccuracySurrogate.fit(space, rows, scores, seed, unit=unit)
    held = len(rows) // HELD_OUT
    if held < 2 or len(rows) - held < LEAST_SAMPLES:
        return surrogate, {}
    partial = AccuracySurrogate.fit(space, rows[held:], scores[held:], seed, unit=unit)
    return surrogate, partial.evaluate(rows[:held], scores[:held])
