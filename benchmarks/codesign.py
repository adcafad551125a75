"""What it gains to choose architectures by the latency of their best schedules."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from scipy.stats import gmean
from supernet import hard_digits
from untuned import untuned_predictor

import cosearch
from cosearch.accuracy.supernet import (
    MBConvSupernet,
    SupernetAccuracy,
    SupernetTraining,
    TrainingPlan,
)
from cosearch.accuracy.surrogate import AccuracySurrogate
from cosearch.latency import Laboratory, LatencyPredictor
from cosearch.nas import Objective
from cosearch.nas.build_architecture import build_architecture, measure_library
from cosearch.nas.codesign import chanas
from cosearch.report.stages_bar import StagesBar
from cosearch.schedules import ScheduleDatabase
from cosearch.spaces import MBConvSpace

SPACE = MBConvSpace.small()
BASELINE = "32:k3e3-k3e3/k3e4-k3e3-k3e3/k5e3s-k5e3s-k5e3s/k3e6-k3e3-k3e3-k3e3/k5e6s-k5e6s-k5e6s"
"""Kernels, depths and squeeze-and-excitation as MobileNetV3-Large has them stage by stage (Howard
et al., ICCV 2019, table 1), as far as the space goes."""


@dataclass(frozen=True)
class Effort:
    """How much is done."""

    steps: int = 600
    pairs: int = 200
    evaluations: int = 3000
    candidates: int = 24
    """Of each front, so many architectures have their accuracy looked up and are measured."""


def supernet_accuracy(
    effort: Effort, checkpoint: Path | None, seed: int, notes: Console
) -> SupernetAccuracy:
    """Train a supernet on digits with noise, or go on with what a checkpoint holds."""
    pictures = hard_digits(SPACE.input_shape[-1], seed)
    network = MBConvSupernet(SPACE, seed)
    plan = TrainingPlan(
        steps=effort.steps, batch=32, sampling="single-path", learning_rate=0.05, seed=seed
    )
    training = SupernetTraining(network, pictures, plan)
    if checkpoint is not None and checkpoint.exists():
        training.restore(checkpoint)
    with StagesBar(notes) as bar:
        training.run(
            checkpoint, progress=lambda done, of, _: bar.show("training the supernet", done, of)
        )
    return SupernetAccuracy(network, pictures, seed)


def codesign(
    predictor: LatencyPredictor,
    database: ScheduleDatabase,
    effort: Effort,
    notes: Console,
    *,
    checkpoint: Path | None,
    seed: int,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Search by scheduled and by unscheduled latency; build and measure both with schedules.

    The surrogate of accuracy is the same for both. Compared is the fastest network that is at
    least as accurate, at each accuracy that both reach.
    """
    accuracy = supernet_accuracy(effort, checkpoint, seed, notes)
    notes.print(f"supernet trained; scoring {effort.pairs} of its networks")
    rng = np.random.default_rng(seed)
    rows = SPACE.canonical(SPACE.sample(effort.pairs, rng))
    surrogate = AccuracySurrogate.fit(SPACE, rows, accuracy.score(rows), seed)
    predictor.learn_space(SPACE)
    guides = {"scheduled": predictor, "unscheduled": untuned_predictor(predictor, database)}
    bench = _Bench(accuracy, predictor, database)
    found = {}
    for name, guide in guides.items():
        found[name] = bench.front(name, guide, surrogate, effort, seed)
        notes.print(f"{len(found[name])} networks of the front by {name} latency measured")
    speedup, at = _speedup(found["scheduled"], found["unscheduled"])
    errors = [n["predicted_us"] / n["measured_us"] - 1 for n in found["scheduled"]]
    summary = {
        "cosearch_speedup": speedup,
        "accuracies_compared": len(at),
        "chosen_median_error": float(np.median(np.abs(errors))),
        "chosen_within_5_percent": float(np.mean(np.abs(errors) <= 0.05)),
        **bench.against_torch(found["scheduled"]),
        **bench.flow(surrogate, effort, seed),
    }
    return [network for networks in found.values() for network in networks], summary


