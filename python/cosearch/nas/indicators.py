"""How good a set of architectures is: dominance, and distances between fronts.

All take losses, where lower is better: float64 ``[count, objectives]``.
"""

import importlib
import importlib.util
from typing import Any

import numpy as np
import numpy.typing as npt

from cosearch.nas.goals import Values


def non_dominated(losses: Values) -> npt.NDArray[np.bool_]:
    """Say which points no other point dominates, bool ``[count]``; equal points stay together.

    Parameters
    ----------
    losses : numpy.ndarray
        float64 ``[count, objectives]``.
    """
    # One that is dominated has a dominator before it in this order, and equal points are one.
    points, place = np.unique(losses, axis=0, return_inverse=True)
    alive = np.ones(len(points), bool)
    if losses.shape[1] <= 2:
        lowest = np.minimum.accumulate(points[:, -1]) if len(points) else points[:, -1]
        if losses.shape[1] == 1:
            alive[1:] = False
        else:
            alive[1:] = points[1:, 1] < lowest[:-1]
    else:
        for i in range(len(points)):
            if alive[i]:
                later = i + 1 + np.flatnonzero(alive[i + 1 :])
                alive[later] = (points[later] < points[i]).any(axis=1)
    kept: npt.NDArray[np.bool_] = alive[place.reshape(-1)]
    return kept


def hypervolume(losses: Values, reference: Values) -> float:
    """Return the volume between points and a reference that is worse than they are.

    Zitzler and Thiele, PPSN 1998; points that are no better than the reference add nothing.

    Parameters
    ----------
    losses : numpy.ndarray
        float64 ``[count, objectives]``.
    reference : numpy.ndarray
        float64 ``[objectives]``.
    """
    inside = losses[(losses < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    return float(_pymoo("hv", "HV")(ref_point=np.asarray(reference))(inside))


def generational_distance(front: Values, true_front: Values) -> float:
    """Return how far points are from a known front on average (Van Veldhuizen, 1999).

    Parameters
    ----------
    front : numpy.ndarray
        What a search found, float64 ``[count, objectives]``.
    true_front : numpy.ndarray
        The known front, float64 ``[others, objectives]``.
    """
    return float(_pymoo("gd", "GD")(np.asarray(true_front))(np.asarray(front)))


def inverted_generational_distance(front: Values, true_front: Values) -> float:
    """Return how far the points of a known front are from what was found, on average.

    Coello Coello and Reyes Sierra, MICAI 2004. Parameters as for `generational_distance`.
    """
    return float(_pymoo("igd", "IGD")(np.asarray(true_front))(np.asarray(front)))


def igd_share(front: Values, true_front: Values) -> float:
    """Return the inverted generational distance as a share of the known front's extent.

    Each objective is divided by the extent of the known front in it, so that microseconds and
    percents weigh alike; points of the front that are equal count once.

    Parameters
    ----------
    front : numpy.ndarray
        What a search found, float64 ``[count, objectives]``; dominated points do no harm.
    true_front : numpy.ndarray
        The known front, float64 ``[others, objectives]``.

    Raises
    ------
    ValueError
        When either has no point.
    """
    if not len(front) or not len(true_front):
        raise ValueError("a distance needs at least one point on each side")
    known = np.unique(true_front, axis=0)
    low = known.min(axis=0)
    extent = known.max(axis=0) - low
    extent[extent == 0] = 1.0
    return inverted_generational_distance((front - low) / extent, (known - low) / extent)


def require_pymoo() -> None:
    """Say what to install where pymoo is missing, before any work is done.

    Raises
    ------
    ImportError
        Naming what to install.
    """
    if importlib.util.find_spec("pymoo") is None:
        raise ImportError('pymoo is missing: pip install "tvm-cosearch[search]"')


def _pymoo(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"pymoo.indicators.{module}"), name)
