"""A chart of bars as a drawing, with a line at their mean."""

from collections.abc import Mapping

from cosearch.report.chart_layout import shorten
from cosearch.report.page.markup import Html, element, figure
from cosearch.report.page.plot_frame import WIDTH
from cosearch.report.pareto_chart import BarChart

_LEFT = 250.0
"""Room for the names."""
_LONGEST = 650.0
_TOP = 26.0
_STEP = 22.0


def bar_plot(chart: BarChart, keys: Mapping[str, int]) -> Html:
    """Draw a chart of bars, one below the other.

    Parameters
    ----------
    chart : BarChart
    keys : mapping of str to int
        What the elements of a network share, by label.
    """
    largest = max(chart.values) or 1.0
    height = _TOP + _STEP * len(chart.values) + 6
    tops = [_TOP + _STEP * index for index in range(len(chart.values))]
    lengths = [_LONGEST * value / largest for value in chart.values]
    mean = _LEFT + _LONGEST * chart.mean / largest
    rows = list(zip(chart.labels, chart.values, tops, lengths, strict=True))
    bars, texts = [], []
    for label, value, y, length in rows:
        written = f"{figure(value)}{chart.unit}"
        title = element("title", f"{label}\n{written}")
        place = {"x": _LEFT, "y": y, "width": length, "height": _STEP - 6}
        bars.append(element("rect", title, **place, class_="mark", data_point=str(keys[label])))
        line = y + _STEP / 2 + 1
        name = shorten(label, 36)
        texts.append(element("text", name, x=_LEFT - 8, y=line, text_anchor="end"))
        texts.append(element("text", written, x=_LEFT + length + 7, y=line, class_="value"))
    drawing = element(
        "svg",
        element("g", *bars, class_="s0 bars"),
        element("line", x1=mean, x2=mean, y1=4, y2=height, class_="mean"),
        element("text", f"mean {figure(chart.mean)}{chart.unit}", x=mean + 6, y=15, class_="mean"),
        *texts,
        viewBox=f"0 0 {WIDTH:.0f} {height:.0f}",
        role="group",
        aria_label=chart.title,
        class_="plot",
    )
    return element("div", drawing, class_="scroll")
