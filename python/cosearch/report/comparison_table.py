"""Two builds of a network side by side, as a table for the terminal."""

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from cosearch.report.compare_reuse import Change, Comparison
from cosearch.report.reuse import Source
from cosearch.report.reuse_table import STYLES


def render_comparison(comparison: Comparison) -> Group:
    """Draw source and time of each kernel before and after, and the sums."""
    title = f"Compared with {comparison.label}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("kernel", overflow="fold")
    table.add_column("before")
    table.add_column("after")
    for name in ("before,\nµs", "after,\nµs", "after /\nbefore"):
        table.add_column(name, justify="right", no_wrap=True)
    for change in comparison.changes:
        table.add_row(*_row(change))
    table.add_section()
    table.add_row(*_row(comparison.total))
    return Group(table, *(Text(f"note: {note}", style="yellow") for note in comparison.notes))


def _row(change: Change) -> list[Text]:
    return [
        Text(change.name),
        _source(change.source_before),
        _source(change.source_after),
        *(Text("" if t is None else f"{t:.1f}") for t in (change.before_us, change.after_us)),
        Text("" if change.ratio is None else f"{change.ratio:.2f}"),
    ]


def _source(source: Source | None) -> Text:
    return Text(source, style=STYLES[source]) if source else Text("-")
