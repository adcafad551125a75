"""The reuse report as a table for the terminal."""

import io

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from cosearch.report.reuse import SOURCES, Kernel, ReuseReport

STYLES = {
    "exact": "green",
    "transferred": "magenta",
    "tuned": "cyan",
    "rules": "blue",
    "default": "yellow",
}


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
    title = f"Schedules of {report.network or 'the network'}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    columns = ["calls", "record,\nµs"]
    if report.measured:
        columns += ["measured,\nµs", "GFLOP\n/s"]
    if report.peak_gflops:
        columns += ["of\npeak"]
    table.add_column("kernel", overflow="fold", min_width=14)
    table.add_column("schedule", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("tuned for,\nor why not", overflow="fold", min_width=14)
    for kernel in report.kernels:
        table.add_row(*_row(kernel, report))
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
    text += f"; {report.threads} thread{'s' if report.threads != 1 else ''}"
    rejected = sum(len(kernel.rejected) for kernel in report.kernels)
    if rejected:
        text += f"; {rejected} schedule{'s' if rejected != 1 else ''} rejected"
    if report.tuning_seconds_saved:
        text += f"; tuning the reused ones had taken {duration(report.tuning_seconds_saved)}"
    if any(kernel.source == "transferred" for kernel in report.kernels):
        text += "\n~ what the cost model expects of a schedule that was measured for other shapes"
    return text


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def donor_text(kernel: Kernel) -> str:
    """Name the network that a record was tuned for, its row, and how far its workload is."""
    text = kernel.donor
    if kernel.record is not None:
        text += f" #{kernel.record}"
    if kernel.distance is not None:
        text += f", distance {kernel.distance:.2g}"
    return text.strip()


def _row(kernel: Kernel, report: ReuseReport) -> list[Text]:
    cells = [
        Text(kernel.name),
        Text(kernel.source, style=STYLES[kernel.source]),
        Text(str(kernel.calls)),
        Text(_recorded(kernel)),
    ]
    if report.measured:
        cells += [Text(_number(kernel.measured_us)), Text(_number(kernel.gflops))]
    if report.peak_gflops:
        share = report.share_of_peak(kernel)
        cells.append(Text("" if share is None else f"{share:.0%}"))
    return [*cells, Text(donor_text(kernel) or kernel.reason)]


def _recorded(kernel: Kernel) -> str:
    if kernel.source != "transferred":
        return _number(kernel.recorded_us)
    # What the record holds was measured for another workload.
    return "" if kernel.expected_us is None else f"~{_number(kernel.expected_us)}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
