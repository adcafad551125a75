"""What a design really takes: the estimate of the rules, corrected by what was measured."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tvm_ffi

from cosearch.schedules.rules.design import Design, Designer
from cosearch.schedules.rules.tile import ORDERS, PADDINGS, Tiles
from cosearch.schedules.similarity import COORDINATES
from cosearch.schedules.store.errors import DamagedDataError
from cosearch.schedules.transfer.forest import load_forest

FEATURES_VERSION = 2
"""Goes up when features, or what is predicted from them, change: older models are not used."""
LEAST_RECORDS = 64
"""Records below which the rules' own estimate is taken as it is."""
_PARAMETERS = {
    "max_depth": 6,
    "eta": 0.1,
    "min_child_weight": 4,
    "subsample": 0.8,
    "colsample_bynode": 0.5,
    "tree_method": "hist",
    "nthread": 1,
    "verbosity": 0,
}
ROUNDS = 200
_RULES = ("Elementwise", "Product", "Channelwise", "Winograd")

Rows = npt.NDArray[np.float32]


def design_features(designer: Designer, designs: Sequence[Design]) -> Rows:
    """Return a row of numbers for each design of a workload.

    Parameters
    ----------
    designer : Designer
        Of the workload.
    designs : sequence of Design
        With their cycles.

    Returns
    -------
    numpy.ndarray
        float32, ``[designs, features]``: the workload's coordinates and rule, its stages, the
        machine's threads; then of the design its cycles, and of its main tile the factors, order,
        padding, unrolling and parallel tasks. Sizes are logarithms to base 2.
    """
    study, machine = designer.studies[designer.main], designer.machine
    shared = [
        *(designer.point.coordinates or [0.0] * COORDINATES),
        float(_RULES.index(type(study).__name__)),
        float(len(designer.studies)),
        float(machine.threads),
    ]
    rows = []
    for design in designs:
        tile = design.tiles[designer.main]
        tasks = int(study.tasks(Tiles.of([tile]))[0]) if tile.parallel else 1
        rows.append(
            [
                *shared,
                math.log2(design.cycles),
                math.log2(tile.cycles / design.cycles),
                math.log2(tile.height),
                math.log2(tile.rows),
                float(tile.vectors),
                math.log2(tile.lanes),
                float(tile.points * tile.vectors),
                float(ORDERS.index(tile.order)),
                float(PADDINGS.index(tile.padding)),
                float(tile.unroll),
                math.log2(tasks),
                float(-tasks % machine.threads),
            ]
        )
    return np.asarray(rows, dtype="float32").reshape(len(rows), -1)


@dataclass(frozen=True)
class Sample:
    """Measured designs of one workload.

    Attributes
    ----------
    features : numpy.ndarray
        ``[designs, features]``, see `design_features`.
    cycles : numpy.ndarray
        What the rules expected of each, in cycles.
    latencies_us : numpy.ndarray
        What each took.
    """

    features: Rows
    cycles: npt.NDArray[np.float64]
    latencies_us: npt.NDArray[np.float64]

    def at_rate(self, rate: float, other: float) -> "Sample":
        """Return what a CPU of another rate, in cycles per microsecond, would have taken."""
        return replace(self, latencies_us=self.latencies_us * (rate / other))


class DesignCost:
    """Predicts the latency of designs.

    Boosted trees on `design_features` predict the logarithm of measured time over the cycles that
    the rules count. The rules know the machine's arithmetic; the trees learn what it does not say,
    and how long a cycle is.

    Parameters
    ----------
    booster : dict
        xgboost's own JSON of the trees.

    Raises
    ------
    DamagedDataError
        When it is no such model.
    """

    def __init__(self, booster: dict[str, Any]) -> None:
        try:
            self._predict = load_forest(booster)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DamagedDataError(f"no cost model: {error}") from error
        self._booster = booster

    @classmethod
    def fit(cls, samples: Iterable[Sample], seed: int = 0) -> "DesignCost":
        """Learn from measured designs.

        Parameters
        ----------
        samples : iterable of Sample
            Of at least one workload.
        seed : int
            Of the choice of rows and features for each tree.
        """
        import xgboost as xgb

        samples = list(samples)
        features = np.concatenate([sample.features for sample in samples])
        targets = np.concatenate([np.log(s.latencies_us / s.cycles) for s in samples])
        # The best designs of a workload are those between which a choice is made.
        weights = np.concatenate([s.latencies_us.min() / s.latencies_us for s in samples]) ** 2
        data = xgb.DMatrix(features, label=targets, weight=weights)
        booster = xgb.train({**_PARAMETERS, "seed": seed}, data, num_boost_round=ROUNDS)
        return cls(json.loads(booster.save_raw("json").decode()))

    @classmethod
    def from_json(cls, text: str) -> "DesignCost":
        """Read a model back.

        Raises
        ------
        DamagedDataError
            When it is none.
        """
        try:
            return cls(json.loads(text))
        except ValueError as error:
            raise DamagedDataError(f"no cost model: {error}") from error

    def to_json(self) -> str:
        """Write the model as xgboost does."""
        return json.dumps(self._booster, separators=(",", ":"))

    def latencies_us(
        self, features: Rows, cycles: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Predict the latency of designs in microseconds.

        Parameters
        ----------
        features : numpy.ndarray
            ``[designs, features]``.
        cycles : numpy.ndarray
            What the rules expect of each.
        """
        out = np.empty(len(features))
        self._predict(tvm_ffi.from_dlpack(features), tvm_ffi.from_dlpack(out))
        return np.asarray(np.exp(out) * cycles)