class _Bench:
    def __init__(
        self, accuracy: SupernetAccuracy, predictor: LatencyPredictor, database: ScheduleDatabase
    ) -> None:
        self._accuracy, self._predictor, self._database = accuracy, predictor, database
        self._measured: dict[str, float] = {}
        self._laboratory = Laboratory(predictor.target, database)

    def measured_us(self, row: np.ndarray) -> float:
        """Build with schedules and inherited weights, and measure, each network once."""
        name = SPACE.format(row)
        if name not in self._measured:
            network = self._accuracy.network.subnet(row)
            library = build_architecture(
                SPACE, row, self._database, self._predictor.target, network=network
            )
            self._measured[name] = measure_library(library, self._laboratory).latency_us
        return self._measured[name]

    def front(
        self,
        name: str,
        guide: LatencyPredictor,
        surrogate: AccuracySurrogate,
        effort: Effort,
        seed: int,
    ) -> list[dict[str, Any]]:
        """Search for the front by a kind of latency, and look at it in the light."""
        latency = Objective("guide_us", lambda rows: guide.predict_batch(rows, SPACE))
        found = cosearch.search(
            SPACE, [latency, "accuracy"], budget=effort.evaluations, seed=seed, accuracy=surrogate
        )
        places = found.front_places
        chosen = places[
            np.unique(np.linspace(0, len(places) - 1, effort.candidates).round().astype(int))
        ]
        rows = SPACE.canonical(found.evaluated.rows[chosen])
        return [
            {
                "guide": name,
                "architecture": SPACE.format(row),
                "accuracy": float(self._accuracy.score(row[None])[0]),
                "guide_us": float(guide.predict_batch(row[None], SPACE)[0]),
                "predicted_us": float(self._predictor.predict_batch(row[None], SPACE)[0]),
                "measured_us": self.measured_us(row),
            }
            for row in rows
        ]

    def against_torch(self, networks: list[dict[str, Any]]) -> dict[str, Any]:
        """Compare with a fixed network like MobileNetV3 that torch runs."""
        row = SPACE.parse(BASELINE)
        accuracy = float(self._accuracy.score(row[None])[0])
        network = self._accuracy.network.subnet(row).eval()
        torch.set_num_threads(self._laboratory.conditions.threads)
        x = torch.zeros(SPACE.input_shape)

        def run() -> None:
            with torch.inference_mode():
                network(x)

        for _ in range(10):
            run()
        torch_us = self._laboratory.measure(run, level="network").latency_us
        enough = [n for n in networks if n["accuracy"] >= accuracy] or networks[-1:]
        best = min(enough, key=lambda n: n["measured_us"])
        return {
            "baseline_accuracy": accuracy,
            "chosen_accuracy": best["accuracy"],
            "baseline_torch_us": torch_us,
            "baseline_scheduled_us": self.measured_us(row),
            "chosen_us": best["measured_us"],
            "vs_torch_baseline": torch_us / best["measured_us"],
        }

    def flow(self, surrogate: AccuracySurrogate, effort: Effort, seed: int) -> dict[str, Any]:
        """Run CHaNAS as a whole, under the median latency of the space; measure its answer."""
        rows = SPACE.sample(500, np.random.default_rng(seed))
        limit_us = float(np.median(self._predictor.predict_batch(rows, SPACE)))
        start = time.perf_counter()
        found = chanas(
            [(SPACE, self._accuracy)],
            limit_us,
            self._predictor,
            pairs=effort.pairs,
            budget=effort.evaluations,
            seed=seed,
            database=self._database,
        )
        seconds = time.perf_counter() - start
        us = self.measured_us(found.best.row)
        return {
            "chanas_seconds": seconds,
            "chanas_limit_us": limit_us,
            "chanas_measured_us": us,
            "chanas_predicted_us": found.best.latency_us,
            "chanas_accuracy": found.best.accuracy,
            "surrogate_spearman": found.surrogate_quality.get("spearman"),
        }


def _speedup(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> tuple[float, list[float]]:
    """Compare the fastest networks at every accuracy that both sides reach; geometric mean."""

    def fastest(networks: list[dict[str, Any]], accuracy: float) -> float:
        return min(
            (n["measured_us"] for n in networks if n["accuracy"] >= accuracy), default=np.inf
        )

    at = sorted({n["accuracy"] for n in (*ours, *theirs)})
    pairs = {a: (fastest(theirs, a), fastest(ours, a)) for a in at}
    both = {a: other / own for a, (other, own) in pairs.items() if np.isfinite(other + own)}
    return float(gmean(list(both.values()))), list(both)
