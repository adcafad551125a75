"""What the reuse of a build has saved, and what tuning its kernels would gain."""

from dataclasses import replace

from cosearch.blocks import Signature
from cosearch.report.reuse import Kernel, ReuseReport
from cosearch.schedules.tuning_history import TuningHistory
from cosearch.schedules.worth import KernelTime, Worth, rank_worth


def appraise(report: ReuseReport, history: TuningHistory) -> tuple[ReuseReport, list[Worth]]:
    """Complete a report by what the database knows of the tunings that its records come from.

    Parameters
    ----------
    report : ReuseReport
        The report of a build, measured if possible: of a kernel that was not, the time that the
        cost model expects or the record holds is taken.
    history : TuningHistory
        Of the database that the build asked, under its conditions.

    Returns
    -------
    report : ReuseReport
        With `ReuseReport.tuning_trials_saved` and `ReuseReport.tuning_seconds_saved`.
    worth : list of Worth
        What tuning would gain, most first; kernels whose time is not known are left out.
    """
    trials = _trials_saved(report, history)
    rate_s = history.seconds_per_trial
    saved_s = None if rate_s is None else trials * rate_s
    report = replace(report, tuning_trials_saved=trials, tuning_seconds_saved=saved_s)
    return report, rank_worth(_times(report), history)


def current_us(kernel: Kernel) -> float | None:
    """Return the best that is known of a kernel's time, in microseconds a call."""
    # What a transferred record holds was measured for another workload.
    recorded_us = None if kernel.source == "transferred" else kernel.recorded_us
    known = (kernel.measured_us, kernel.expected_us, recorded_us)
    return next((value for value in known if value is not None), None)


def _trials_saved(report: ReuseReport, history: TuningHistory) -> int:
    """Count what was measured for the donors, once for each workload of the network."""
    donors = {
        kernel.workload: kernel.donor_workload or kernel.workload
        for kernel in report.kernels
        if kernel.source in ("exact", "transferred")
    }
    found = (history.workloads.get(donor) for donor in donors.values())
    return sum(donor.trials for donor in found if donor is not None)


def _times(report: ReuseReport) -> list[KernelTime]:
    return [
        KernelTime(
            name=kernel.name,
            signature=Signature(kernel.workload, kernel.workload_agnostic),
            calls=kernel.calls,
            current_us=time_us,
            is_recorded=kernel.source in ("exact", "tuned"),
        )
        for kernel in report.kernels
        if (time_us := current_us(kernel)) is not None
    ]
