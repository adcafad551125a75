"""The network as a row of blocks, each a stack of its kernels in the colours of their sources."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from cosearch.report.page.markup import Html, element, plural
from cosearch.report.page.scale import Column, Part, Scale
from cosearch.report.reuse import ReuseReport
from cosearch.report.reuse_table import donor_text

TOP = 8.0
HEIGHT = 200.0
LEFT = 84.0
LABELS = 26.0
WIDTH = 1240.0
NARROWEST = 7.0
WIDEST = 80.0
CHARACTER = 6.2
"""Width of a character of a label."""


@dataclass(frozen=True)
class _Frame:
    """What all columns share: their width, the scale of heights, the rows of the table."""

    step: float
    highest: float
    scale: Scale
    anchors: dict[str, str]

    @property
    def bottom(self) -> float:
        return TOP + HEIGHT


def network_chart(report: ReuseReport, row: Sequence[Column], scale: Scale) -> Html:
    """Draw the network; it scrolls where it has more blocks than fit.

    Parameters
    ----------
    report : ReuseReport
    row : sequence of Column
        What `columns` made of it.
    scale : Scale
        What the heights stand for.
    """
    if not row:
        return element("p", "There is no kernel.", class_="empty")
    frame = _Frame(
        step=max(NARROWEST, min(WIDEST, (WIDTH - LEFT) / len(row))),
        highest=max(column.size for column in row) or 1.0,
        scale=scale,
        anchors={kernel.name: f"#k{index}" for index, kernel in enumerate(report.kernels)},
    )
    width, height = LEFT + frame.step * len(row), TOP + HEIGHT + LABELS + 4
    drawing = element(
        "svg",
        *_grid(frame, width),
        *(_bar(column, LEFT + i * frame.step, frame) for i, column in enumerate(row)),
        *_labels(row, frame),
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        style=f"width:100%;min-width:{LEFT + NARROWEST * len(row):.0f}px;max-width:{width:.0f}px",
        role="img",
        aria_label=f"{plural(len(row), 'block')} in the order in which they run",
    )
    return element("div", drawing, class_="scroll")


def _grid(frame: _Frame, width: float) -> Iterator[Html]:
    for share in (0.0, 0.5, 1.0):
        y = frame.bottom - share * HEIGHT
        yield element("line", x1=LEFT - 4, x2=width, y1=y, y2=y, class_="grid")
        text = frame.scale.write(share * frame.highest)
        yield element("text", text, x=LEFT - 8, y=y + 4, text_anchor="end", class_="axis")


def _bar(column: Column, x: float, frame: _Frame) -> Html:
    pieces, y = [], frame.bottom
    for part in column.parts:
        height = part.size / frame.highest * HEIGHT
        y -= height
        rect = element(
            "rect",
            element("title", _describe(part, column, frame.scale)),
            x=x + 1,
            y=y,
            width=frame.step - 2,
            height=max(0.5, height - (0.8 if height > 3 else 0.0)),
            class_=part.kernel.source,
        )
        pieces.append(element("a", rect, href=frame.anchors[part.kernel.name]))
    return element("g", *pieces)


def _describe(part: Part, column: Column, scale: Scale) -> str:
    kernel = part.kernel
    origin = donor_text(kernel) or kernel.reason
    lines = [
        kernel.name,
        f"{kernel.source}: {origin}" if origin else kernel.source,
        f"{scale.write(part.size)} of {scale.write(column.size)} in "
        f"{column.pattern or 'no block'}; {plural(kernel.calls, 'call')} in all",
    ]
    return "\n".join(lines)


def _labels(row: Sequence[Column], frame: _Frame) -> Iterator[Html]:
    """Name the patterns below; neighbours of one pattern share a name."""
    start, y = 0, frame.bottom + LABELS - 4
    for pattern, group in groupby(row, lambda column: column.pattern):
        count = len(list(group))
        x, width = LEFT + start * frame.step, count * frame.step
        start += count
        if not pattern:
            continue
        yield element("line", x1=x + 1, x2=x + width - 1, y1=y - 15, y2=y - 15, class_="brace")
        text = f"{pattern} × {count}" if count > 1 else pattern
        fitting = int((width - 6) / CHARACTER)
        if len(text) > fitting:
            text = text[: fitting - 1] + "…" if fitting > 4 else ""
        yield element("text", text, x=x + width / 2, y=y, text_anchor="middle", class_="axis")
