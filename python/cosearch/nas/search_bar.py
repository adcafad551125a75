"""A progress bar for a search."""

from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from cosearch.nas.history import SearchProgress


class SearchBar:
    """Shows how far a search is.

    Pass `update` as the ``progress`` of `cosearch.search`, inside a ``with`` statement. Where the
    output is no terminal it prints a line now and then.

    Parameters
    ----------
    console : rich.console.Console
        Where to draw.
    line_every_s : float
        Seconds between lines where there is no terminal.
    """

    def __init__(self, console: Console, line_every_s: float = 30.0) -> None:
        self._console = console
        self._line_every_s = line_every_s
        self._next_line_s = line_every_s
        self._bar = Progress(
            TextColumn("searching"),
            BarColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> "SearchBar":
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

    def update(self, progress: SearchProgress) -> None:
        """Show the state of a search."""
        text = describe_progress(progress)
        if self._console.is_terminal:
            self._bar.update(
                self._task,
                completed=progress.evaluations,
                total=progress.budget,
                description=text,
            )
        elif progress.elapsed_s >= self._next_line_s:
            self._next_line_s = progress.elapsed_s + self._line_every_s
            self._console.print(f"searching: {text}")


def describe_progress(progress: SearchProgress) -> str:
    """Say in a line how far a search is."""
    text = (
        f"{progress.evaluations} of {progress.budget} evaluations, hypervolume "
        f"{progress.hypervolume:.4f}, front of {progress.front}, "
        f"{timedelta(seconds=round(progress.elapsed_s))} gone"
    )
    if progress.left_s is not None:
        text += f", {timedelta(seconds=round(progress.left_s))} left"
    return text
