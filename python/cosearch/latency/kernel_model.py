"""What kernels take inside networks, learnt from what they took there."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tvm_ffi
from scipy.optimize import nnls

from cosearch.latency.network_model import Values
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
SHORT_US = 1.0
"""Errors of kernels that are shorter count as if they took so long."""


@dataclass(frozen=True)
class Observation:
    """A kernel that was measured inside a network.

    Attributes
    ----------
    workload : str
        Shape-aware signature.
    network : str
        Digest of the network in which it stood.
    latency_us : float
        Of one call there.
    outlook : Outlook
        What was known before.
    """

    workload: str
    network: str
    latency_us: float
    outlook: Outlook


LINE = 5
"""Coefficients of the linear part: of the promise, of a call, and of a thousand bytes each of
weights, of other inputs and of output."""
KIND_PRIOR = 8.0
"""Labelled kernels of a kind that make half of its own factor believed."""
ALTERNATIONS = 3
"""How often the line and the factors of kinds are fitted, each with the other."""
LEAST_US = 0.05
"""No call is shorter."""


class KernelModel:
    """Predicts the latency of kernels inside networks.

    A workload that was measured takes what it took, the geometric mean over the networks in which
    it stood. Others take what their schedule promises (`Outlook.base_us`) times a factor, a time
    for the call, and one for each byte that comes from afar: weights, which were seen a whole run
    ago, inputs and outputs. Each kind of main nest has a factor of its own, drawn to 1 where few
    kernels tell. Boosted trees correct that by the features of the scheduled kernel; line and
    factors hold for kernels unlike all others, where trees are of little use.

    Parameters
    ----------
    table_us : mapping of str to float
        Latency of the workloads that were measured.
    line : sequence of float
        What a promised microsecond, a call, and a thousand bytes of weights, inputs and output take
        in microseconds.
    booster : dict, optional
        xgboost's own JSON of the trees.
    kinds : mapping of str to float
        Factors of the kinds of main nests that were measured.
    device : mapping of str to float, optional
        How many times as long kernels of each kind take on another device; ``""`` is for all kinds
        that are not named.
    """

    def __init__(
        self,
        table_us: Mapping[str, float],
        line: Sequence[float],
        booster: dict[str, Any] | None,
        kinds: Mapping[str, float],
        device: Mapping[str, float] | None = None,
    ) -> None:
        self.table_us = dict(table_us)
        self.line = np.asarray(line, "float64")
        if self.line.shape != (LINE,):
            raise ValueError(f"a line has {LINE} coefficients")
        self.booster = booster
        self.kinds = dict(kinds)
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
        times: dict[str, list[float]] = defaultdict(list)
        for observation in seen:
            times[observation.workload].append(math.log(observation.latency_us))
        table_us = {workload: math.exp(float(np.mean(logs))) for workload, logs in times.items()}
        outlooks = {observation.workload: observation.outlook for observation in seen}
        measured, own = np.array(list(table_us.values())), [outlooks[w] for w in table_us]
        line, kinds = _fit_line(own, measured)
        booster = None
        if len(table_us) >= LEAST_KERNELS:
            rows = np.array([outlook.row for outlook in own], "float32")
            targets = np.log(measured / _by_line(own, line, kinds))
            booster = _train(rows, targets, _importance(measured), seed)
        return cls(table_us, line.tolist(), booster, kinds)

    def latencies_us(self, workloads: Sequence[str], outlooks: Sequence[Outlook]) -> Values:
        """Predict the latency of one call of each kernel, in microseconds."""
        if not outlooks:
            return np.empty(0)
        predicted = _by_line(outlooks, self.line, self.kinds)
        if self._predict is not None:
            rows = np.array([outlook.row for outlook in outlooks], "float32")
            out = np.empty(len(rows))
            self._predict(tvm_ffi.from_dlpack(rows), tvm_ffi.from_dlpack(out))
            familiar = [1.0 if outlook.kind in self.kinds else STRANGE for outlook in outlooks]
            predicted = predicted * np.exp(out * np.array(familiar))
        known = [self.table_us.get(workload, math.nan) for workload in workloads]
        other = self.device.get("", 1.0)
        device = np.array([self.device.get(outlook.kind, other) for outlook in outlooks])
        return np.asarray(np.where(np.isnan(known), predicted, known) * device)

    def on_device(self, device: Mapping[str, float]) -> "KernelModel":
        """Return the model of another device, by what its kinds of kernels take there."""
        return KernelModel(self.table_us, self.line.tolist(), self.booster, self.kinds, device)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON's types."""
        return {
            "table_us": self.table_us,
            "line": self.line.tolist(),
            "booster": self.booster,
            "kinds": self.kinds,
            "device": self.device,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "KernelModel":
        """Make a model of what `to_json` returned.

        Raises
        ------
        KeyError, TypeError, ValueError, IndexError
            When it is none.
        """
        table_us = {str(key): float(value) for key, value in data["table_us"].items()}
        kinds, device = (
            {str(kind): float(factor) for kind, factor in data[name].items()}
            for name in ("kinds", "device")
        )
        return cls(table_us, data["line"], data["booster"], kinds, device)


def _basis(outlooks: Sequence[Outlook]) -> Values:
    """Return what the linear part adds up, float64 ``[kernels, 5]``."""
    rows = [[o.base_us, 1.0, *(moved / 1e3 for moved in o.moved_bytes)] for o in outlooks]
    return np.array(rows, "float64").reshape(-1, LINE)


def _by_line(outlooks: Sequence[Outlook], line: Values, kinds: Mapping[str, float]) -> Values:
    factors = np.array([kinds.get(outlook.kind, 1.0) for outlook in outlooks])
    return np.asarray(np.maximum(_basis(outlooks) @ line * factors, LEAST_US))


def _importance(measured_us: Values) -> Values:
    """Weigh kernels: errors of those that take long are those that count."""
    importance = np.sqrt(measured_us)
    return np.asarray(importance / importance.mean())


def _fit_line(outlooks: Sequence[Outlook], measured_us: Values) -> tuple[Values, dict[str, float]]:
    """Fit the line and the factors of kinds in turns."""
    basis, weights = _basis(outlooks), 1.0 / (measured_us + SHORT_US)
    members: dict[str, list[int]] = defaultdict(list)
    for place, outlook in enumerate(outlooks):
        members[outlook.kind].append(place)
    kinds = dict.fromkeys(sorted(members), 1.0)
    importance = _importance(measured_us)
    line = np.zeros(LINE)
    for _ in range(ALTERNATIONS):
        factors = np.array([kinds[outlook.kind] for outlook in outlooks])
        line, _ = nnls(basis * (factors * weights)[:, None], measured_us * weights)
        ratios = np.log(measured_us / np.maximum(basis @ line, LEAST_US))
        for kind in kinds:
            own = members[kind]
            mean = float(np.average(ratios[own], weights=importance[own]))
            kinds[kind] = math.exp(mean * len(own) / (len(own) + KIND_PRIOR))
    return line, kinds


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
