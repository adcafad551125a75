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

from cosearch.latency.outlook import Outlook
from cosearch.schedules.transfer.forest import load_forest

_PARAMETERS = {
    "max_depth": 4,
    "eta": 0.08,
    "min_child_weight": 3,
    "subsample": 0.8,
    "colsample_bynode": 0.5,
    "lambda": 2.0,
    "tree_method": "hist",
    "nthread": 1,
    "verbosity": 0,
}
ROUNDS = 200
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


LINE = 2
"""Coefficients of the linear part."""
LEAST_US = 0.05
"""No call is shorter."""


class KernelModel:
    """Predicts the latency of kernels inside networks.

    A workload that was measured takes what it took, the geometric mean over the networks in which
    it stood. Others take what their schedule promises (`Outlook.base_us`) times a factor, and a
    time for the call. Boosted trees correct that, for caches that are cold, or still warm from the
    kernel before; the line holds for kernels unlike all others, where trees are of little use.

    Parameters
    ----------
    table_us : mapping of str to float
        Latency of the workloads that were measured.
    line : sequence of float
        What a promised microsecond, and a call, take in microseconds.
    booster : dict, optional
        xgboost's own JSON of the trees.
    kinds : sequence of str
        Kinds of main nests that were measured.
    """

    def __init__(
        self,
        table_us: Mapping[str, float],
        line: Sequence[float],
        booster: dict[str, Any] | None,
        kinds: Sequence[str],
    ) -> None:
        self.table_us = dict(table_us)
        self.line = np.asarray(line, "float64")
        if self.line.shape != (LINE,):
            raise ValueError(f"a line has {LINE} coefficients")
        self.booster = booster
        self.kinds = frozenset(kinds)
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
        measured = np.array(list(table_us.values()))
        basis = _basis([outlooks[workload] for workload in table_us])
        weights = 1.0 / (measured + SHORT_US)
        line, _ = nnls(basis * weights[:, None], measured * weights)
        booster = None
        if len(table_us) >= LEAST_KERNELS:
            rows = np.array([outlooks[workload].row for workload in table_us], "float32")
            # Errors of kernels that take long are those that count.
            importance = np.sqrt(measured)
            targets = np.log(measured / np.maximum(basis @ line, LEAST_US))
            booster = _train(rows, targets, importance / importance.mean(), seed)
        return cls(table_us, line.tolist(), booster, sorted({o.kind for o in outlooks.values()}))

    def latencies_us(
        self, workloads: Sequence[str], outlooks: Sequence[Outlook]
    ) -> npt.NDArray[np.float64]:
        """Predict the latency of one call of each kernel, in microseconds."""
        if not outlooks:
            return np.empty(0)
        predicted = np.maximum(_basis(outlooks) @ self.line, LEAST_US)
        if self._predict is not None:
            rows = np.array([outlook.row for outlook in outlooks], "float32")
            out = np.empty(len(rows))
            self._predict(tvm_ffi.from_dlpack(rows), tvm_ffi.from_dlpack(out))
            familiar = [1.0 if outlook.kind in self.kinds else STRANGE for outlook in outlooks]
            predicted = predicted * np.exp(out * np.array(familiar))
        known = [self.table_us.get(workload, math.nan) for workload in workloads]
        return np.where(np.isnan(known), predicted, known)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON's types."""
        return {
            "table_us": self.table_us,
            "line": self.line.tolist(),
            "booster": self.booster,
            "kinds": sorted(self.kinds),
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
        return cls(table_us, data["line"], data["booster"], data["kinds"])


def _basis(outlooks: Sequence[Outlook]) -> npt.NDArray[np.float64]:
    """Return what the linear part adds up, float64 ``[kernels, 2]``."""
    rows = [[outlook.base_us, 1.0] for outlook in outlooks]
    return np.array(rows, "float64").reshape(-1, LINE)


def _train(
    rows: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    seed: int,
) -> dict[str, Any]:
    import xgboost as xgb

    data = xgb.DMatrix(rows, label=targets, weight=weights)
    booster = xgb.train({**_PARAMETERS, "seed": seed}, data, num_boost_round=ROUNDS)
    found: dict[str, Any] = json.loads(booster.save_raw("json").decode())
    return found
