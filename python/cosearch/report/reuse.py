"""Provenance of a build: for each kernel, how its schedule came."""

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

Source = Literal["exact", "tuned", "rules", "default"]
"""How a schedule came: looked up, tuned during the build, by the schedule rules without any
measurement, or not at all (TVM's own loops)."""
SOURCES: tuple[Source, ...] = get_args(Source)
RECORDED: tuple[Source, ...] = ("exact", "tuned")
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
    source : {"exact", "tuned", "rules", "default"}
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
    """

    kernels: tuple[Kernel, ...]
    network: str = ""
    target: str = ""
    threads: int = 1
    database: str = ""

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

    def with_measured(self, latency_us: Mapping[str, float]) -> "ReuseReport":
        """Return the report with measured times of kernels, in microseconds a call, by name."""
        kernels = tuple(replace(k, measured_us=latency_us.get(k.name)) for k in self.kernels)
        return replace(self, kernels=kernels)

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
        """Rebuild a report from `to_dict`.

        Raises
        ------
        ValueError
            When the data is no such report.
        """
        try:
            fields = {key: value for key, value in data.items() if key != "summary"}
            kernels = tuple(
                Kernel(**{**kernel, "blocks": tuple(kernel["blocks"])})
                for kernel in fields.pop("kernels")
            )
            return cls(kernels=kernels, **fields)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a reuse report: {error}") from error

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
