"""How near a search comes to the true front, by what it is told of latency."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from scipy.stats import gmean
from untuned import untuned_predictor

import cosearch
from cosearch.accuracy.nasbench201_table import NASBench201Accuracy
from cosearch.latency import Laboratory, LatencyPredictor
from cosearch.latency.metrics import prediction_metrics
from cosearch.nas import Objective, Result, igd_share, non_dominated
from cosearch.nas.build_architecture import build_architecture, measure_library
from cosearch.schedules import ScheduleDatabase
from cosearch.schedules.label import Label
from cosearch.spaces import NASBench201Space

SPACE = NASBench201Space()
ACCURACY = NASBench201Accuracy()
Measure = Callable[[np.ndarray], Label]
"""Takes an architecture, int64 ``[positions]``."""


@dataclass(frozen=True)
class Effort:
    """How much is done."""

    evaluations: int = 1500
    seeds: int = 5
    constrained: int = 10
    measured: int = 40
    """Networks that are measured at random to judge the predictor, and by the measuring search."""


class Truth:
    """The front among all architectures; latency is the predictor's, as `check` judges it."""

    def __init__(self, predictor: LatencyPredictor) -> None:
        self._predictor = predictor
        self.rows = np.indices(SPACE.choices).reshape(len(SPACE.choices), -1).T
        losses = self.losses(self.rows)
        self.front = losses[non_dominated(losses)]
        self.latencies_us, self.accuracies = losses[:, 0], -losses[:, 1]

    def losses(self, rows: np.ndarray) -> np.ndarray:
        """Latency, and accuracy with its sign turned, float64 ``[count, 2]``."""
        us = self._predictor.predict_batch(rows, SPACE)
        return np.stack([us, -ACCURACY.score(rows)], axis=1)

    def igd_share(self, found: Result) -> float:
        """Judge what a search thought the front, by what it is."""
        losses = self.losses(found.evaluated.rows[found.front_places])
        return igd_share(losses[non_dominated(losses)], self.front)


