"""The kernels most worth tuning, as a table for the terminal."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from cosearch.schedules.worth import Worth


def render_worth(worth: Sequence[Worth]) -> Table:
    """Draw what tuning is expected to gain, one row a kernel."""
    table = Table(
        title="Most worth tuning", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("kernel", overflow="fold")
    for name in ("calls", "now,\nµs", "expected,\nµs", "gain a run,\nµs"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("learnt from")
    for one in worth:
        figures = (one.current_us, one.expected_us, one.expected_gain_us)
        cells = (one.name, str(one.calls), *(f"{value:.1f}" for value in figures), one.basis)
        table.add_row(*map(Text, cells))
    return table
