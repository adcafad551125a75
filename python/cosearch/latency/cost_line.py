"""What kernels cost by what their schedules promise: the part that holds for any kernel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import nnls

from cosearch.latency.cache_curve import (
    CALLS,
    COLUMNS,
    FOOTPRINT,
    KNOTS_KB,
    STEADY,
    WEIGHTS,
    CacheCurve,
    Values,
    knot_steps,
)
from cosearch.latency.observation import Observation
from cosearch.latency.outlook import Outlook

NOISE, SPREAD = 0.03, 0.2
"""Relative errors as a rule: of a measurement, and of a promise."""
SHORT_US = 1.0
"""Errors of kernels that are shorter count as if they took so long."""
PROMISE_PRIOR = 1.0, 0.2
WEIGHTS_PRIOR = (0.0, 0.01), (0.01, 0.01)
CALLS_PRIOR = (0.0, 0.3), (0.2, 0.3)
"""What coefficients are as a rule and how far from that, where few networks tell: of the promise, a
thousand bytes of weights and a call, of the latter at the first knot and for each step from there.
Cores read some thirty bytes a nanosecond from the caches that they share."""
KIND_SPREAD = 0.15, 0.7
"""How far the kinds' own factors are from 1 as a rule: of promises, and of weights."""
LEAST_FACTOR, MOST_FACTOR = 0.3, 3.0
ALTERNATIONS = 6
"""How often the line and the factors of kinds are fitted, each with the other."""


@dataclass(frozen=True)
class CostLine:
    """The costs of kernels by their promises, weights and kinds.

    Attributes
    ----------
    promise : float
        What a microsecond that a schedule promises takes.
    caches : CacheCurve
        What weights and calls take beyond that.
    kinds : mapping of str to (float, float)
        Factors of promises and of weights, by kinds of main nests that were measured.
    """

    promise: float = 1.0
    caches: CacheCurve = field(default_factory=CacheCurve)
    kinds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def fit(cls, seen: Sequence[Observation]) -> "CostLine":
        """Learn from kernels that were measured inside networks.

        How much a kernel differs between networks tells of the caches; how it differs from its
        promise tells as much as one measurement of it. Hence the observations of a workload are
        taken as differences from their mean, but for the part of it that counts (the random effects
        model: Fuller and Battese, JASA 1973). Coefficients and the factors of kinds are fitted in
        turns, both drawn to what they are as a rule.
        """
        panel = _Panel(seen)
        steps = knot_steps([one.footprint_kb for one in seen])
        promised = np.array([one.outlook.base_us for one in seen])
        weights = steps * np.array([[one.outlook.weights_kb] for one in seen])
        names, kind = np.unique([one.outlook.kind for one in seen], return_inverse=True)
        factors = np.ones((len(names), 2))
        measured = panel.whiten([one.latency_us for one in seen])
        calls = panel.whiten(steps)
        usual, spread = np.array(
            [PROMISE_PRIOR, *_of_steps(*WEIGHTS_PRIOR), *_of_steps(*CALLS_PRIOR)]
        ).T
        for _ in range(ALTERNATIONS):
            by_promise, by_weights = factors[kind].T
            parts = np.column_stack([promised * by_promise, weights * by_weights[:, None]])
            basis = np.concatenate([panel.whiten(parts), calls], axis=1)
            found = _ridge(basis, measured, usual, spread)
            promise, for_weights, for_calls = np.split(found, [1, 1 + len(KNOTS_KB)])
            parts = panel.whiten(np.column_stack([promised * promise, weights @ for_weights]))
            rest = measured - calls @ for_calls
            for place in range(len(names)):
                rows = kind == place
                own = _ridge(parts[rows], rest[rows], np.ones(2), np.array(KIND_SPREAD))
                factors[place] = np.clip(own, LEAST_FACTOR, MOST_FACTOR)
        curve = (tuple(np.cumsum(of).tolist()) for of in (for_weights, for_calls))
        kinds = dict(zip(names.tolist(), map(tuple, factors.tolist()), strict=True))
        return cls(float(promise[0]), CacheCurve(*curve), kinds)

    def costs(self, outlooks: Sequence[Outlook]) -> Values:
        """Return the costs of one call of each kernel, float64 ``[kernels, 4]``; see `COLUMNS`."""
        found = np.empty((len(outlooks), len(COLUMNS)))
        for row, outlook in zip(found, outlooks, strict=True):
            promise, weights = self.kinds.get(outlook.kind, (1.0, 1.0))
            row[STEADY] = promise * self.promise * outlook.base_us
            row[WEIGHTS] = weights * outlook.weights_kb
            row[CALLS] = 1.0
            row[FOOTPRINT] = outlook.weights_kb
        return found

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON's types."""
        return {"promise": self.promise, **self.caches.to_json(), "kinds": dict(self.kinds)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "CostLine":
        """Make a line of what `to_json` returned.

        Raises
        ------
        AttributeError, KeyError, TypeError, ValueError
            When it is none.
        """
        kinds = {
            str(kind): (float(promise), float(weights))
            for kind, (promise, weights) in data["kinds"].items()
        }
        return cls(float(data["promise"]), CacheCurve.from_json(data), kinds)


class _Panel:
    """Observations by workloads, and how they are made independent of each other."""

    def __init__(self, seen: Sequence[Observation]) -> None:
        _, self._workload, count = np.unique(
            [one.workload for one in seen], return_inverse=True, return_counts=True
        )
        self._count = count.astype("float64")
        mean_us = self._mean(np.array([one.latency_us for one in seen]))
        self._unit = 1.0 / (NOISE * (mean_us + SHORT_US))[self._workload]
        self._share = 1.0 - NOISE / np.sqrt(NOISE**2 + self._count * SPREAD**2)

    def _mean(self, values: Values) -> Values:
        return np.asarray(np.bincount(self._workload, values, len(self._count)) / self._count)

    def whiten(self, values: Any) -> Values:
        """Return values ``[observations]`` or ``[observations, columns]`` in units of the noise."""
        own = np.asarray(values, "float64")
        if own.ndim == 1:
            less = (self._share * self._mean(own))[self._workload]
            return np.asarray((own - less) * self._unit)
        return np.stack([self.whiten(column) for column in own.T], axis=1)


def _of_steps(first: tuple[float, float], each: tuple[float, float]) -> list[tuple[float, float]]:
    return [first, *[each] * (len(KNOTS_KB) - 1)]


def _ridge(basis: Values, target: Values, usual: Values, spread: Values) -> Values:
    """Solve least squares for coefficients that are not negative, drawn to what is usual."""
    found, _ = nnls(
        np.concatenate([basis, np.diag(1.0 / spread)]), np.concatenate([target, usual / spread])
    )
    return np.asarray(found)
