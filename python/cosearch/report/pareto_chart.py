"""What charts of a search show, as plain data: the picture and the page are drawn from it."""

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real


@dataclass(frozen=True)
class Axis:
    """An axis of a chart: one objective.

    Attributes
    ----------
    label : str
        Of the objective.
    unit : str
        Of its values; empty for a bare number.
    higher_is_better : bool
        False for what is minimised.
    neutral : bool
        Whether it is no objective but an order, such as the number of evaluations.
    log : bool
        Whether equal ratios are drawn equally long; all values must be positive then.
    """

    label: str
    unit: str = ""
    higher_is_better: bool = False
    log: bool = False
    neutral: bool = False

    @property
    def title(self) -> str:
        """Label and unit."""
        return f"{self.label}, {self.unit}" if self.unit else self.label


@dataclass(frozen=True)
class Point:
    """An architecture in a chart.

    Attributes
    ----------
    x, y : float
        Finite values of the two objectives, in the units of the axes.
    label : str
        Name of the architecture. Points and rows of a table that share it belong together.
    details : mapping of str to str or float
        What is shown of it besides, in this order.

    Raises
    ------
    ValueError
        If a number is not finite.
    """

    x: float
    y: float
    label: str
    details: Mapping[str, str | float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Take real numbers of any type, and keep a copy of the details."""
        for name in ("x", "y"):
            object.__setattr__(self, name, _finite(getattr(self, name), name, self.label))
        details = {
            name: value if isinstance(value, str) else _finite(value, name, self.label)
            for name, value in self.details.items()
        }
        object.__setattr__(self, "details", details)


@dataclass(frozen=True)
class Series:
    """Points of one kind.

    Attributes
    ----------
    name : str
        In the legend.
    points : tuple of Point
        A series without points is not drawn.
    front : bool
        Whether the points are a front: drawn strong, those that none of them dominates joined as
        a staircase.
    """

    name: str
    points: tuple[Point, ...]
    front: bool = False

    def __post_init__(self) -> None:
        """Take any iterable of points."""
        object.__setattr__(self, "points", tuple(self.points))


@dataclass(frozen=True)
class Link:
    """An arrow from one point to another, such as a network before and after its optimisation.

    Attributes
    ----------
    start, end : Point
    label : str
        Written beside the arrow.
    """

    start: Point
    end: Point
    label: str


@dataclass(frozen=True)
class ParetoChart:
    """Points of two objectives, their fronts, and arrows between points.

    Attributes
    ----------
    title : str
    x, y : Axis
    series : tuple of Series
        Those in front come last.
    links : tuple of Link

    Raises
    ------
    ValueError
        If there is no point, or one that a logarithmic axis cannot show.
    """

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        object.__setattr__(self, "series", tuple(self.series))
        object.__setattr__(self, "links", tuple(self.links))
        points = self.points
        if not points:
            raise ValueError(f"chart {self.title!r} has no point: give a series with at least one")
        for axis, name in ((self.x, "x"), (self.y, "y")):
            refused = [p for p in points if getattr(p, name) <= 0] if axis.log else []
            if refused:
                raise ValueError(
                    f"the {axis.label} of {refused[0].label!r} is {getattr(refused[0], name):g}, "
                    f"and a logarithmic axis shows only positive values: give an Axis with "
                    f"log=False for chart {self.title!r}, or leave the point out"
                )

    @property
    def points(self) -> tuple[Point, ...]:
        """All points, those of the series first and then the ends of the links."""
        ends = (point for link in self.links for point in (link.start, link.end))
        return (*(point for series in self.series for point in series.points), *ends)


@dataclass(frozen=True)
class BarChart:
    """One value for each of several names, such as the speed-up of each network.

    Attributes
    ----------
    title : str
    unit : str
        Written after each value, such as "×".
    labels : tuple of str
    values : tuple of float
        Finite and not negative, in the order of the labels.

    Raises
    ------
    ValueError
        If there is no bar, or labels and values differ in number, or a value cannot be a bar.
    """

    title: str
    unit: str
    labels: tuple[str, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        labels, given = tuple(self.labels), tuple(self.values)
        if len(labels) != len(given) or not labels:
            raise ValueError(
                f"chart {self.title!r} has {len(labels)} labels and {len(given)} values: "
                "give one value for each label, and at least one"
            )
        values = tuple(_finite(v, "value", label) for v, label in zip(given, labels, strict=True))
        for value, label in zip(values, labels, strict=True):
            if value < 0:
                raise ValueError(
                    f"the value of {label!r} is {value:g}: a bar starts at 0, give no negative one"
                )
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "values", values)

    @property
    def mean(self) -> float:
        """Arithmetic mean of the values."""
        return statistics.fmean(self.values)


Chart = ParetoChart | BarChart


def non_dominated(points: Iterable[Point], x: Axis, y: Axis) -> tuple[Point, ...]:
    """Return the Pareto front of points: those for which none is better.

    A point is better than another if it is no worse on both axes and better on one. Points that
    are equal on both are kept or left out together.

    Parameters
    ----------
    points : iterable of Point
    x, y : Axis
        Say in which direction each value is better.

    Returns
    -------
    tuple of Point
        In the order of their `x`, the lowest first.
    """
    x_sign, y_sign = (-1.0 if axis.higher_is_better else 1.0 for axis in (x, y))
    best_y, last = math.inf, (math.inf, math.inf)
    front = []
    for point in sorted(points, key=lambda p: (x_sign * p.x, y_sign * p.y)):
        costs = (x_sign * point.x, y_sign * point.y)
        if costs[1] < best_y or costs == last:
            front.append(point)
            best_y, last = costs[1], costs
    return tuple(sorted(front, key=lambda point: point.x))


def _finite(value: object, name: str, label: str) -> float:
    if not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"{name} of {label!r} is {value!r}: give a finite number")
    return float(value)
