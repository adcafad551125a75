"""What surrounds the points of a plot: grid, ticks and the names of the axes."""

from collections.abc import Iterator
from dataclasses import dataclass

from cosearch.report.axis_range import AxisRange, tick_text
from cosearch.report.chart_layout import axis_name
from cosearch.report.page.markup import Html, element
from cosearch.report.pareto_chart import Axis

WIDTH = 1000.0
HEIGHT = 520.0
LEFT, RIGHT, TOP, BOTTOM = 76.0, 982.0, 12.0, 468.0


@dataclass(frozen=True)
class PlotFrame:
    """The area of a plot, in the units of its drawing.

    Attributes
    ----------
    x, y : AxisRange
        What its sides show.
    """

    x: AxisRange
    y: AxisRange

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where values stand in the drawing."""
        return (
            LEFT + self.x.share(x) * (RIGHT - LEFT),
            BOTTOM - self.y.share(y) * (BOTTOM - TOP),
        )

    def draw(self, x: Axis, y: Axis) -> Iterator[Html]:
        """Draw grid and axes."""
        for tick in self.x.ticks():
            at = LEFT + self.x.share(tick) * (RIGHT - LEFT)
            yield element("line", x1=at, x2=at, y1=TOP, y2=BOTTOM + 5, class_="grid")
            text = tick_text(tick)
            yield element("text", text, x=at, y=BOTTOM + 19, text_anchor="middle", class_="axis")
        for tick in self.y.ticks():
            at = BOTTOM - self.y.share(tick) * (BOTTOM - TOP)
            yield element("line", x1=LEFT - 5, x2=RIGHT, y1=at, y2=at, class_="grid")
            text = tick_text(tick)
            yield element("text", text, x=LEFT - 9, y=at + 4, text_anchor="end", class_="axis")
        yield element("path", d=f"M{LEFT:g} {TOP:g}V{BOTTOM:g}H{RIGHT:g}", class_="axes")
        middle = (LEFT + RIGHT) / 2
        yield element("text", axis_name(x), x=middle, y=HEIGHT - 10, text_anchor="middle")
        middle = (TOP + BOTTOM) / 2
        turned = f"rotate(-90 18 {middle:g})"
        yield element("text", axis_name(y), x=18, y=middle, text_anchor="middle", transform=turned)
