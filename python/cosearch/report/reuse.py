"""Provenance of a build: for each kernel, how its schedule came."""

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from cosearch.report.decode import decode
from cosearch.schedules.apply import Rejection
from cosearch.schedules.call_sites import BlockCall

Source = Literal["exact", "transferred", "tuned", "rules", "default"]
"""How a schedule came: looked up, refitted from a record of a similar workload, tuned during the
build, by the schedule rules without any measurement, or not at all (TVM's own loops)."""
SOURCES: tuple[Source, ...] = get_args(Source)
RECORDED: tuple[Source, ...] = ("exact", "transferred", "tuned")
"""Sources that are records of the database."""


@dataclass(frozen=True)
class Kernel:
    """One compiled kernel and where its schedule came from.

    Attributes
    ----------
    name : str
        Its name in the compiled module.
    workload : str
        Shape-aware signature of the workload.
    workload_agnostic : str
        Shape-agnostic signature of the workload.
    source : {"exact", "transferred", "tuned", "rules", "default"}
        How its schedule came.
    calls : int
        Times that one run of the network calls it.
    blocks : tuple of str
        Patterns of the blocks that contain it, empty outside of blocks.
    record : int or None
        Row of the record in the database.
    donor : str
        Network that the record was tuned for.
    recorded_us : float or None
        Latency of one call that the record holds, in microseconds.
    measured_us : float or None
        Latency of one call in this build, in microseconds, when it was profiled.
    reason : str
        Why there is no record for it.
    distance : float or None
        How far the workload that the record was measured for is from this one; None where it is
        this very one, or there is no record.
    donor_workload : str
        Shape-aware signature of the workload that a transferred record was measured for.
    expected_us : float or None
        Latency of one call that the cost model expects of the schedule, in microseconds.
    flops : float
        Floating-point operations of one call; 0 where they cannot be counted.
    rejected : tuple of Rejection
        Schedules that were tried before, and not used.
    """

    name: str
    workload: str
    workload_agnostic: str
    source: Source
    calls: int
    blocks: tuple[str, ...] = ()
    record: int | None = None
    donor: str = ""
    recorded_us: float | None = None
    measured_us: float | None = None
    reason: str = ""
    distance: float | None = None
    donor_workload: str = ""
    expected_us: float | None = None
    flops: float = 0.0
    rejected: tuple[Rejection, ...] = ()

    @property
    def gflops(self) -> float | None:
        """Measured rate in GFLOP/s; None without a measurement or a count of operations."""
        if not self.measured_us or not self.flops:
            return None
        return self.flops / self.measured_us / 1e3


@dataclass(frozen=True)
class ReuseReport:
    """Where the schedules of a build came from.

    Attributes
    ----------
    kernels : tuple of Kernel
        In the order of their first call.
    network : str
        The network that was built.
    target : str
        Normalised target.
    threads : int
        Threads that the kernels are compiled for.
    database : str
        URL of the database that was asked, empty without one.
    blocks : tuple of BlockCall
        The network's blocks in the order of their calls; empty in reports of older versions.
    peak_gflops : float or None
        What the machine can do at most on these threads, in GFLOP/s, where it was measured.
    tuning_trials_saved : int or None
        Candidates that were measured for the records which this build reuses: a build without
        them would have to measure as many.
    tuning_seconds_saved : float or None
        What that took, by the dates of the database's records; None where they do not tell.
    """

    kernels: tuple[Kernel, ...]
    network: str = ""
    target: str = ""
    threads: int = 1
    database: str = ""
    blocks: tuple[BlockCall, ...] = ()
    peak_gflops: float | None = None
    tuning_trials_saved: int | None = None
    tuning_seconds_saved: float | None = None

    def count(self, source: Source) -> int:
        """Return the number of kernels whose schedule came from `source`."""
        return sum(kernel.source == source for kernel in self.kernels)

    @property
    def share_of_kernels(self) -> float:
        """Share of the kernels with a schedule out of the database, from 0 to 1."""
        covered = sum(self.count(source) for source in RECORDED)
        return covered / len(self.kernels) if self.kernels else 0.0

    @property
    def share_of_time(self) -> float | None:
        """Share of the measured time in such kernels; None for a build that was not profiled."""
        if any(kernel.measured_us is None for kernel in self.kernels) or not self.kernels:
            return None
        times = {k.name: k.calls * (k.measured_us or 0.0) for k in self.kernels}
        covered = sum(times[k.name] for k in self.kernels if k.source in RECORDED)
        total = sum(times.values())
        return covered / total if total else 0.0

    @property
    def measured(self) -> bool:
        """Whether kernels were measured."""
        return any(kernel.measured_us is not None for kernel in self.kernels)

    @property
    def latency_us(self) -> float | None:
        """Time of one run in the kernels that were measured; None for a build that was not."""
        if not self.measured:
            return None
        return sum(kernel.calls * (kernel.measured_us or 0.0) for kernel in self.kernels)

    def share_of_peak(self, kernel: Kernel) -> float | None:
        """Return a kernel's rate by the machine's peak; None where either is not known."""
        if not self.peak_gflops or kernel.gflops is None:
            return None
        return kernel.gflops / self.peak_gflops

    def with_measured(
        self, latency_us: Mapping[str, float], peak_gflops: float | None = None
    ) -> "ReuseReport":
        """Return the report with what was measured.

        Parameters
        ----------
        latency_us : mapping of str to float
            Time of one call in microseconds, by name of the kernel.
        peak_gflops : float, optional
            The machine's peak in GFLOP/s.
        """
        kernels = tuple(replace(k, measured_us=latency_us.get(k.name)) for k in self.kernels)
        return replace(self, kernels=kernels, peak_gflops=peak_gflops)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, with its sums."""
        summary: dict[str, Any] = {
            "kernels": len(self.kernels),
            **{source: self.count(source) for source in SOURCES},
            "share_of_kernels": self.share_of_kernels,
            "share_of_time": self.share_of_time,
        }
        return {**asdict(self), "summary": summary}

    def to_json(self) -> str:
        """Return the report as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ReuseReport":
        """Rebuild a report from `to_dict`, of this version or an older one.

        Raises
        ------
        ValueError
            When the data is no such report.
        """
        try:
            report: ReuseReport = decode(cls, data)
        except ValueError as error:
            raise ValueError(f"not a reuse report: {error}") from error
        return report

    def __str__(self) -> str:
        """Draw the report as a plain table."""
        from cosearch.report.reuse_table import reuse_table

        return reuse_table(self)


_last: ContextVar[ReuseReport | None] = ContextVar("cosearch_last_reuse", default=None)


def last_reuse() -> ReuseReport | None:
    """Return the report of the newest co-search build in this context, if there was one.

    ``tvm.compile(..., relax_pipeline="cosearch")`` returns TVM's own executable, which has no room
    for a report: it is here.
    """
    return _last.get()


def set_last_reuse(report: ReuseReport | None) -> None:
    """Remember the report of a build, or that there is none."""
    _last.set(report)
