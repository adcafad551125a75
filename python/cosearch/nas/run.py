"""``cosearch.search``: architectures that are good in all that is asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cosearch.accuracy.estimator import AccuracyEstimator
from cosearch.latency.predictor import LatencyPredictor
from cosearch.nas.algorithm import MakeAlgorithm, make_algorithm
from cosearch.nas.history import SearchProgress
from cosearch.nas.indicators import require_pymoo
from cosearch.nas.journal import Journal, JournalError, search_header
from cosearch.nas.named_objectives import Bounds, asks_latency, make_problem
from cosearch.nas.objective import Objective
from cosearch.nas.problem import Problem
from cosearch.nas.result import Result
from cosearch.nas.search_loop import SearchLoop
from cosearch.schedules.database import ScheduleDatabase
from cosearch.spaces import space_named
from cosearch.spaces.space import Space

CLOSE = 1e-9
"""Relative difference within which a figure is the one of the checkpoint."""


def search(  # noqa: PLR0917 # the order in which people think of them
    space: Space | str,
    objectives: Sequence[str | Objective | AccuracyEstimator],
    constraints: Bounds | None = None,
    algorithm: str | MakeAlgorithm = "nsga2",
    budget: int = 1500,
    seed: int = 0,
    database: ScheduleDatabase | None = None,
    predictor: LatencyPredictor | None = None,
    *,
    accuracy: AccuracyEstimator | None = None,
    target: Any = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[SearchProgress], None] | None = None,
) -> Result:
    """Search a space for architectures that no other is better than in all objectives.

    The same arguments give the same result, whatever else the machine does. Ctrl-C stops a search;
    what was found until then is returned, with `Result.interrupted`.

    Parameters
    ----------
    space : Space or str
        Where to search, or its name: see `cosearch.spaces.SPACES`.
    objectives : sequence of str, Objective or AccuracyEstimator
        Names are ``"latency_us"``, ``"latency_high_us"`` (the upper end of the predicted interval),
        ``"accuracy"``, ``"parameters"`` and ``"multiply_adds"``.
    constraints : mapping of str or Objective to float, optional
        By one of those names, that of an objective, or another `Objective`: the most that it may
        be, or the least where higher is better.
    algorithm : str or callable
        ``"nsga2"``, ``"regularized-evolution"``, ``"random"``, or what makes one (see
        `cosearch.nas.algorithm.make_algorithm`).
    budget : int
        Different architectures to evaluate. A small space may be exhausted before.
    seed : int
        Of all chance.
    database : ScheduleDatabase, optional
        Where schedules come from; by default that of the enclosing ``with``, or the user's own.
    predictor : LatencyPredictor, optional
        Of latency; by default the target's in the user's cache folder.
    accuracy : AccuracyEstimator, optional
        What ``"accuracy"`` means; by default the published table, for NAS-Bench-201.
    target : str, mapping or tvm.target.Target, optional
        What networks are to be compiled for; by default the predictor's, or this machine.
    checkpoint : str or pathlib.Path, optional
        File that every evaluation is written to.
    resume : bool
        Whether to go on with the checkpoint, where there is one; the budget may be another.
    progress : callable, optional
        Called with a `SearchProgress` now and then, such as `cosearch.nas.SearchBar.update`.

    Returns
    -------
    Result
        With the front, all that was evaluated, and ways to build what was found.

    Raises
    ------
    ValueError
        When something that is asked for is not known, an objective is not finite, or a checkpoint
        is of another search.
    PredictorError
        When a latency is asked for and there is no predictor.
    OSError
        When the checkpoint cannot be written.

    Examples
    --------
    >>> result = cosearch.search("nasbench201", ["latency_us", "accuracy"], {"parameters": 1e6})
    >>> result.front[0]["architecture"]
    >>> result.save("front.html")
    >>> library = result.build(0)
    """
    require_pymoo()
    if budget < 1 or seed < 0:
        raise ValueError(f"budget is at least 1 and seed at least 0, not {budget} and {seed}")
    if resume and checkpoint is None:
        raise ValueError("resume needs a checkpoint to go on with")
    found = space_named(space) if isinstance(space, str) else space
    base = database if database is not None else ScheduleDatabase.current()
    if predictor is None and asks_latency(objectives, constraints):
        predictor = LatencyPredictor.load(target, base)
    problem = make_problem(found, objectives, constraints, accuracy=accuracy, predictor=predictor)
    chance, drawing = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    made = make_algorithm(algorithm, problem, chance)
    settings: dict[str, Any] = {"algorithm": made.settings, "seed": seed, "budget": budget}
    interrupted = False
    header = search_header(found, problem.goals.to_json(), **settings)
    with _opened(checkpoint, header, resume, problem) as journal:
        loop = SearchLoop(problem, made, budget, drawing, journal=journal, progress=progress)
        try:
            loop.run()
        except KeyboardInterrupt:
            if not len(loop.memory):
                raise
            interrupted = True
    return Result(
        found,
        problem.goals,
        loop.memory.rows,
        loop.memory.values,
        loop.history.steps,
        settings=settings,
        interrupted=interrupted,
        predictor=predictor,
        database=base,
        target=target,
    )


@contextmanager
def _opened(
    checkpoint: str | Path | None, header: Mapping[str, Any], resume: bool, problem: Problem
) -> Iterator[Journal | None]:
    if checkpoint is None:
        yield None
        return
    path = Path(checkpoint)
    goes_on = resume and path.exists()
    journal = (Journal.resume if goes_on else Journal.start)(path, header)
    try:
        _check_figures(journal, problem)
        yield journal
    finally:
        journal.close()


def _check_figures(journal: Journal, problem: Problem) -> None:
    """Refuse a checkpoint whose figures would come out otherwise today.

    A predictor that was fitted again, or another data set, would else be mixed with what was.
    """
    rows = [np.frombuffer(key, np.int64) for key in journal.known]
    for row in rows[:1] + rows[1:][-1:]:
        then, now = journal.known[row.tobytes()][0], problem.values(row[None])[0]
        for column, before, after in zip(problem.goals.columns, then, now, strict=True):
            if not np.isclose(before, after, rtol=CLOSE, atol=0):
                raise JournalError(
                    f"{journal.path} cannot be gone on with: {column.name} of "
                    f"{problem.space.format(row)} was {before:.6g} there and is {after:.6g} now, "
                    "so what it comes from has changed; begin anew with another file"
                )
