"""What a search found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cosearch.latency.laboratory import Laboratory
from cosearch.latency.predictor import Latency, LatencyPredictor
from cosearch.nas.front_table import FrontTable
from cosearch.nas.goals import Goals, Values
from cosearch.nas.history import Step
from cosearch.nas.indicators import non_dominated
from cosearch.relay.library import Library
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.label import Label
from cosearch.schedules.target import resolve_target
from cosearch.spaces.space import Integers, Space
from cosearch.timing.time_calls import BUDGET_S


@dataclass(frozen=True)
class Evaluated:
    """All that a search has looked at, in that order.

    Attributes
    ----------
    rows : numpy.ndarray
        Architectures, int64 ``[count, positions]``.
    values : numpy.ndarray
        Their figures, float64 ``[count, columns]``, in the order of `Goals.columns`.
    feasible : numpy.ndarray
        Whether they keep the constraints, bool ``[count]``.
    """

    rows: Integers
    values: Values
    feasible: np.ndarray


@dataclass(frozen=True)
class Measured:
    """A latency that was measured, next to the one that was predicted.

    Attributes
    ----------
    label : Label
        What was measured.
    predicted : Latency or None
        None where the search had no predictor.
    """

    label: Label
    predicted: Latency | None


class Result:
    """Architectures that no other is better than, and all that were evaluated for them.

    `cosearch.search` and `load` make one.

    Parameters
    ----------
    space : Space
        What was searched.
    goals : Goals
        Objectives and constraints.
    rows : numpy.ndarray
        What was evaluated, int64 ``[count, positions]``.
    values : numpy.ndarray
        The figures, float64 ``[count, columns]``.
    history : sequence of Step
        Evaluations, hypervolume, size of the front and seconds, after each step.
    settings : mapping
        Algorithm, seed and budget.
    interrupted : bool
        Whether the search was stopped before its end.
    predictor : LatencyPredictor, optional
        Of latency.
    database : ScheduleDatabase, optional
        Where `build` takes schedules from; by default the user's own.
    target : str, mapping or tvm.target.Target, optional
        What `build` compiles for; by default what the predictor is for, or this machine.
    schedules : sequence of mapping, optional
        How the kernels of each architecture on the front get their schedules, where that is known
        already.
    """

    def __init__(
        self,
        space: Space,
        goals: Goals,
        rows: Integers,
        values: Values,
        history: Sequence[Step],
        *,
        settings: Mapping[str, Any],
        interrupted: bool = False,
        predictor: LatencyPredictor | None = None,
        database: ScheduleDatabase | None = None,
        target: Any = None,
        schedules: Sequence[Mapping[str, int]] | None = None,
    ) -> None:
        self.space = space
        self.goals = goals
        self.evaluated = Evaluated(rows, values, goals.feasible(values))
        self.history = tuple(history)
        self.settings = dict(settings)
        self.interrupted = interrupted
        self.predictor = predictor
        self.database = database
        self.target = target
        self._schedules = schedules

    @cached_property
    def front_places(self) -> Integers:
        """Places of the front's architectures in `evaluated`, int64 ``[front]``.

        The best in the first objective comes first. Only what keeps the constraints is on the
        front; it is empty when nothing does.
        """
        feasible = np.flatnonzero(self.evaluated.feasible)
        losses = self.goals.losses(self.evaluated.values[feasible])
        kept = non_dominated(losses)
        order = np.lexsort(losses[kept].T[::-1])
        return np.asarray(feasible[kept][order], np.int64)

    @cached_property
    def front(self) -> FrontTable:
        """The front as a table, in the order of `front_places`.

        Each row has the architecture as text, its figures by name, and with a predictor
        ``schedules``: how many of its kernels get an exact, a transferred, a rule's or TVM's own
        schedule (see `LatencyPredictor.sources`).
        """
        names = [column.name for column in self.goals.columns]
        rows: list[dict[str, Any]] = []
        for i, place in enumerate(self.front_places.tolist()):
            row = self.evaluated.rows[place]
            figures = zip(names, self.evaluated.values[place].tolist(), strict=True)
            rows.append({"architecture": self.space.format(row), **dict(figures)})
            if self._schedules is not None:
                rows[-1]["schedules"] = dict(self._schedules[i])
            elif self.predictor is not None:
                rows[-1]["schedules"] = self.predictor.sources(row, self.space)
        return FrontTable(tuple(rows), self.goals.columns)

    def build(self, i: int, *, network: Any = None, seed: int = 0) -> Library:
        """Compile an architecture of the front, with its schedules out of the database.

        Parameters
        ----------
        i : int
            Row of `front`.
        network : torch.nn.Module, optional
            The trained network; by default one with random weights.
        seed : int
            Of those weights.

        Raises
        ------
        IndexError
            When the front has no such row.
        FrontendError
            When the network cannot be imported.
        """
        from cosearch.nas.build_architecture import build_architecture

        return build_architecture(
            self.space,
            self._row(i),
            self.database,
            self._target,
            network=network,
            seed=seed,
        )

    def measure(
        self, i: int, *, network: Any = None, seed: int = 0, budget_s: float = BUDGET_S
    ) -> Measured:
        """Compile an architecture of the front and measure a run; nothing is kept of it.

        Parameters
        ----------
        i, network, seed
            See `build`.
        budget_s : float
            Seconds after which an unsure answer has to do.
        """
        from cosearch.nas.build_architecture import measure_library

        library = self.build(i, network=network, seed=seed)
        laboratory = Laboratory(resolve_target(self._target), self.database)
        label = measure_library(library, laboratory, budget_s)
        if self.predictor is None:
            return Measured(label, None)
        return Measured(label, self.predictor.predict(self._row(i), space=self.space))

    def plot(self, path: str | Path) -> None:
        """Draw the front among all that was evaluated, and the way there, as a PNG.

        Raises
        ------
        OSError
            When it cannot be written.
        """
        from cosearch.nas.result_charts import result_charts
        from cosearch.report.pareto_png import draw_png

        draw_png(result_charts(self), Path(path))

    def save(self, path: str | Path) -> None:
        """Write the result: all of it, or for other eyes.

        Parameters
        ----------
        path : str or pathlib.Path
            ``.json`` for all that `load` needs, ``.csv`` for a line an evaluated architecture,
            ``.png`` for charts, ``.html`` for a page with charts and tables.

        Raises
        ------
        ValueError
            When it ends in something else.
        OSError
            When it cannot be written.
        """
        from cosearch.nas.result_files import save_result

        save_result(self, Path(path))

    @classmethod
    def load(
        cls,
        path: str | Path,
        space: Space | None = None,
        *,
        predictor: LatencyPredictor | None = None,
        database: ScheduleDatabase | None = None,
        target: Any = None,
    ) -> "Result":
        """Read what `save` wrote as JSON.

        Parameters
        ----------
        path : str or pathlib.Path
            The file.
        space : Space, optional
            What was searched; by default the space that is known by its name.
        predictor, database, target
            For `build` and `measure`: see `Result`.

        Raises
        ------
        ValueError
            When the file holds something else, or is of another space.
        OSError
            When it cannot be read.
        """
        from cosearch.nas.result_files import read_result

        parts = read_result(Path(path), space)
        return cls(**parts, predictor=predictor, database=database, target=target)

    def __str__(self) -> str:
        """Show the front as a table."""
        return str(self.front)

    @property
    def _target(self) -> Any:
        if self.target is None and self.predictor is not None:
            return self.predictor.target
        return self.target

    def _row(self, i: int) -> Integers:
        if not -len(self.front_places) <= i < len(self.front_places):
            raise IndexError(f"the front has {len(self.front_places)} rows, and no row {i}")
        row: Integers = self.evaluated.rows[self.front_places[i]]
        return row
