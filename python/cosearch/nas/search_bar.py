"""A progress bar for a search."""

from datetime import timedelta

from cosearch.nas.history import SearchProgress
from cosearch.report.work_bar import WorkBar


class SearchBar(WorkBar):
    """Shows how far a search is; pass `update` as the ``progress`` of `cosearch.search`."""

    work = "searching"

    def update(self, progress: SearchProgress) -> None:
        """Show the state of a search."""
        text = describe_progress(progress)
        self.show(text, progress.elapsed_s, progress.evaluations, progress.budget)


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
