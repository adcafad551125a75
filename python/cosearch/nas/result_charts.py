"""The charts of a search."""

from typing import TYPE_CHECKING

import numpy as np

from cosearch.nas.goals import Column
from cosearch.report.pareto_chart import Axis, ParetoChart, Point, Series

if TYPE_CHECKING:
    from cosearch.nas.result import Result


def result_charts(result: "Result") -> list[ParetoChart]:
    """Draw up the charts of a result.

    One for the first objective against each other one, with the front strong and all that was
    evaluated behind it, and one of the hypervolume over the evaluations. A single objective is
    drawn over the order of the evaluations.

    Parameters
    ----------
    result : Result
        What a search found.
    """
    objectives = result.goals.columns[: result.goals.objectives]
    order = Column("evaluation")
    pairs = [(objectives[0], y) for y in objectives[1:]] or [(order, objectives[0])]
    return [*(_pair(result, x, y) for x, y in pairs), _progress(result)]


def _pair(result: "Result", x: Column, y: Column) -> ParetoChart:
    front = set(result.front_places.tolist())
    feasible = result.evaluated.feasible
    xs, ys = _values(result, x), _values(result, y)
    schedules = {
        place: row.get("schedules", {})
        for place, row in zip(result.front_places.tolist(), result.front, strict=True)
    }

    def points(places: "list[int] | np.ndarray") -> tuple[Point, ...]:
        return tuple(
            Point(
                float(xs[place]),
                float(ys[place]),
                result.space.format(result.evaluated.rows[place]),
                {**_figures(result, place), **schedules.get(place, {})},
            )
            for place in map(int, places)
        )

    behind = [place for place in range(len(feasible)) if place not in front]
    series = [
        Series("breaks a constraint", points([p for p in behind if not feasible[p]])),
        Series("evaluated", points([p for p in behind if feasible[p]])),
        Series("front", points(result.front_places), front=result.goals.objectives == 2),
    ]
    shown = tuple(one for one in series if one.points)
    return ParetoChart(f"{result.space.name}: {x.name} and {y.name}", _axis(x), _axis(y), shown)


def _progress(result: "Result") -> ParetoChart:
    steps = tuple(
        Point(
            float(step.evaluations),
            step.hypervolume,
            f"after {step.evaluations} evaluations",
            {"front": float(step.front), "seconds": round(step.elapsed_s, 2)},
        )
        for step in result.history
    )
    return ParetoChart(
        "Progress",
        Axis("evaluations", neutral=True),
        Axis("hypervolume", higher_is_better=True),
        (Series("search", steps, front=True),),
    )


def _values(result: "Result", column: Column) -> np.ndarray:
    if column.name == "evaluation":
        return np.arange(1, len(result.evaluated.rows) + 1, dtype=np.float64)
    return result.evaluated.values[:, result.goals.index(column.name)]


def _figures(result: "Result", place: int) -> dict[str, str | float]:
    names = [column.name for column in result.goals.columns]
    return dict(zip(names, result.evaluated.values[place].tolist(), strict=True))


def _axis(column: Column) -> Axis:
    neutral = column.name == "evaluation"
    return Axis(column.name, column.unit, column.higher_is_better, neutral=neutral)
