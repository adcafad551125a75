"""Give every workload of a module the best schedule that a database has for it."""

import contextlib
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import tvm
from tvm.ir import GlobalVar, IRModule
from tvm.s_tir.analysis import verify_well_formed
from tvm.tirx import PrimFunc
from tvm_ffi.serialization import from_json_graph_str

from cosearch.blocks import Signature, workload_signature
from cosearch.schedules.call_sites import CallSites
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.record import Record
from cosearch.schedules.rules.anatomy import NotScheduled
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.similarity import describe_workload
from cosearch.schedules.store.codec import first_line
from cosearch.schedules.store.errors import DatabaseError
from cosearch.schedules.store.isolation import run_isolated
from cosearch.schedules.store.replay import replay
from cosearch.schedules.transfer.candidates import DONORS, Candidate, rank_candidates
from cosearch.schedules.transfer.knowledge import Knowledge
from cosearch.schedules.transfer.relatives import choose_relative

Verifier = Callable[[PrimFunc, PrimFunc], str]
"""Compares a workload with its scheduled form; returns what is wrong, or nothing."""

RECORDS = 4
"""Records of a workload to try before it gets a schedule that was not measured for it."""
CANDIDATES = 8
"""Such schedules to try before it keeps TVM's loops."""


class RejectedScheduleWarning(UserWarning):
    """A record of the database was not used, and why."""


@dataclass(frozen=True)
class Rejection:
    """A schedule that was tried for a workload and did not serve.

    Attributes
    ----------
    record : int or None
        Row of the record that it came from; None for one of the rules.
    donor : str
        Network that the record was tuned for.
    reason : str
        What is wrong with it.
    """

    record: int | None
    donor: str
    reason: str


@dataclass(frozen=True)
class Applied:
    """What became of one workload.

    Attributes
    ----------
    signature : Signature
        Of the unscheduled workload.
    record : Record or None
        The record of this workload whose trace was applied, None where there is none.
    candidate : Candidate or None
        The schedule that was applied without having been measured for this workload: a donor's, or
        one of the rules.
    reason : str
        Why there is no record, and why there is no candidate either.
    rejected : tuple of Rejection
        What was tried before.
    """

    signature: Signature
    record: Record | None = None
    candidate: Candidate | None = None
    reason: str = ""
    rejected: tuple[Rejection, ...] = ()


@dataclass
class _Job:
    """A workload, the records that are left to try for it, and what became of it."""

    var: GlobalVar
    func: PrimFunc
    signature: Signature
    records: list[Record] = field(default_factory=list)
    reason: str = "no record"
    rejected: list[Rejection] = field(default_factory=list)
    result: PrimFunc | None = None
    record: Record | None = None
    candidate: Candidate | None = None
    relative: str = ""

    @property
    def mod(self) -> IRModule:
        return IRModule({"main": self.func})

    def reject_record(self, fault: str) -> None:
        """Drop the record at the head of the list."""
        record = self.records.pop(0)
        self.reason = f"record {record.id}: {fault}"
        self.rejected.append(Rejection(record.id, record.provenance.network, fault))
        warnings.warn(
            f"schedule for {self.var.name_hint} rejected: {self.reason}",
            RejectedScheduleWarning,
            stacklevel=4,
        )

    @property
    def outcome(self) -> Applied:
        return Applied(
            self.signature,
            self.record,
            self.candidate,
            "" if self.record is not None else self.reason,
            tuple(self.rejected),
        )


def apply_schedules(
    mod: IRModule,
    database: ScheduleDatabase,
    conditions: Conditions,
    verifier: Verifier | None = None,
) -> tuple[IRModule, dict[str, Applied]]:
    """Schedule the workloads of a module from a database, without measuring anything.

    For each workload the fastest record under equal conditions is replayed. A workload without one
    gets the schedule that is expected to be the fastest of those that donors and the rules offer
    (see `rank_candidates`), and keeps TVM's own loops where nothing fits.

    A database never makes a build fail. Traces are replayed in a process of its own, since a
    damaged one can crash TVM; one that crashes, does not apply, gives ill-formed IR or (with a
    verifier) another result is counted and stepped over, and a donor that did not suit is not
    tried again for that workload.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A module of workloads (see `lower_to_workloads`); it is left as it was.
    database : ScheduleDatabase
        Where to look.
    conditions : Conditions
        Where the kernels are to run.
    verifier : callable, optional
        Judges ``(workload, scheduled)`` by its result.

    Returns
    -------
    mod : tvm.ir.IRModule
        The module with scheduled kernels.
    applied : dict of str to Applied
        By name of the PrimFunc.
    """
    jobs = [
        _look_up(var, func, database, conditions)
        for var, func in mod.functions.items()
        if is_workload(func)
    ]
    _apply_records(jobs, verifier)
    left = [job for job in jobs if job.result is None]
    if left:
        machine = Machine.of(conditions)
        knowledge = _know(database, conditions)
        _find_relatives(mod, left, knowledge)
        for job in left:
            _apply_candidates(job, machine, knowledge, verifier)
    scheduled = IRModule(
        dict(mod.functions.items()), attrs=mod.attrs, global_infos=mod.global_infos
    )
    for job in jobs:
        if job.result is not None:
            scheduled.update_func(job.var, job.result)
    return scheduled, {job.var.name_hint: job.outcome for job in jobs}


