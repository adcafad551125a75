"""Generate networks, optimise them through the database, and chart what that changes."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau
from tvm.target import Target

from cosearch.accuracy.estimator import AccuracyEstimator, score_each
from cosearch.latency.laboratory import Laboratory
from cosearch.nas.build_architecture import build_architecture, measure_library
from cosearch.nas.history import StageProgress
from cosearch.nas.journal import Journal, search_header
from cosearch.report.optimisation_charts import OptimisedNetwork, optimisation_charts
from cosearch.report.pareto_chart import Axis, Chart
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.target import resolve_target
from cosearch.spaces.space import Integers, Space
from cosearch.timing.time_calls import BUDGET_S

DRAWS = 2000
FEWEST = 3


@dataclass(frozen=True)
class Hypothesis:
    """Whether the network that is fastest before its optimisation is not fastest after it.

    Attributes
    ----------
    differs : bool
        For all networks together.
    share : float
        For subsets of half of them, drawn at random: how often.
    kendall_tau : float
        Rank correlation of the latencies before and after.
    """

    differs: bool
    share: float
    kendall_tau: float


@dataclass(frozen=True)
class ChartFlow:
    """What `chart_flow` found.

    Attributes
    ----------
    networks : tuple of OptimisedNetwork
        Those generated, the best by the generator first.
    rows : numpy.ndarray
        Their architectures, int64 ``[networks, positions]``.
    scores : numpy.ndarray
        What the generator gave each, float64 ``[networks]``.
    hypothesis : Hypothesis
        See there.
    accuracy : Axis
        What the networks' accuracies are.
    """

    networks: tuple[OptimisedNetwork, ...]
    rows: Integers
    scores: np.ndarray
    hypothesis: Hypothesis
    accuracy: Axis

    @property
    def mean_speed_up(self) -> float:
        """Arithmetic mean over the networks, as the papers give it."""
        return float(np.mean([network.speed_up for network in self.networks]))

    def charts(self) -> tuple[Chart, ...]:
        """Draw up the charts; see `cosearch.report.optimisation_charts`."""
        return optimisation_charts(self.networks, self.accuracy)


def chart_flow(
    space: Space,
    generator: AccuracyEstimator,
    *,
    count: int = 16,
    candidates: int = 100,
    accuracy: AccuracyEstimator | None = None,
    database: ScheduleDatabase | None = None,
    target: Any = None,
    seconds: float = 0.0,
    budget_s: float = BUDGET_S,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: StageProgress | None = None,
) -> ChartFlow:
    """Generate the best networks by a proxy, optimise and measure each, and compare.

    The flow of Shah and Hao, "Neural Architecture and Implementation Search": GenNAS generates, a
    tensor compiler optimises, and charts show latency before and after against accuracy. There the
    compiler searched for schedules for hours; here the database has them. Before is TVM's default
    lowering.

    Parameters
    ----------
    space : Space
        Where networks are drawn from.
    generator : AccuracyEstimator
        Ranks them, such as `cosearch.accuracy.GenNAS`.
    count : int
        Networks to optimise: the best of the candidates.
    candidates : int
        Architectures that the generator scores.
    accuracy : AccuracyEstimator, optional
        What the charts show, such as a published table; by default the generator's score.
    database : ScheduleDatabase, optional
        Where schedules come from; by default the user's own.
    target : str, mapping or tvm.target.Target, optional
        By default this machine.
    seconds : float
        What each network may spend on measuring schedules besides; see `relax.cosearch.seconds`.
    budget_s : float
        Seconds after which an unsure measurement has to do.
    seed : int
        Of the draw, and of weights.
    checkpoint, resume
        File to which every measured network is written, and whether to go on with it.
    progress : callable, optional
        See `StageProgress`.

    Raises
    ------
    ValueError
        When there are fewer candidates than networks, or fewer than `FEWEST` networks.
    OSError
        When the checkpoint cannot be written.
    """
    if not FEWEST <= count <= candidates:
        raise ValueError(
            f"count is at least {FEWEST} and at most candidates, not {count} of {candidates}"
        )
    tell = progress or (lambda stage, done, total: None)
    rows, scores = _generate(space, generator, candidates, seed, tell)
    rows, scores = rows[:count], scores[:count]
    shown = accuracy or generator
    accuracies = np.asarray(shown.score(rows), np.float64)
    bench = _Bench(space, database, resolve_target(target), seconds, budget_s, seed=seed)
    header = search_header(
        space, {"columns": ["before_us", "after_us"]}, {"name": "chart-flow"}, seed, count
    )
    measured = _measure(bench, rows, _opened(checkpoint, resume, header), tell)
    networks = tuple(
        OptimisedNetwork(space.format(row), float(score), *map(float, times))
        for row, score, times in zip(rows, accuracies, measured, strict=True)
    )
    axis = Axis("accuracy" if shown.unit else shown.name, shown.unit, higher_is_better=True)
    return ChartFlow(networks, rows, scores, examine(networks, seed), axis)


def examine(networks: Sequence[OptimisedNetwork], seed: int = 0) -> Hypothesis:
    """Test the hypothesis of the flow on networks that were measured before and after.

    Parameters
    ----------
    networks : sequence of OptimisedNetwork
        At least `FEWEST`.
    seed : int
        Of the draw of subsets.

    Raises
    ------
    ValueError
        When there are fewer.
    """
    if len(networks) < FEWEST:
        raise ValueError(f"give {FEWEST} networks or more, not {len(networks)}")
    before = np.array([network.before_us for network in networks])
    after = np.array([network.after_us for network in networks])
    rng = np.random.default_rng(seed)
    size = max(2, len(networks) // 2)
    order = rng.random((DRAWS, len(networks))).argsort(axis=1)[:, :size]
    share = float(np.mean(before[order].argmin(axis=1) != after[order].argmin(axis=1)))
    tau = float(kendalltau(before, after).statistic)
    return Hypothesis(bool(before.argmin() != after.argmin()), share, tau)


def _generate(
    space: Space, generator: AccuracyEstimator, candidates: int, seed: int, tell: StageProgress
) -> tuple[Integers, np.ndarray]:
    """Draw different architectures and rank them, the best first."""
    rng = np.random.default_rng(seed)
    found: dict[bytes, Integers] = {}
    for _ in range(candidates):
        for row in space.canonical(space.sample(candidates, rng)):
            found.setdefault(row.tobytes(), row)
        if len(found) >= candidates:
            break
    rows = np.array(list(found.values())[:candidates])
    scores = score_each(generator, rows, functools.partial(tell, "generating"))
    order = np.argsort(-scores, kind="stable")
    return rows[order], scores[order]


class _Bench:
    """Builds a network both ways, and measures it."""

    def __init__(
        self,
        space: Space,
        database: ScheduleDatabase | None,
        target: Target,
        seconds: float,
        budget_s: float,
        *,
        seed: int,
    ) -> None:
        self._space, self._target = space, target
        self._database = database if database is not None else ScheduleDatabase()
        self._seconds, self._budget_s, self._seed = seconds, budget_s, seed
        self._laboratory = Laboratory(target, self._database)

    def latencies_us(self, row: Integers) -> tuple[float, float]:
        """Return latencies before and after, in microseconds."""
        libraries = [
            build_architecture(
                self._space,
                row,
                self._database,
                self._target,
                seed=self._seed,
                reuse=reuse,
                seconds=self._seconds,
            )
            for reuse in (False, True)
        ]
        before, after = (
            measure_library(library, self._laboratory, self._budget_s) for library in libraries
        )
        return before.latency_us, after.latency_us


def _measure(
    bench: _Bench, rows: Integers, journal: Journal | None, tell: StageProgress
) -> np.ndarray:
    found = np.empty((len(rows), 2))
    try:
        for place, row in enumerate(rows):
            known = journal.recall(row) if journal is not None else None
            found[place] = bench.latencies_us(row) if known is None else known
            if journal is not None and known is None:
                journal.append(row[None], found[place][None])
            tell("optimising", place + 1, len(rows))
    finally:
        if journal is not None:
            journal.close()
    return found


def _opened(path: str | Path | None, resume: bool, header: dict[str, Any]) -> Journal | None:
    if path is None:
        return None
    file = Path(path)
    return Journal.resume(file, header) if resume and file.exists() else Journal.start(file, header)
