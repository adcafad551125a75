"""A progress bar for tuning, with the time left."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from cosearch.schedules.tuner import TuningProgress


class TuningBar:
    """Shows how far a tuning is.

    Pass `update` as the ``progress`` of `cosearch.schedules.tune`, inside a ``with`` statement.
    Where the output is no terminal it prints a line now and then.

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
            TextColumn("tuning"),
            BarColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> "TuningBar":
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

    def update(self, progress: TuningProgress) -> None:
        """Show the state of a tuning."""
        text = describe_progress(progress)
        if self._console.is_terminal:
            done, total = _extent(progress)
            self._bar.update(self._task, completed=done, total=total, description=text)
        elif progress.elapsed_s >= self._next_line_s:
            self._next_line_s = progress.elapsed_s + self._line_every_s
            self._console.print(f"tuning: {text}")


def describe_progress(progress: TuningProgress) -> str:
    """Say in a line how far a tuning is."""
    total = "" if progress.total_trials is None else f" of {progress.total_trials}"
    text = f"{progress.trials}{total} candidates"
    if progress.failed:
        text += f", {progress.failed} failed"
    if progress.latency_us < float("inf"):
        text += f", kernels {progress.latency_us / 1e3:.2f} ms"
    text += f", {_duration(progress.elapsed_s)} gone"
    if progress.left_s is not None:
        text += f", {_duration(progress.left_s)} left"
    return text


def _extent(progress: TuningProgress) -> tuple[float, float | None]:
    if progress.left_s is None:
        return 0.0, None
    return progress.elapsed_s, progress.elapsed_s + progress.left_s


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
