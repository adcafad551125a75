"""The objectives that a search knows by name, and how to make a problem of what a user names."""

from collections.abc import Mapping, Sequence
from typing import Any

from cosearch.accuracy.estimator import AccuracyEstimator
from cosearch.latency.predictor import LatencyPredictor
from cosearch.nas.objective import Objective
from cosearch.nas.problem import Problem
from cosearch.spaces.nasbench201 import NASBench201Space
from cosearch.spaces.space import Space

Bounds = Mapping[str, float] | Mapping[Objective, float] | Mapping[str | Objective, float]
LATENCIES = ("latency_us", "latency_high_us")
NAMES = (*LATENCIES, "accuracy", "parameters", "multiply_adds")
"""What `make_problem` knows by name."""


def asks_latency(objectives: Sequence[Any], constraints: Mapping[Any, float] | None) -> bool:
    """Say whether a predictor of latency is needed: parameters as for `make_problem`."""
    return any(
        isinstance(one, str) and one in LATENCIES for one in (*objectives, *(constraints or ()))
    )


def make_problem(
    space: Space,
    objectives: Sequence[str | Objective | AccuracyEstimator],
    constraints: Bounds | None,
    *,
    accuracy: AccuracyEstimator | None = None,
    predictor: LatencyPredictor | None = None,
) -> Problem:
    """Make a problem of names, objectives and estimators; see `cosearch.nas.search`.

    Parameters
    ----------
    space : Space
        Where to search.
    objectives : sequence of str, Objective or AccuracyEstimator
        What to search for; an estimator is the objective ``"accuracy"``.
    constraints : mapping of str or Objective to float, optional
        Bounds; a name is that of an objective, or one of `NAMES`.
    accuracy : AccuracyEstimator, optional
        What ``"accuracy"`` means.
    predictor : LatencyPredictor, optional
        Of latency; needed where `asks_latency`.

    Raises
    ------
    ValueError
        When a name is not known, or there is no estimator of accuracy for the space.
    """

    def resolved(one: str | Objective | AccuracyEstimator) -> Objective:
        if isinstance(one, Objective):
            return one
        if not isinstance(one, str):
            return accuracy_objective(one)
        if one in LATENCIES and predictor is not None:
            return _latency(one, predictor, space)
        if one == "accuracy":
            return accuracy_objective(accuracy or _default_accuracy(space))
        if one in ("parameters", "multiply_adds"):
            return Objective(one, getattr(space, one))
        raise ValueError(
            f"unknown objective {one!r}; known are {', '.join(NAMES)}, and any "
            "cosearch.nas.Objective of your own"
        )

    if isinstance(objectives, str):
        raise ValueError(f"objectives are a list: write [{objectives!r}]")
    found = [resolved(one) for one in objectives]
    own = {objective.name: objective for objective in found}
    bounds = {
        own[name] if name in own else resolved(name): bound
        for name, bound in (constraints or {}).items()
    }
    return Problem(space, found, bounds)


def accuracy_objective(estimator: AccuracyEstimator) -> Objective:
    """Make the objective ``"accuracy"`` of an estimator.

    Raises
    ------
    ValueError
        When it is none.
    """
    if not callable(getattr(estimator, "score", None)):
        raise ValueError(
            f"{estimator!r} is no objective: give a name, a cosearch.nas.Objective, or an "
            "estimator of accuracy with a method score"
        )
    return Objective(
        "accuracy",
        estimator.score,
        higher_is_better=True,
        unit=estimator.unit,
        cost_s=estimator.cost_s,
        by_encoding=getattr(estimator, "by_encoding", False),
    )


def _latency(name: str, predictor: LatencyPredictor, space: Space) -> Objective:
    def middle(rows: Any) -> Any:
        return predictor.predict_batch(rows, space)

    def high(rows: Any) -> Any:
        return predictor.interval_batch(rows, space)[2]

    return Objective(name, middle if name == "latency_us" else high, unit="µs")


def _default_accuracy(space: Space) -> AccuracyEstimator:
    if isinstance(space, NASBench201Space):
        from cosearch.accuracy.nasbench201_table import NASBench201Accuracy

        return NASBench201Accuracy()
    raise ValueError(
        f"there is no table of accuracies for {space.name}: pass accuracy=, such as GenNAS, a "
        "supernet or a surrogate (see cosearch.accuracy)"
    )
