"""A chart of two objectives as a drawing whose points can be pointed at and chosen."""

import math
from collections.abc import Iterator, Mapping, Sequence

from cosearch.report.chart_layout import (
    COLOURS,
    Layer,
    label_above,
    layers,
    ranges,
    shorten,
    staircase,
)
from cosearch.report.page.markup import Html, element, figure, join, plural
from cosearch.report.page.plot_frame import HEIGHT, WIDTH, PlotFrame
from cosearch.report.pareto_chart import Axis, Link, ParetoChart, Point

_HEAD = 9.0
"""Length of the head of an arrow."""
_GAP = 7.0
"""Between an arrow and the points that it joins."""


def pareto_plot(chart: ParetoChart, keys: Mapping[str, int]) -> Html:
    """Draw a chart, with its legend above and a line below that says what is left out.

    A point is an element with its details, except in a cloud: its points are drawn as one path,
    those that fall on the same spot only once, so that tens of thousands stay light.

    Parameters
    ----------
    chart : ParetoChart
    keys : mapping of str to int
        What the elements of a network share, by label.
    """
    frame = PlotFrame(*ranges(chart))
    drawn = layers(chart)
    # Of a point that is in a front too, only the strong mark is drawn: one stop for the keyboard.
    strong = {_identity(p) for layer in drawn if layer.series.front for p in layer.series.points}
    groups, notes = [], []
    for layer in drawn:
        if layer.cloud:
            cloud, dots = _cloud(layer, frame)
            groups.append(cloud)
            notes.append(
                f"{plural(len(layer.points), 'point')} of “{layer.series.name}” fall on "
                f"{plural(dots, 'spot')}, which are drawn without details."
            )
        else:
            groups.append(_marks(layer, chart, frame, keys, strong))
    drawing = element(
        "svg",
        *frame.draw(chart.x, chart.y),
        *groups,
        *(_arrow(link, frame, label_above(chart, link)) for link in chart.links),
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        role="group",
        aria_label=f"{chart.title}: {chart.y.label} by {chart.x.label}",
        class_="plot",
    )
    note = element("p", " ".join(notes), class_="hint") if notes else ""
    return join(_legend(drawn), element("div", drawing, class_="scroll"), note)


def mark_path(shape: str, radius: float) -> str:
    """Return the outline of a mark around the current point, as relative commands of a path."""
    r = radius
    if shape == "circle":
        return f"m{-r:g} 0a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 {-2 * r:g} 0z"
    if shape == "square":
        s = 0.9 * r
        return f"m{-s:g} {-s:g}h{2 * s:g}v{2 * s:g}h{-2 * s:g}z"
    if shape == "diamond":
        d = 1.25 * r
        return f"m0 {-d:g}l{d:g} {d:g} {-d:g} {d:g} {-d:g} {-d:g}z"
    sign = 1 if shape == "triangle" else -1
    height = 1.8 * r
    return f"m0 {-sign * 1.1 * r:g}l{1.1 * r:g} {sign * height:g}h{-2.2 * r:g}z"


def colour_class(layer: Layer) -> str:
    """Return the class that gives a layer its colour."""
    return "grey" if layer.number is None else f"s{layer.number % len(COLOURS)}"


def _identity(point: Point) -> tuple[float, float, str]:
    return point.x, point.y, point.label


def _legend(drawn: Sequence[Layer]) -> Html:
    entries = []
    for layer in drawn:
        line = [element("path", d="M-12 0H12", class_="stairs")] if layer.series.front else []
        mark = element("path", d=f"M0 0{mark_path(layer.shape, 5)}", class_="mark")
        key = element(
            "svg",
            element("g", *line, mark, class_=f"{colour_class(layer)} {_kind(layer)}"),
            viewBox="-12 -8 24 16",
            aria_hidden="true",
        )
        entries.append(element("span", key, layer.legend))
    return element("p", *entries, class_="legend")


def _kind(layer: Layer) -> str:
    if layer.series.front:
        return "front"
    if layer.cloud:
        return "cloud"
    return "few marks" if layer.few else "marks"


def _radius(layer: Layer) -> float:
    return 5.4 if layer.series.front else 5.0 if layer.few else 3.6


def _cloud(layer: Layer, frame: PlotFrame) -> tuple[Html, int]:
    places = (frame.place(point.x, point.y) for point in layer.points)
    spots = sorted({(round(x), round(y)) for x, y in places})
    path = "".join(f"M{x} {y}h0" for x, y in spots)
    return element("g", element("path", d=path), class_=f"{colour_class(layer)} cloud"), len(spots)


def _marks(
    layer: Layer,
    chart: ParetoChart,
    frame: PlotFrame,
    keys: Mapping[str, int],
    strong: set[tuple[float, float, str]],
) -> Html:
    series = layer.series
    pieces = []
    if series.front:
        corners = (frame.place(*corner) for corner in staircase(chart, series))
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
        pieces.append(element("path", d=f"M{line}", class_="stairs"))
    outline = mark_path(layer.shape, _radius(layer))
    for point in sorted(layer.points, key=lambda point: point.x):
        if not series.front and _identity(point) in strong:
            continue
        x, y = frame.place(point.x, point.y)
        title = element("title", describe(point, series.name, chart.x, chart.y))
        path = f"M{x:.1f} {y:.1f}{outline}"
        pieces.append(
            element("path", title, d=path, class_="mark", data_point=str(keys[point.label]))
        )
    return element("g", *pieces, class_=f"{colour_class(layer)} {_kind(layer)}")


def describe(point: Point, series: str, x: Axis, y: Axis) -> str:
    """Write what is shown of a point, a line for each fact."""
    values = ((x, point.x), (y, point.y))
    facts = [f"{axis.label}: {figure(value, 4)} {axis.unit}".rstrip() for axis, value in values]
    for name, value in point.details.items():
        facts.append(f"{name}: {value if isinstance(value, str) else figure(value, 4)}")
    return "\n".join([point.label, series, *facts])


def _arrow(link: Link, frame: PlotFrame, above: bool) -> Html:
    (x0, y0), (x1, y1) = (frame.place(point.x, point.y) for point in (link.start, link.end))
    text = element(
        "text",
        shorten(link.label, 80),
        x=(x0 + x1) / 2,
        y=(y0 + y1) / 2 + (-9 if above else 19),
        text_anchor="middle",
    )
    return element("g", element("title", link.label), *_shaft(x0, y0, x1, y1), text, class_="link")


def _shaft(x0: float, y0: float, x1: float, y1: float) -> Iterator[Html]:
    """Draw line and head of an arrow, where its ends are far enough apart for one."""
    length = math.hypot(x1 - x0, y1 - y0)
    if length <= 2 * _GAP + _HEAD:
        return
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    x0, y0, x1, y1 = x0 + _GAP * dx, y0 + _GAP * dy, x1 - _GAP * dx, y1 - _GAP * dy
    neck_x, neck_y, half = x1 - _HEAD * dx, y1 - _HEAD * dy, 0.42 * _HEAD
    yield element("path", d=f"M{x0:.1f} {y0:.1f}L{neck_x:.1f} {neck_y:.1f}", class_="shaft")
    head = (
        f"M{x1:.1f} {y1:.1f}L{neck_x - half * dy:.1f} {neck_y + half * dx:.1f}"
        f"L{neck_x + half * dy:.1f} {neck_y - half * dx:.1f}Z"
    )
    yield element("path", d=head)
