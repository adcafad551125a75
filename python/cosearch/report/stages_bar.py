"""A progress bar for work that has several stages."""

from rich.console import Console
from rich.progress import Progress, TaskID


class StagesBar(Progress):
    """Shows each stage with the time left; pass `show` as ``progress``.

    Parameters
    ----------
    console : rich.console.Console
        Where to draw; where it is no terminal each stage is named once.
    """

    def __init__(self, console: Console) -> None:
        columns = Progress.get_default_columns()
        super().__init__(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._stages: dict[str, TaskID] = {}

    def show(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is; one that is new is added below the others."""
        if stage not in self._stages:
            self._stages[stage] = self.add_task(stage, total=total)
            if self.disable:
                self.console.print(stage, highlight=False)
        self.update(self._stages[stage], completed=done, total=total)