def front_quality(
    predictor: LatencyPredictor, database: ScheduleDatabase, effort: Effort, notes: Console
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Search by several kinds of latency; return a row for each, and the summary."""
    start = time.perf_counter()
    predictor.learn_space(SPACE)
    looked_s = time.perf_counter() - start
    truth = Truth(predictor)
    notes.print(f"{len(truth.front)} on the true front; all blocks known after {looked_s:.0f} s")
    untuned = untuned_predictor(predictor, database)
    measure = measurer(database, predictor.target)
    guides: dict[str, Objective | str] = {
        "predictor": Objective("latency_us", lambda rows: predictor.predict_batch(rows, SPACE)),
        "multiply-adds": "multiply_adds",
        "untuned latency": Objective("untuned_us", lambda rows: untuned.predict_batch(rows, SPACE)),
    }
    rows = []
    for name, guide in guides.items():
        rows.append(_searched(name, guide, truth, effort.evaluations, effort.seeds))
        notes.print(f"searched by {name}: {rows[-1]['igd_share']:.2%} of the extent away")
    measuring = Objective(
        "measured_us",
        lambda rows: [measure(row).latency_us for row in rows],
        cost_s=5.0,
    )
    notes.print(f"searching by measuring {effort.measured} networks")
    rows.append(_searched("measuring each", measuring, truth, effort.measured, 1))
    notes.print(f"searching under {effort.constrained} limits, and measuring what is found")
    best = rows[0]
    summary = {
        "igd_share": best["igd_share"],
        "search_seconds": best["seconds"],
        "look_up_seconds": looked_s,
        **_bounded(predictor, measure, truth, effort),
        **_cosearched(untuned, measure, truth, effort.constrained),
        **{f"predictor_{k}": v for k, v in _check(predictor, measure, effort.measured).items()},
    }
    return rows, summary


def measurer(database: ScheduleDatabase, target: Any) -> Measure:
    """Make what builds an architecture with its schedules, and measures it."""
    laboratory = Laboratory(target, database)

    def measure(row: np.ndarray) -> Label:
        library = build_architecture(SPACE, SPACE.canonical(row[None])[0], database, target)
        return measure_library(library, laboratory)

    return measure


def _searched(
    name: str, guide: Objective | str, truth: Truth, evaluations: int, seeds: int
) -> dict[str, Any]:
    shares, seconds = [], []
    for seed in range(seeds):
        start = time.perf_counter()
        found = cosearch.search(SPACE, [guide, "accuracy"], budget=evaluations, seed=seed)
        seconds.append(time.perf_counter() - start)
        shares.append(truth.igd_share(found))
    return {
        "guide": name,
        "evaluations": evaluations,
        "seeds": seeds,
        "igd_share": median(shares),
        "igd_shares": shares,
        "seconds": median(seconds),
        "seconds_per_evaluation": median(seconds) / evaluations,
    }


def _bounded(
    predictor: LatencyPredictor, measure: Measure, truth: Truth, effort: Effort
) -> dict[str, Any]:
    """Search under limits at the predictor's upper bound, and measure what was found."""
    errors, over, unstable = [], 0, 0
    quantiles = np.linspace(0.1, 0.9, effort.constrained)
    for seed, limit_us in enumerate(np.quantile(truth.latencies_us, quantiles)):
        found = cosearch.search(
            SPACE,
            ["accuracy"],
            {"latency_high_us": float(limit_us)},
            predictor=predictor,
            budget=effort.evaluations // 2,
            seed=seed,
        )
        row = found.evaluated.rows[found.front_places[0]]
        label = measure(row)
        if label.unstable:  # an upper bound says nothing of the error
            unstable += 1
            continue
        over += int(label.latency_us > limit_us)
        predicted_us = predictor.predict_batch(row[None], SPACE)[0]
        errors.append(float(predicted_us / label.latency_us - 1))
    return {
        "constraints": effort.constrained,
        "constraints_unstable": unstable,
        "constraints_violated": over,
        "chosen_largest_error": float(np.abs(errors).max()),
        "chosen_errors": errors,
    }


def _cosearched(
    untuned: LatencyPredictor, measure: Measure, truth: Truth, count: int
) -> dict[str, Any]:
    """Choose the fastest network of an accuracy before and after scheduling; measure both after.

    The accuracies are those of networks along the true front.
    """
    untuned_us = untuned.predict_batch(truth.rows, SPACE)
    fastest_first = truth.front[np.argsort(truth.front[:, 0])]
    places = np.linspace(0, len(fastest_first) - 1, count).round().astype(int)
    measured_us: dict[int, float] = {}
    gains = []
    for accuracy in -fastest_first[np.unique(places), 1]:
        allowed = np.flatnonzero(truth.accuracies >= accuracy)
        pair = [int(allowed[np.argmin(us[allowed])]) for us in (untuned_us, truth.latencies_us)]
        for place in pair:
            if place not in measured_us:
                measured_us[place] = measure(truth.rows[place]).latency_us
        before, after = (measured_us[place] for place in pair)
        gains.append(before / after)
    return {
        "nasbench201_cosearch_speedup": float(gmean(gains)),
        "nasbench201_cosearch_speedups": gains,
    }


def _check(predictor: LatencyPredictor, measure: Measure, count: int) -> dict[str, float]:
    """Measure architectures at random, and compare with what is predicted."""
    rows = SPACE.canonical(SPACE.sample(count, np.random.default_rng(12345)))
    labels = [measure(row) for row in rows]
    stable = np.array([not label.unstable for label in labels])
    times_us = np.array([label.latency_us for label in labels])
    us, low_us, high_us = (values[stable] for values in predictor.interval_batch(rows, SPACE))
    found = prediction_metrics(us, times_us[stable], low_us, high_us)
    return found | {"checked": int(stable.sum()), "unstable": int((~stable).sum())}
