"""Charts of a search as a picture."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosearch.report.axis_range import AxisRange, tick_text
from cosearch.report.chart_layout import (
    COLOURS,
    Layer,
    as_charts,
    axis_name,
    label_above,
    layers,
    ranges,
    shorten,
    staircase,
)
from cosearch.report.page.markup import figure
from cosearch.report.pareto_chart import Axis, BarChart, Chart, Link, ParetoChart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN = 10.0
DPI = 200
"""Twice what is needed at 1,000 pixels of width, at which the text is 13 pixels high or more."""
_PARETO_IN = 6.0
_BAR_IN = 0.27
_AROUND_IN = 1.5
"""Title, axis and margins of a chart of bars."""
_MOST_BARS_IN = 60.0
_LEGEND_CHARACTERS = 110
"""That fit beside each other, of which the mark of an entry takes the room of 6."""
_INK, _SOFT, _LINE = "#1c2128", "#5b6572", "#dfe4ea"
_BEHIND = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.2}
"""Keeps a text readable where a line runs behind it."""
_MARKERS = {"circle": "o", "square": "s", "diamond": "D", "triangle": "^", "down": "v"}


def draw_png(charts: Chart | Sequence[Chart], path: str | Path) -> None:
    """Draw charts, one below the other, into a PNG file.

    It is 2,000 pixels wide and stays readable at half of that.

    Parameters
    ----------
    charts : ParetoChart or BarChart, or a sequence of them
    path : str or Path
        The file; one that exists is replaced.

    Raises
    ------
    ValueError
        If there is no chart.
    ImportError
        If matplotlib is missing.
    OSError
        If the file cannot be written.
    """
    several = as_charts(charts)
    try:
        # Figure alone: pyplot would keep state for the whole process and ask for a screen.
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise ImportError(
            "a picture of the charts needs matplotlib: pip install 'tvm-cosearch[search]'"
        ) from error
    heights = [_height_in(chart) for chart in several]
    layout = ConstrainedLayoutEngine(h_pad=0.15, w_pad=0.15, hspace=0.04)
    picture = Figure((WIDTH_IN, sum(heights)), dpi=DPI, layout=layout, facecolor="white")
    # Figures of their own: the long names of bars would else narrow the other charts, too.
    parts = picture.subfigures(len(several), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, chart in zip(parts, several, strict=True):
        axes = part.subplots()
        if isinstance(chart, BarChart):
            _draw_bars(axes, chart)
        else:
            _draw_pareto(axes, chart)
    picture.savefig(path, format="png")


def _height_in(chart: Chart) -> float:
    if isinstance(chart, ParetoChart):
        return _PARETO_IN
    return _AROUND_IN + min(_MOST_BARS_IN, _BAR_IN * len(chart.labels))


def _prepare(axes: "Axes", title: str, legend_rows: int = 0) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_SOFT)
    axes.tick_params(colors=_SOFT, labelcolor=_INK, labelsize=10)
    axes.set_axisbelow(True)
    lines = "\n".join(textwrap.wrap(_plain(title), 84))
    look: dict[str, Any] = {"loc": "left", "fontsize": 14, "weight": "bold", "color": _INK}
    axes.set_title(lines, pad=10 + 19 * legend_rows, **look)


def _plain(text: str) -> str:
    """Write a name in one line, and no part of it as a formula."""
    return " ".join(text.split()).replace("$", r"\$")


def _draw_pareto(axes: "Axes", chart: ParetoChart) -> None:
    drawn = layers(chart)
    _prepare(axes, chart.title, legend_rows=math.ceil(len(drawn) / _legend_columns(drawn)))
    axes.grid(color=_LINE, linewidth=0.8)
    x, y = ranges(chart)
    _scale(axes, "x", chart.x, x)
    _scale(axes, "y", chart.y, y)
    for layer in drawn:
        _draw_layer(axes, chart, layer)
    for link in chart.links:
        _draw_link(axes, chart, link)
    if drawn:
        _draw_legend(axes, drawn)


def _scale(axes: "Axes", name: str, axis: Axis, stretch: AxisRange) -> None:
    ticks = stretch.ticks()
    axes.set(
        **{
            f"{name}scale": "log" if axis.log else "linear",
            f"{name}lim": (stretch.low, stretch.high),
            f"{name}ticks": ticks,
            f"{name}ticklabels": [tick_text(tick) for tick in ticks],
        }
    )
    axes.minorticks_off()
    write = axes.set_xlabel if name == "x" else axes.set_ylabel
    write(_plain(axis_name(axis)), fontsize=11, color=_INK, labelpad=6)


def _draw_layer(axes: "Axes", chart: ParetoChart, layer: Layer) -> None:
    points = layer.points
    look: dict[str, Any] = {"color": layer.colour, "marker": _MARKERS[layer.shape]}
    if layer.series.front:
        corners = staircase(chart, layer.series)
        axes.plot(*zip(*corners, strict=True), color=layer.colour, linewidth=2, zorder=3)
        look |= {"s": 84, "edgecolors": "white", "linewidths": 1.1, "zorder": 4}
    elif layer.cloud:
        look |= {"s": 7, "alpha": 0.35, "linewidths": 0, "zorder": 1}
    else:
        size, alpha = (54, 0.75) if layer.few else (22, 0.45)
        look |= {"s": size, "alpha": alpha, "linewidths": 0, "zorder": 2}
    axes.scatter([point.x for point in points], [point.y for point in points], **look)


def _legend_columns(drawn: Sequence[Layer]) -> int:
    """Return how many entries fit beside each other; columns are as wide as their widest."""
    widths = [len(layer.legend) + 6 for layer in drawn] or [1]
    if sum(widths) <= _LEGEND_CHARACTERS:
        return len(widths)
    return max(1, _LEGEND_CHARACTERS // max(widths))


def _draw_legend(axes: "Axes", drawn: Sequence[Layer]) -> None:
    """Write the legend above the axes, where it hides no point."""
    from matplotlib.lines import Line2D

    marks = [
        Line2D(
            [],
            [],
            color=layer.colour,
            marker=_MARKERS[layer.shape],
            markersize=8 if layer.series.front else 6,
            markeredgecolor="white" if layer.series.front else layer.colour,
            linewidth=2 if layer.series.front else 0,
        )
        for layer in drawn
    ]
    # Placeholders first: a name that begins with "_" would be left out of the legend.
    legend = axes.legend(
        marks,
        ["-"] * len(drawn),
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        borderaxespad=0.2,
        ncols=_legend_columns(drawn),
        frameon=False,
        fontsize=10.5,
        labelcolor=_INK,
    )
    # The title makes room for it; a name that is too wide must not narrow the axes.
    legend.set_in_layout(False)
    for text, layer in zip(legend.get_texts(), drawn, strict=True):
        text.set_text(_plain(layer.legend))


def _draw_link(axes: "Axes", chart: ParetoChart, link: Link) -> None:
    above = label_above(chart, link)
    start, end = (link.start.x, link.start.y), (link.end.x, link.end.y)
    arrow = {"arrowstyle": "-|>", "color": _INK, "linewidth": 1.3, "shrinkA": 5, "shrinkB": 5}
    axes.annotate("", xy=end, xytext=start, arrowprops=arrow, zorder=5)
    middle = _middle(chart.x, start[0], end[0]), _middle(chart.y, start[1], end[1])
    axes.annotate(
        _plain(shorten(link.label, 64)),
        xy=middle,
        xytext=(0, 8 if above else -8),
        textcoords="offset points",
        ha="center",
        va="bottom" if above else "top",
        fontsize=10.5,
        color=_INK,
        bbox=_BEHIND,
        zorder=6,
    )


def _middle(axis: Axis, one: float, other: float) -> float:
    return math.sqrt(one * other) if axis.log else (one + other) / 2


def _draw_bars(axes: "Axes", chart: BarChart) -> None:
    _prepare(axes, chart.title)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    count, largest = len(chart.labels), max(chart.values) or 1.0
    axes.barh(range(count), chart.values, color=COLOURS[0], height=0.7)
    axes.set_xlim(0, 1.1 * largest)
    axes.set_xticks([])
    axes.set_ylim(count - 0.4, -1.4)
    axes.set_yticks(range(count), [_plain(shorten(label, 36)) for label in chart.labels])
    for place, value in enumerate(chart.values):
        text = _plain(f"{figure(value)}{chart.unit}")
        beside: dict[str, Any] = {"va": "center", "fontsize": 10, "color": _INK, "zorder": 4}
        axes.text(value + 0.008 * largest, place, text, bbox=_BEHIND, **beside)
    axes.axvline(chart.mean, color=COLOURS[1], linewidth=1.6, linestyle=(0, (5, 3)))
    mean = _plain(f"mean {figure(chart.mean)}{chart.unit}")
    look: dict[str, Any] = {"va": "center", "fontsize": 10.5, "weight": "bold", "color": COLOURS[1]}
    axes.text(chart.mean + 0.008 * largest, -1.0, mean, **look)
