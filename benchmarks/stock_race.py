"""How long stock MetaSchedule takes to be as fast as kernels that nobody has measured."""

import argparse
import math
import random
from typing import Any

from stock import tune_stock
from tvm.target import Target

from cosearch.schedules import TuningTask


def race_stock(
    goals_us: dict[TuningTask, float],
    zero_shot_s: float,
    target: Target,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Let stock tune workloads of a network until it has the latency of the zero-shot build.

    Parameters
    ----------
    goals_us : dict of TuningTask to float
        The workloads, and the microseconds of each in the zero-shot build.
    zero_shot_s : float
        Seconds of that build.
    target : tvm.target.Target
        What to tune for.
    options : argparse.Namespace
        ``stock``: how many workloads, ``whole`` or ``none``; ``stock_trials`` and ``stock_seconds``
        for each of them; ``trials`` after which to look; ``seed``.

    Returns
    -------
    dict
        For the row of the report: what became of each workload, the seconds of stock, and an equal
        part of the zero-shot build's.
    """
    count = {"whole": len(goals_us), "none": 0}.get(options.stock)
    count = min(int(options.stock), len(goals_us)) if count is None else count
    chosen = random.Random(options.seed).sample(list(goals_us), count)
    found = [_race(task, goals_us[task], target, options) for task in chosen]
    return {
        "workloads": len(goals_us),
        "stock": found,
        "stock_s": sum(one["stock_s"] for one in found),
        "stock_zero_shot_s": zero_shot_s * count / len(goals_us),
    }


def _race(
    task: TuningTask, goal_us: float, target: Target, options: argparse.Namespace
) -> dict[str, Any]:
    tuning = tune_stock(
        task,
        target,
        max(options.stock_trials, options.trials),
        goal_us=goal_us,
        limit_s=options.stock_seconds,
        seed=options.seed + 1,  # MetaSchedule takes no zero
    )
    return {
        "workload": task.workload.name,
        "zero_shot_us": goal_us,
        "stock_us": _finite(tuning.best_us(options.trials)),
        "stock_limit_us": _finite(tuning.best_us()),
        "stock_measured": tuning.measured,
        "reached": math.isfinite(tuning.reached_s),
        "stock_s": min(tuning.reached_s, tuning.seconds),
    }


def _finite(value: float) -> float | None:
    """Return a number that JSON knows, or None."""
    return value if math.isfinite(value) else None
