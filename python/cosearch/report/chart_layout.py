"""How a chart is laid out, in the picture as on the page: ranges, layers, fronts, labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cosearch.report.axis_range import MARGIN, AxisRange
from cosearch.report.pareto_chart import (
    Axis,
    BarChart,
    Chart,
    Link,
    ParetoChart,
    Point,
    Series,
    non_dominated,
)

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart with any kind of colour vision (Okabe and Ito, Color Universal Design, 2008)."""
GREY = "#8a94a0"
SHAPES = ("circle", "square", "diamond", "triangle", "down")
"""Their number and that of the colours have no common factor: 30 pairs before one comes back."""
CLOUD = 2000
"""A series of more points than this, if it is no front, is a cloud: drawn small and faint."""

FEW = 60
"""So few points of a series are drawn larger."""
_LABEL_MARGIN = 0.12
"""Room above and below, so that labels of links fit."""


@dataclass(frozen=True)
class Layer:
    """A series as it is drawn.

    Attributes
    ----------
    series : Series
    number : int or None
        Of its colour and shape; None for a cloud that is the background of the others.
    points : tuple of Point
        Those within the `ranges` of the chart.
    """

    series: Series
    number: int | None
    points: tuple[Point, ...]

    @property
    def colour(self) -> str:
        """``#rrggbb``."""
        return GREY if self.number is None else COLOURS[self.number % len(COLOURS)]

    @property
    def shape(self) -> str:
        """One of `SHAPES`."""
        return SHAPES[(self.number or 0) % len(SHAPES)]

    @property
    def cloud(self) -> bool:
        """Whether it is more points than one can look at each."""
        return _is_cloud(self.series)

    @property
    def few(self) -> bool:
        """Whether its points have room to be drawn larger."""
        return len(self.series.points) <= FEW

    @property
    def legend(self) -> str:
        """Name and number of points, and how many of them are not in sight."""
        outside = len(self.series.points) - len(self.points)
        more = f", {outside:,} far outside" if outside else ""
        return f"{shorten(self.series.name, 40)} ({len(self.series.points):,}{more})"


def as_charts(charts: Chart | Sequence[Chart]) -> tuple[Chart, ...]:
    """Return one chart or several as several.

    Raises
    ------
    ValueError
        If there is none.
    """
    several = (charts,) if isinstance(charts, ParetoChart | BarChart) else tuple(charts)
    if not several:
        raise ValueError("there is no chart to draw: give at least one")
    return several


def layers(chart: ParetoChart) -> list[Layer]:
    """Return the series that have points as they are drawn: clouds below, fronts on top.

    A front that was taken from a series looks like it, as its edge. A lone cloud is grey, so that
    the eye is drawn to what lies on it.
    """
    series = [one for one in chart.series if one.points]
    lone_cloud = sum(map(_is_cloud, series)) == 1
    x, y = ranges(chart)
    found: list[Layer] = []
    used = 0
    for one in series:
        origin = _origin(one, found)
        number = None if lone_cloud and _is_cloud(one) else used if origin is None else origin
        used += number == used
        found.append(Layer(one, number, _in_sight(one, x, y)))
    return sorted(found, key=lambda layer: (layer.series.front, not layer.cloud))


def ranges(chart: ParetoChart) -> tuple[AxisRange, AxisRange]:
    """Return what the horizontal and the vertical axis show.

    All fronts, links and series of few points; of the others, all but what lies so far outside
    that it would press the rest into a corner, such as networks that did not learn at all.
    """
    margin = _LABEL_MARGIN if chart.links else MARGIN
    return (
        AxisRange.of(_shown(chart, "x", chart.x.log), chart.x.log),
        AxisRange.of(_shown(chart, "y", chart.y.log), chart.y.log, margin),
    )


def staircase(chart: ParetoChart, series: Series) -> list[tuple[float, float]]:
    """Return the corners of the line that bounds what the points of a series reach.

    Between two neighbours of the front, the best that is reached is what that one of them reaches
    which is no worse in `x`.

    Returns
    -------
    list of (float, float)
        From left to right, in the units of the axes.
    """
    front = non_dominated(series.points, chart.x, chart.y)
    places = list(dict.fromkeys((point.x, point.y) for point in front))
    corners = places[:1]
    for (left_x, left_y), (right_x, right_y) in pairwise(places):
        turn = (left_x, right_y) if chart.x.higher_is_better else (right_x, left_y)
        corners += [turn, (right_x, right_y)]
    return corners


def label_above(chart: ParetoChart, link: Link) -> bool:
    """Say whether the label of a link stands above it: that of the lowest one of several does not.

    So the labels of two links that are close to each other keep apart.
    """
    heights = [one.start.y + one.end.y for one in chart.links]
    return len(heights) == 1 or link.start.y + link.end.y > min(heights)


def axis_name(axis: Axis) -> str:
    """Write an axis with its unit and which direction is the good one."""
    if axis.neutral:
        return axis.title
    return f"{axis.title} ({'higher' if axis.higher_is_better else 'lower'} is better)"


def shorten(text: str, most: int) -> str:
    """Cut a label to so many characters, the last of which says so."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _shown(chart: ParetoChart, name: str, log: bool) -> list[float]:
    """Return the values that an axis shows.

    Left out is what is further beyond the middle nine tenths than these are wide.
    """
    shown: list[float] = []
    others: list[float] = []
    for series in chart.series:
        kept = shown if series.front or len(series.points) <= FEW else others
        kept += [float(getattr(point, name)) for point in series.points]
    shown += [float(getattr(end, name)) for link in chart.links for end in (link.start, link.end)]
    if others:
        placed = sorted(math.log10(value) if log else value for value in others)
        low, high = placed[len(placed) // 20], placed[-1 - len(placed) // 20]
        width = high - low or placed[-1] - placed[0]
        shown += [
            value
            for value in others
            if low - width <= (math.log10(value) if log else value) <= high + width
        ]
    return shown


def _in_sight(series: Series, x: AxisRange, y: AxisRange) -> tuple[Point, ...]:
    return tuple(
        point
        for point in series.points
        if x.low <= point.x <= x.high and y.low <= point.y <= y.high
    )


def _is_cloud(series: Series) -> bool:
    return not series.front and len(series.points) > CLOUD


def _origin(front: Series, before: list[Layer]) -> int | None:
    """Return the number of the series that a front was taken from, if there is one."""
    if not front.front:
        return None
    places = _places(front)
    return next((layer.number for layer in before if places <= _places(layer.series)), None)


def _places(series: Series) -> set[tuple[float, float]]:
    return {(point.x, point.y) for point in series.points}
