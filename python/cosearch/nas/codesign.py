"""CHaNAS: architecture and schedules found together, under a limit of latency."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cosearch.accuracy.estimator import AccuracyEstimator, score_each
from cosearch.accuracy.judged_surrogate import HELD_OUT, fit_judged
from cosearch.accuracy.surrogate import LEAST_SAMPLES, AccuracySurrogate
from cosearch.nas.build_architecture import build_architecture
from cosearch.nas.goals import Values
from cosearch.nas.history import StageProgress
from cosearch.nas.objective import Objective
from cosearch.nas.result import Result
from cosearch.nas.run import search
from cosearch.nas.subspaces import Division, Rule, SubSpace, choose_division, divide
from cosearch.relay.library import Library
from cosearch.schedules.database import ScheduleDatabase
from cosearch.spaces.space import Integers, Space


class LatencyTable(Protocol):
    """What predicts latencies of architectures: a `cosearch.LatencyPredictor`, or a rival."""

    def interval_batch(
        self, architectures: npt.ArrayLike, space: Any
    ) -> tuple[Values, Values, Values]:
        """Give latencies and the ends of their intervals, float64 ``[count]``, microseconds."""
        ...

    def learn_space(self, space: Any, progress: Callable[[int, int], None] | None = None) -> None:
        """Look at every block of a space beforehand."""
        ...


@dataclass(frozen=True)
class Finalist:
    """An architecture that the surrogate thought good, and what its accuracy is.

    Attributes
    ----------
    row : numpy.ndarray
        int64 ``[positions]``.
    accuracy : float
        By the estimator, in its unit.
    expected_accuracy : float
        By the surrogate.
    latency_us, latency_high_us : float
        As predicted, and the upper end of its interval.
    """

    row: Integers
    accuracy: float
    expected_accuracy: float
    latency_us: float
    latency_high_us: float


@dataclass(frozen=True)
class CoDesign:
    """What `chanas` found, and how.

    Attributes
    ----------
    space : Space
        Part of a space that was searched.
    divisions : tuple of Division
        All parts that were looked at.
    division : Division
        The chosen one.
    surrogate : AccuracySurrogate
        What the search asked for accuracies.
    surrogate_quality : dict of str to float
        On architectures that it had not learnt from: see `AccuracySurrogate.evaluate`. Those that
        it is used with have been learnt from as well.
    result : Result
        Of the evolutionary search.
    finalists : tuple of Finalist
        The most accurate first; among equals, the fastest.
    """

    space: Space
    divisions: tuple[Division, ...]
    division: Division
    surrogate: AccuracySurrogate
    surrogate_quality: dict[str, float]
    result: Result
    finalists: tuple[Finalist, ...]

    @property
    def best(self) -> Finalist:
        """The answer."""
        return self.finalists[0]

    def build(self, *, network: Any = None, seed: int = 0) -> Library:
        """Compile the answer, with its schedules; see `Result.build`."""
        return build_architecture(
            self.space,
            self.best.row,
            self.result.database,
            self.result.target,
            network=network,
            seed=seed,
        )


def chanas(
    spaces: Sequence[tuple[Space, AccuracyEstimator]],
    limit_us: float,
    latency: LatencyTable,
    *,
    divide_by: Sequence[int] = (0,),
    rule: Rule = "latency",
    samples: int = 500,
    pairs: int = 300,
    budget: int = 2000,
    finalists: int = 10,
    seed: int = 0,
    database: ScheduleDatabase | None = None,
    target: Any = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: StageProgress | None = None,
) -> CoDesign:
    """Find the most accurate architecture whose best schedules keep a limit (CHaNAS).

    Chen, Han, Li and Yin, "CHaNAS: coordinated search for network architecture and scheduling
    policy", section 3.6, with a predictor in place of its search for schedules (section 3.5): every
    block is scheduled beforehand, by the database, and known with its latency. Spaces are divided
    into parts, such as one for each picture size and width, and the part is chosen whose latencies
    promise most. There, architectures of which the accuracy is looked up train a surrogate, and an
    evolutionary search asks only that and the table of blocks. The accuracy of the best it found is
    looked up again, as a surrogate flatters what a search for its maximum finds.

    Parameters
    ----------
    spaces : sequence of (Space, AccuracyEstimator)
        Where to search, such as a space for each width, and what knows accuracies there.
    limit_us : float
        What the latency may be, in microseconds. It bounds the upper end of predicted intervals.
    latency : LatencyTable
        Such as a `cosearch.LatencyPredictor`.
    divide_by : sequence of int
        Positions whose options tell parts apart; position 0 is the picture size of `MBConvSpace`.
    rule : {"latency", "multiply-adds"}
        How a part is chosen: see `choose_division`.
    samples : int
        Architectures by which a part is judged.
    pairs : int
        Architectures whose accuracy trains the surrogate. The paper has 15,000.
    budget : int
        Architectures that the evolutionary search may look at.
    finalists : int
        Of them, the accuracy of how many is looked up.
    seed : int
        Of all chance.
    database, target : optional
        What `CoDesign.build` uses; see `cosearch.search`.
    checkpoint, resume
        Of the evolutionary search; see `cosearch.search`.
    progress : callable, optional
        See `StageProgress`.

    Raises
    ------
    ValueError
        When no architecture keeps the limit, or what is asked for makes no sense.
    """
    if min(pairs // HELD_OUT, finalists, budget) < 1 or seed < 0:
        raise ValueError(
            f"pairs is at least {HELD_OUT}, finalists and budget at least 1, seed at least 0, not "
            f"{pairs}, {finalists}, {budget} and {seed}"
        )
    tell = progress or (lambda stage, done, total: None)
    drawing, pairing = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    estimators = {space.name: estimator for space, estimator in spaces}
    if len(estimators) < len(spaces):
        raise ValueError("two of the spaces have one name: what is known of them would be mixed up")
    for space, _ in spaces:
        stage = f"scheduling blocks of {space.name}"
        latency.learn_space(space, functools.partial(tell, stage))

    def high_us(rows: Integers, space: Space) -> Values:
        return np.asarray(latency.interval_batch(rows, space)[2])

    divisions = divide(
        [space for space, _ in spaces], divide_by, high_us, limit_us, samples=samples, rng=drawing
    )
    chosen = choose_division(divisions, rule)
    part, estimator = chosen.space, estimators[chosen.space.name]
    surrogate, quality = _learn(part, estimator, pairs, pairing, seed=seed, tell=tell)
    # Kept free of `latency_high_us`'s own predictor, so that any table can stand in its place.
    bound = Objective("latency_high_us", lambda rows: high_us(rows, part), unit="µs")
    result = search(
        part,
        ["accuracy"],
        {bound: limit_us},
        budget=budget,
        seed=seed,
        accuracy=surrogate,
        database=database,
        target=target,
        checkpoint=checkpoint,
        resume=resume,
        progress=lambda now: tell("searching", now.evaluations, now.budget),
    )
    ranked = _finalists(result, estimator, surrogate, latency, count=finalists, tell=tell)
    return CoDesign(part, tuple(divisions), chosen, surrogate, quality, result, ranked)


def _learn(
    space: SubSpace,
    estimator: AccuracyEstimator,
    pairs: int,
    rng: np.random.Generator,
    *,
    seed: int,
    tell: StageProgress,
) -> tuple[AccuracySurrogate, dict[str, float]]:
    """Train the surrogate, and judge one like it that has seen only a part.

    A part of a few architectures is learnt together with the rest of its space.
    """
    for drawn in (space, space.whole):
        rows = np.unique(space.whole.canonical(drawn.sample(pairs, rng)), axis=0)
        if len(rows) - len(rows) // HELD_OUT >= LEAST_SAMPLES:
            break
    rows = rng.permutation(rows)
    scores = score_each(estimator, rows, functools.partial(tell, "looking up accuracies"))
    return fit_judged(space.whole, rows, scores, seed, unit=estimator.unit)


def _finalists(
    result: Result,
    estimator: AccuracyEstimator,
    surrogate: AccuracySurrogate,
    latency: LatencyTable,
    *,
    count: int,
    tell: StageProgress,
) -> tuple[Finalist, ...]:
    evaluated = result.evaluated
    kept = np.flatnonzero(evaluated.feasible)
    if not len(kept):
        raise ValueError("the search found no architecture that keeps the limit: allow more")
    order = np.argsort(-evaluated.values[kept, 0], kind="stable")[:count]
    rows = evaluated.rows[kept[order]]
    stage = functools.partial(tell, "looking up the finalists")
    accuracies = score_each(estimator, rows, stage)
    us, _, high_us = latency.interval_batch(rows, result.space)
    expected = surrogate.score(rows)
    ranking = np.lexsort([us, -accuracies])
    return tuple(
        Finalist(rows[i], float(accuracies[i]), float(expected[i]), float(us[i]), float(high_us[i]))
        for i in ranking
    )
