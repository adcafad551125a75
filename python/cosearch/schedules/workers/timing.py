"""How long one call of a kernel takes."""

import math
from typing import Any

import tvm

REPEATS = 5
MAX_REPEATS = 15
REPEAT_S = 1.2e-3
"""Time that one repeat lasts at least, calls being added up to it."""
LIMIT_S = 0.1
"""Time after which no more repeats are added."""
AGREEMENT = 1.05
"""The two fastest repeats must agree so closely, or more are made."""
HOPELESS = 3.0
"""A kernel that takes so many times the best one's time is not looked at more closely."""


def time_calls(module: tvm.runtime.Module, arguments: list[Any], best_us: float) -> list[float]:
    """Time a kernel as it runs inside a network: warm caches, no gaps.

    The first calls tell how many there must be in a repeat, and whether more are worth it. Repeats
    are added while the fastest ones disagree, and the slower half of them is left out: other
    processes can slow a call down, nothing speeds it up. The median of what is returned is then
    the lower quartile of what was measured.

    Parameters
    ----------
    module : tvm.runtime.Module
        Module whose ``main`` is the kernel.
    arguments : list of tvm.runtime.Tensor
    best_us : float
        Time of the best candidate so far, in microseconds; infinite when there is none.

    Returns
    -------
    list of float
        Microseconds of one call, one for each repeat, in the order of measurement.
    """
    first_s = _evaluate(module, arguments, number=1, repeat=1)[0]
    if first_s * 1e6 > HOPELESS * best_us:
        # A single call can be slow by accident, three can not.
        quick = [first_s, *_evaluate(module, arguments, number=1, repeat=2)]
        first_s = min(quick)
        if first_s * 1e6 > HOPELESS * best_us:
            return [seconds * 1e6 for seconds in _faster_half(quick)]
    number = max(1, math.ceil(REPEAT_S / max(first_s, 1e-7)))
    spent_s, repeats = 0.0, list[float]()
    while len(repeats) < MAX_REPEATS and spent_s < LIMIT_S and not _agree(repeats):
        more = REPEATS if number * first_s * REPEATS < LIMIT_S else 2
        repeats += _evaluate(module, arguments, number=number, repeat=more)
        spent_s = number * sum(repeats)
    return [seconds * 1e6 for seconds in _faster_half(repeats)]


def _agree(repeats: list[float]) -> bool:
    fastest = sorted(repeats)[:2]
    return len(fastest) == 2 and fastest[1] <= AGREEMENT * fastest[0]


def _faster_half(repeats: list[float]) -> list[float]:
    limit = sorted(repeats)[(len(repeats) - 1) // 2]
    return [seconds for seconds in repeats if seconds <= limit]


def _evaluate(
    module: tvm.runtime.Module, arguments: list[Any], number: int, repeat: int
) -> list[float]:
    evaluate = module.time_evaluator("main", tvm.cpu(), number=number, repeat=repeat)
    return [float(seconds) for seconds in evaluate(*arguments).results]
