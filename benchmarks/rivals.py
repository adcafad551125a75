"""Other ways to predict the latency of a network, from the same labels."""

import math
from collections import defaultdict
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from cosearch.latency.composition import Composition
from cosearch.latency.dataset import Dataset
from cosearch.latency.outlook import DESIGN_FEATURES, Outlook

COORDINATES = 14
"""Features of a kernel before any schedule: see `describe_workload`."""
FLOPS = DESIGN_FEATURES + 2
"""Place of the logarithm of its operations; behind it those of its arguments' bytes."""
Values = npt.NDArray[np.float64]


class Rival(Protocol):
    """Predicts latencies of networks, in microseconds."""

    def predict(self, compositions: tuple[Composition, ...]) -> Values:
        """Return float64 ``[networks]``."""


class ByFlops:
    """A line through operations and latency, on logarithmic scales."""

    def __init__(self, data: Dataset) -> None:
        x = np.log([flops(c) for c in data.compositions])
        self._line = np.polyfit(x, np.log(data.measured_us), 1)

    def predict(self, compositions: tuple[Composition, ...]) -> Values:
        """See `Rival`."""
        return np.exp(np.polyval(self._line, np.log([flops(c) for c in compositions])))


class ByTable:
    """A look-up table of operators; one that is missing takes its kind's time for an operation."""

    def __init__(self, data: Dataset) -> None:
        times: dict[str, list[float]] = defaultdict(list)
        rates: dict[str, list[float]] = defaultdict(list)
        for seen in data.observations:
            times[seen.workload].append(seen.latency_us)
            rates[seen.outlook.kind].append(seen.latency_us / work(seen.outlook))
        self._times = {workload: float(np.mean(found)) for workload, found in times.items()}
        self._rates = {kind: float(np.median(found)) for kind, found in rates.items()}
        self._rate = float(np.median(list(self._rates.values())))

    def predict(self, compositions: tuple[Composition, ...]) -> Values:
        """See `Rival`."""
        return np.array([self._sum(composition) for composition in compositions])

    def _sum(self, found: Composition) -> float:
        total = 0.0
        for workload, calls, outlook in zip(
            found.workloads, found.calls, found.outlooks, strict=True
        ):
            guess = self._rates.get(outlook.kind, self._rate) * work(outlook)
            total += calls * self._times.get(workload, guess)
        return total


class ByKernelShapes:
    """A regression for each kind of kernel on its shape, as nn-Meter's; no schedule is known."""

    def __init__(self, data: Dataset) -> None:
        rows: dict[str, list[list[float]]] = defaultdict(list)
        times: dict[str, list[float]] = defaultdict(list)
        for seen in data.observations:
            for kind in (seen.outlook.kind, ""):
                rows[kind].append(shape_features(seen.outlook))
                times[kind].append(math.log(seen.latency_us))
        self._models: dict[str, Any] = {}
        for kind, own in rows.items():
            if len(own) >= 20:
                model = xgb.XGBRegressor(n_estimators=200, max_depth=6, n_jobs=1, random_state=0)
                self._models[kind] = model.fit(np.array(own), np.array(times[kind]))

    def predict(self, compositions: tuple[Composition, ...]) -> Values:
        """See `Rival`."""
        totals = np.zeros(len(compositions))
        wanted: dict[str, list[tuple[int, float, list[float]]]] = defaultdict(list)
        for place, found in enumerate(compositions):
            for calls, outlook in zip(found.calls, found.outlooks, strict=True):
                kind = outlook.kind if outlook.kind in self._models else ""
                wanted[kind].append((place, float(calls), shape_features(outlook)))
        for kind, kernels in wanted.items():
            times = np.exp(self._models[kind].predict(np.array([row for *_, row in kernels])))
            for (place, calls, _), time_us in zip(kernels, times, strict=True):
                totals[place] += calls * float(time_us)
        return totals


RIVALS = {"flops": ByFlops, "operator table": ByTable, "kernel shapes": ByKernelShapes}


def work(outlook: Outlook) -> float:
    """Operations of a kernel, or bytes where it has fewer."""
    return float(2.0 ** max(outlook.row[FLOPS], outlook.row[FLOPS + 1]))


def flops(found: Composition) -> float:
    """Operations of a network."""
    each = [2.0 ** outlook.row[FLOPS] for outlook in found.outlooks]
    return float(np.dot(each, found.calls))


def shape_features(outlook: Outlook) -> list[float]:
    """Return what is known of a kernel without its schedule."""
    return [*outlook.row[:COORDINATES], *outlook.row[FLOPS:]]