def is_workload(func: object) -> bool:
    """Tell whether a function of a module is an unscheduled kernel."""
    return isinstance(func, PrimFunc) and not (func.attrs or {}).get("tirx.is_scheduled", False)


def _look_up(
    var: GlobalVar, func: PrimFunc, database: ScheduleDatabase, conditions: Conditions
) -> _Job:
    job = _Job(var, func, workload_signature(func))
    try:
        job.records = database.top(job.signature, conditions, RECORDS, job.mod)
    except DatabaseError as error:
        job.reason = f"the database cannot be read: {error}"
        message = f"no schedule for {var.name_hint}: {job.reason}"
        warnings.warn(message, RejectedScheduleWarning, stacklevel=3)
    return job


def _know(database: ScheduleDatabase, conditions: Conditions) -> Knowledge:
    try:
        return database.knowledge(conditions)
    except DatabaseError:  # said already, for each workload
        return Knowledge([], conditions)


def _find_relatives(mod: IRModule, jobs: Sequence[_Job], knowledge: Knowledge) -> None:
    """Find, for the workloads of each block, the tuned block that is nearest to it."""
    sites = CallSites.of(mod).kernels
    blocks: dict[str, list[_Job]] = defaultdict(list)
    for job in jobs:
        site = sites.get(job.var.name_hint)
        if site is not None and site.signatures:
            blocks[site.signatures[0]].append(job)
    for members in blocks.values():
        try:
            donors = [
                knowledge.donors(job.signature, describe_workload(job.func), DONORS)
                for job in members
            ]
        except DatabaseError:
            return
        for job in members:
            job.relative = choose_relative(donors)


def _apply_records(jobs: list[_Job], verifier: Verifier | None) -> None:
    while pending := [job for job in jobs if job.records]:
        outcomes = run_isolated(_replay, pending)
        for job, outcome in zip(pending, outcomes, strict=True):
            if outcome.fault:
                job.reject_record(f"does not apply: {outcome.fault}")
                continue
            result = _finish(job.func, _read(outcome.value))
            fault = verifier(job.func, result) if verifier is not None else ""
            if fault:
                job.reject_record(fault)
                continue
            job.result, job.record = result, job.records[0]
            job.records = []


def _replay(job: _Job) -> str:
    text: str = tvm.ir.save_json(replay(job.records[0].trace, job.mod).mod["main"])
    return text


def _apply_candidates(
    job: _Job, machine: Machine, knowledge: Knowledge, verifier: Verifier | None
) -> None:
    """Schedule a workload by the first candidate that serves; note why none does."""
    fault = "no rule fits it"
    try:
        candidates = rank_candidates(
            job.mod, job.signature, machine, knowledge, relative=job.relative
        )
        for candidate in islice(candidates, CANDIDATES):
            result, fault = _try(job, candidate, machine, verifier)
            if not fault:
                job.result, job.candidate = result, candidate
                return
            _reject(job, candidate, knowledge, fault)
    except (NotScheduled, DatabaseError) as error:
        fault = str(error)
    job.reason = f"{job.reason}; rules: {fault}"


def _try(
    job: _Job, candidate: Candidate, machine: Machine, verifier: Verifier | None
) -> tuple[PrimFunc | None, str]:
    """Apply a candidate; return the kernel, and what is wrong with it."""
    try:
        if candidate.design is not None:
            kernel = candidate.schedule(job.mod, machine).mod["main"]
        else:
            kernel = _apply_isolated(job, candidate, machine)
        if not verify_well_formed(kernel, assert_mode=False):
            return None, "the scheduled kernel is not well-formed"
    except Exception as error:  # whatever TVM raises
        return None, f"does not apply: {first_line(error)}"
    result = _finish(job.func, kernel)
    return result, verifier(job.func, result) if verifier is not None else ""


def _apply_isolated(job: _Job, candidate: Candidate, machine: Machine) -> PrimFunc:
    def apply(candidate: Candidate) -> str:
        text: str = tvm.ir.save_json(candidate.schedule(job.mod, machine).mod["main"])
        return text

    outcome = next(run_isolated(apply, [candidate]))
    if outcome.fault:
        raise ValueError(outcome.fault)
    return _read(outcome.value)


def _reject(job: _Job, candidate: Candidate, knowledge: Knowledge, fault: str) -> None:
    donor = candidate.donor
    if donor is None:
        job.rejected.append(Rejection(None, "", fault))
        return
    job.rejected.append(Rejection(donor.record_id, donor.network, fault))
    with contextlib.suppress(DatabaseError):  # a full disk, say: it is only tried again
        knowledge.reject(job.signature, donor, fault)


def _read(text: str) -> PrimFunc:
    """Read what a child wrote; TVM's own way first looks for the formats of its older versions."""
    return from_json_graph_str(text)


def _finish(func: PrimFunc, kernel: PrimFunc) -> PrimFunc:
    """Give a scheduled kernel the attributes that mark it as done."""
    if "global_symbol" not in (func.attrs or {}):
        kernel = kernel.without_attr("global_symbol")
    return kernel.with_attr("tirx.is_scheduled", True)
