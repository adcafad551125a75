"""A record: one measured schedule of one workload, with its conditions and provenance."""

import math
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import tvm_ffi
from tvm.ir import IRModule

from cosearch.blocks import Signature
from cosearch.schedules.conditions import Conditions


@dataclass(frozen=True, eq=False)
class Workload:
    """One fused PrimFunc that is scheduled on its own.

    Two workloads are equal when their signatures and the structure of their IR are.

    Attributes
    ----------
    mod : tvm.ir.IRModule
        A module whose only function, ``main``, is the unscheduled PrimFunc.
    signature : Signature
        Its shape-aware and shape-agnostic signatures.
    name : str
        Name of the function it came from, for people; never part of its identity.
    """

    mod: IRModule
    signature: Signature
    name: str = "main"

    def __eq__(self, other: object) -> bool:
        """Compare signature and structure."""
        if not isinstance(other, Workload):
            return NotImplemented
        if self.signature != other.signature:
            return False
        return bool(tvm_ffi.structural_equal(self.mod, other.mod))

    def __hash__(self) -> int:
        """Hash the signature."""
        return hash(self.signature)


@dataclass(frozen=True)
class Provenance:
    """Where a record came from.

    Attributes
    ----------
    network, block : str
        The network that was tuned and the signature (or name) of the block in it.
    trials : int
        Candidates measured for the workload when this one was found.
    search : str
        The search that found it, such as ``"evolutionary"``.
    created : str
        When, in UTC, ISO 8601; a database fills it in when it is empty.
    design : str
        The design of the schedule rules that the trace follows (`Design.text`), empty for a trace
        that follows none.
    """

    network: str = ""
    block: str = ""
    trials: int = 0
    search: str = ""
    created: str = ""
    design: str = ""


@dataclass(frozen=True)
class Record:
    """A measured schedule, or a candidate that failed.

    Attributes
    ----------
    workload : Workload
        What was scheduled.
    trace : list
        The schedule as MetaSchedule's JSON trace: instructions and decisions.
    latencies_us : tuple of float
        Measured times of one call in microseconds, one per repeat; empty for a failed candidate.
    conditions : Conditions
        Where it was measured.
    provenance : Provenance
        Who measured it, and for what.
    id : int or None
        Row in the database, None for a record that is in none.
    failure : str
        Why the candidate failed, empty for a measured one. Failed candidates are kept so that a
        resumed search does not try them again; no look-up returns them.
    """

    workload: Workload
    trace: list[Any]
    latencies_us: tuple[float, ...]
    conditions: Conditions
    provenance: Provenance = field(default_factory=Provenance)
    id: int | None = None
    failure: str = ""

    @property
    def latency_us(self) -> float:
        """Median of the measured times, in microseconds; infinite for a failed candidate."""
        return median(self.latencies_us) if self.latencies_us else math.inf
