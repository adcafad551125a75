"""The reuse report as a table for the terminal."""

import io

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from cosearch.report.reuse import SOURCES, Kernel, ReuseReport

STYLES = {"exact": "green", "tuned": "cyan", "rules": "blue", "default": "yellow"}


def reuse_table(report: ReuseReport, width: int = 120) -> str:
    """Draw a reuse report as plain text.

    Parameters
    ----------
    report : ReuseReport
        The report of a build.
    width : int
        Characters in a line.
    """
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(render_reuse(report))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def render_reuse(report: ReuseReport) -> Group:
    """Draw a reuse report for a rich console: one row a kernel, and the sums."""
    measured = any(kernel.measured_us is not None for kernel in report.kernels)
    table = Table(title=f"Schedules of {report.network or 'the network'}", title_justify="left")
    for name, justify in (
        ("kernel", "left"),
        ("calls", "right"),
        ("schedule", "left"),
        ("record", "right"),
        ("recorded, µs", "right"),
        ("measured, µs", "right"),
        ("tuned for, or why not", "left"),
    ):
        if name != "measured, µs" or measured:
            table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for kernel in report.kernels:
        table.add_row(*_row(kernel, measured))
    return Group(table, Text(summary(report)))


def summary(report: ReuseReport) -> str:
    """Say in a line how much of a build came out of the database."""
    counts = ", ".join(f"{report.count(source)} {source}" for source in SOURCES)
    text = (
        f"{len(report.kernels)} kernels: {counts}; {report.share_of_kernels:.0%} of the kernels "
        f"out of the database"
    )
    share = report.share_of_time
    if share is not None:
        text += f", {share:.0%} of the time in them"
    return f"{text}; {report.threads} thread{'s' if report.threads != 1 else ''}"


def _row(kernel: Kernel, measured: bool) -> list[Text | str]:
    cells: list[Text | str] = [
        kernel.name,
        str(kernel.calls),
        Text(kernel.source, style=STYLES[kernel.source]),
        "" if kernel.record is None else str(kernel.record),
        _microseconds(kernel.recorded_us),
    ]
    if measured:
        cells.append(_microseconds(kernel.measured_us))
    return [*cells, kernel.donor or kernel.reason]


def _microseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
