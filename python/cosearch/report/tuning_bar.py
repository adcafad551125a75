"""A progress bar for tuning, with the time left."""

from cosearch.report.work_bar import WorkBar
from cosearch.schedules.tuner import TuningProgress


class TuningBar(WorkBar):
    """Shows how far a tuning is; pass `update` as the ``progress`` of `cosearch.schedules.tune`."""

    work = "tuning"

    def update(self, progress: TuningProgress) -> None:
        """Show the state of a tuning."""
        done, total = _extent(progress)
        self.show(describe_progress(progress), progress.elapsed_s, done, total)


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
