"""A progress bar that a terminal sees move, and a log sees now and then."""

from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

if TYPE_CHECKING:
    from typing_extensions import Self


class WorkBar:
    """Shows how far some work is, inside a ``with`` statement.

    Where the output is no terminal it prints a line now and then.

    Parameters
    ----------
    console : rich.console.Console
        Where to draw.
    line_every_s : float
        Seconds between lines where there is no terminal.
    """

    work = "working"
    """What is being done; classes of their own say theirs."""

    def __init__(self, console: Console, line_every_s: float = 30.0) -> None:
        self._console = console
        self._line_every_s = line_every_s
        self._next_line_s = line_every_s
        self._bar = Progress(
            TextColumn(self.work),
            BarColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> "Self":
        """Start drawing."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing."""
        self._bar.stop()

    def show(self, text: str, elapsed_s: float, done: float, total: float | None) -> None:
        """Show where the work is.

        Parameters
        ----------
        text : str
            All of it in a line.
        elapsed_s : float
            Seconds since it began.
        done, total : float
            Lengths of the bar; None where nobody knows yet.
        """
        if self._console.is_terminal:
            self._bar.update(self._task, completed=done, total=total, description=text)
        elif elapsed_s >= self._next_line_s:
            self._next_line_s = elapsed_s + self._line_every_s
            self._console.print(f"{self.work}: {text}")
