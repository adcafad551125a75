"""What kernels take inside networks, learnt from what they took there."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tvm_ffi

from cosearch.latency.cache_curve import CALLS, COLUMNS, FOOTPRINT, STEADY, WEIGHTS, Values
from cosearch.latency.composition import Composition
from cosearch.latency.cost_line import CostLine
from cosearch.latency.observation import Observation
from cosearch.latency.outlook import Outlook
from cosearch.schedules.transfer.forest import load_forest

_PARAMETERS = {
    "max_depth": 3,
    "eta": 0.08,
    "min_child_weight": 3,
    "subsample": 0.8,
    "colsample_bynode": 0.5,
    "lambda": 2.0,
    "tree_method": "hist",
    "nthread": 1,
    "verbosity": 0,
}
ROUNDS = 100
LEAST_KERNELS = 24
"""Labelled kernels below which no trees are learnt."""
STRANGE = 0.5
"""How much of the trees' correction holds for kernels of a kind that was never measured."""
LEAST_STEADY = 0.1
"""Share of a kernel's latency, at least, that it takes in any network."""


class KernelModel:
    """Predicts what kernels cost inside networks.

    A workload that was measured takes what it took, the median over the networks in which it stood,
    less what their caches cost it and more what the caches of the network in question do. Others
    take what their schedule promises (`Outlook.base_us`) and their weights, each times a factor of
    their kind (`CostLine`); boosted trees correct that by the features of the scheduled kernel. The
    line holds for kernels unlike all others, where trees are of little use.

    Parameters
    ----------
    table_us : mapping of str to float
        What the workloads that were measured take in any network, in microseconds.
    line : CostLine
        What others cost.
    booster : dict, optional
        xgboost's own JSON of the trees.
    device : mapping of str to float, optional
        How many times as long kernels of each kind take on another device; ``""`` is for all kinds
        that are not named.
    """

    def __init__(
        self,
        table_us: Mapping[str, float],
        line: CostLine,
        booster: dict[str, Any] | None = None,
        device: Mapping[str, float] | None = None,
    ) -> None:
        self.table_us = dict(table_us)
        self.line = line
        self.booster = booster
        self.device = dict(device or {})
        self._predict = None if booster is None else load_forest(booster)

    @classmethod
    def fit(cls, seen: Sequence[Observation], seed: int = 0) -> "KernelModel":
        """Learn from kernels that were measured inside networks.

        Parameters
        ----------
        seen : sequence of Observation
            At least one.
        seed : int
            Of the choice of rows and features for each tree.

        Raises
        ------
        ValueError
            When there is none.
        """
        if not seen:
            raise ValueError("no kernel was observed: there is nothing to learn from")
        line = CostLine.fit(seen)
        costs = line.costs([one.outlook for one in seen])
        costs[:, FOOTPRINT] = [one.footprint_kb for one in seen]
        expected_us = line.caches.latency_us(costs)
        places: dict[str, list[int]] = defaultdict(list)
        for place, one in enumerate(seen):
            places[one.workload].append(place)
        measured = np.array([one.latency_us for one in seen])
        steady_us = np.maximum(measured - (expected_us - costs[:, STEADY]), LEAST_STEADY * measured)
        table_us = {workload: float(np.median(steady_us[own])) for workload, own in places.items()}
        booster = None
        if len(table_us) >= LEAST_KERNELS:
            means_us = np.array([measured[own].mean() for own in places.values()])
            guesses_us = np.array([expected_us[own].mean() for own in places.values()])
            rows = np.array([seen[own[0]].outlook.row for own in places.values()], "float32")
            booster = _train(rows, np.log(means_us / guesses_us), _importance(means_us), seed)
        return cls(table_us, line, booster)

    def costs(self, workloads: Sequence[str], outlooks: Sequence[Outlook]) -> Values:
        """Predict the costs of one call of each kernel.

        Returns
        -------
        numpy.ndarray
            float64 ``[kernels, 4]``, see `cosearch.latency.cache_curve.COLUMNS`.
        """
        if not outlooks:
            return np.empty((0, len(COLUMNS)))
        found = self.line.costs(outlooks)
        known = [workload in self.table_us for workload in workloads]
        factors = self._factors(outlooks)
        if self._predict is not None:
            factors *= np.where(known, 1.0, self._correction(outlooks))
        found[known, STEADY] = [self.table_us[w] for w in workloads if w in self.table_us]
        found[:, [STEADY, WEIGHTS, CALLS]] *= factors[:, None]
        return found

    def latencies_us(self, kernels: Composition) -> Values:
        """Predict one call of each kernel of a network that has no others.

        Returns
        -------
        numpy.ndarray
            float64 ``[kernels]``, microseconds.
        """
        costs = self.costs(kernels.workloads, kernels.outlooks)
        costs[:, FOOTPRINT] = kernels.calls @ costs[:, FOOTPRINT]
        return self.line.caches.latency_us(costs)

    def on_device(self, device: Mapping[str, float]) -> "KernelModel":
        """Return the model of another device, by what its kinds of kernels take there."""
        return KernelModel(self.table_us, self.line, self.booster, device)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON's types."""
        return {
            "table_us": self.table_us,
            "line": self.line.to_json(),
            "booster": self.booster,
            "device": self.device,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "KernelModel":
        """Make a model of what `to_json` returned.

        Raises
        ------
        AttributeError, KeyError, TypeError, ValueError, IndexError
            When it is none.
        """
        table_us, device = (
            {str(key): float(value) for key, value in data[name].items()}
            for name in ("table_us", "device")
        )
        return cls(table_us, CostLine.from_json(data["line"]), data["booster"], device)

    def _factors(self, outlooks: Sequence[Outlook]) -> Values:
        """Return how many times as long the device takes."""
        other = self.device.get("", 1.0)
        return np.array([self.device.get(outlook.kind, other) for outlook in outlooks])

    def _correction(self, outlooks: Sequence[Outlook]) -> Values:
        """Return what the trees make of kernels, as factors."""
        rows = np.array([outlook.row for outlook in outlooks], "float32")
        out = np.empty(len(rows))
        assert self._predict is not None
        self._predict(tvm_ffi.from_dlpack(rows), tvm_ffi.from_dlpack(out))
        familiar = [1.0 if outlook.kind in self.line.kinds else STRANGE for outlook in outlooks]
        return np.asarray(np.exp(out * np.array(familiar)))


def _importance(measured_us: Values) -> Values:
    """Weigh kernels: errors of those that take long are those that count."""
    importance = np.sqrt(measured_us)
    return np.asarray(importance / importance.mean())


def _train(
    rows: npt.NDArray[np.float32],
    targets: Values,
    weights: Values,
    seed: int,
) -> dict[str, Any]:
    import xgboost as xgb

    data = xgb.DMatrix(rows, label=targets, weight=weights)
    booster = xgb.train({**_PARAMETERS, "seed": seed}, data, num_boost_round=ROUNDS)
    found: dict[str, Any] = json.loads(booster.save_raw("json").decode())
    return found
