"""Optuna drives the search; the space says what can be chosen, the predictor how fast it is.

pip install optuna
cosearch measure MODEL ... && cosearch latency fit        # once
python examples/optuna_search.py
"""

import numpy as np
import optuna

from cosearch import LatencyPredictor
from cosearch.accuracy.estimator import AccuracyEstimator
from cosearch.accuracy.nasbench201_table import NASBench201Accuracy
from cosearch.spaces import NASBench201Space, Space


def search(
    space: Space,
    predictor: LatencyPredictor,
    accuracy: AccuracyEstimator,
    trials: int = 300,
    seed: int = 0,
) -> list[tuple[str, list[float]]]:
    """Return pairs of an architecture and (microseconds, accuracy) that nothing dominates."""

    def objectives(trial: optuna.Trial) -> tuple[float, float]:
        row = [trial.suggest_int(f"p{i}", 0, n - 1) for i, n in enumerate(space.choices)]
        trial.set_user_attr("architecture", space.format(row))
        rows = np.array([row])
        return predictor.predict_batch(rows, space)[0], accuracy.score(rows)[0]

    sampler = optuna.samplers.NSGAIISampler(seed=seed)
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
    study.optimize(objectives, n_trials=trials)
    return [(trial.user_attrs["architecture"], trial.values) for trial in study.best_trials]


if __name__ == "__main__":
    front = search(NASBench201Space(), LatencyPredictor.load(), NASBench201Accuracy())
    for architecture, (latency_us, percent) in sorted(front, key=lambda pair: pair[1][0]):
        print(f"{latency_us:8.1f} µs  {percent:.2f} %  {architecture}")
