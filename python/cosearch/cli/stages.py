"""A progress bar for work that has several stages."""

from types import TracebackType

from rich.console import Console
from rich.progress import Progress, TaskID


class StagesBar:
    """Shows each stage with the time left; pass `update` as ``progress``.

    Parameters
    ----------
    console : rich.console.Console
        Where to draw.
    """

    def __init__(self, console: Console) -> None:
        columns = Progress.get_default_columns()
        self._bar = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._console = console
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "StagesBar":
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

    def update(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is; one that is new is added below the others."""
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=total)
            if not self._console.is_terminal:
                self._console.print(stage, highlight=False)
        self._bar.update(self._tasks[stage], completed=done, total=total)
