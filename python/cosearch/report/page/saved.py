"""What tuning the reused schedules had taken, and how that is known."""

from cosearch.report.page.markup import Html, element, figure, plural, section
from cosearch.report.reuse import ReuseReport
from cosearch.report.reuse_table import duration


def saved_section(report: ReuseReport) -> Html:
    """Say what reuse has saved against tuning the same kernels from scratch."""
    return section("Time saved against tuning", element("p", _derivation(report)), id_="saved")


def _derivation(report: ReuseReport) -> str:
    trials, seconds = report.tuning_trials_saved, report.tuning_seconds_saved
    if trials is None:
        return "The database was not asked what its tunings took."
    if not trials:
        return "No record is reused, so that no tuning was saved."
    measured = f"{plural(trials, 'candidate')} were measured for the records that are reused here"
    if seconds is None:
        return f"{measured}. The dates of the records do not tell what that took."
    return (
        f"{duration(seconds)} = {plural(trials, 'candidate')} × {figure(seconds / trials)} s. "
        f"{measured}, those of each workload counted once. What one took is the average over all "
        f"records under the same conditions, by their dates, pauses left out. To tune these "
        f"kernels as thoroughly from scratch would take about as long."
    )
