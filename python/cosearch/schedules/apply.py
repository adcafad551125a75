"""Give every workload of a module the best schedule that a database has for it."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import tvm
from tvm.ir import GlobalVar, IRModule
from tvm.tirx import PrimFunc

from cosearch.blocks import Signature, workload_signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.record import Record
from cosearch.schedules.rules.anatomy import NotScheduled
from cosearch.schedules.rules.design import apply_design, rank_designs
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.store.errors import DatabaseError
from cosearch.schedules.store.isolation import run_isolated
from cosearch.schedules.store.replay import replay

Verifier = Callable[[PrimFunc, PrimFunc], str]
"""Compares a workload with its scheduled form; returns what is wrong, or nothing."""

CANDIDATES = 4
"""Records, and then designs of the rules, to try for a workload before it keeps TVM's loops."""


class RejectedScheduleWarning(UserWarning):
    """A record of the database was not used, and why."""


@dataclass(frozen=True)
class Applied:
    """What became of one workload.

    Attributes
    ----------
    signature : Signature
        Of the unscheduled workload.
    record : Record or None
        The record whose trace was applied, None where the rules scheduled it, or nothing did.
    by_rules : bool
        Whether the schedule is the one that the rules expect to be the fastest.
    reason : str
        Why there is no record, and why the rules do not help where they do not.
    """

    signature: Signature
    record: Record | None = None
    by_rules: bool = False
    reason: str = ""


@dataclass
class _Search:
    """A workload, and the records that are left to try for it."""

    var: GlobalVar
    func: PrimFunc
    signature: Signature
    records: list[Record] = field(default_factory=list)
    reason: str = "no record"

    def reject(self, fault: str) -> None:
        """Drop the record at the head of the list."""
        self.reason = f"record {self.records.pop(0).id}: {fault}"
        warnings.warn(
            f"schedule for {self.var.name_hint} rejected: {self.reason}",
            RejectedScheduleWarning,
            stacklevel=4,
        )


def apply_schedules(
    mod: IRModule,
    database: ScheduleDatabase,
    conditions: Conditions,
    verifier: Verifier | None = None,
) -> tuple[IRModule, dict[str, Applied]]:
    """Schedule the workloads of a module from a database, without measuring anything.

    For each workload the fastest record under equal conditions is replayed, in a process of its
    own, since a damaged trace can crash TVM. One that crashes, does not apply, gives ill-formed IR
    or (with a verifier) another result is skipped with a warning, and the next one is tried: a
    database never makes a build fail. A workload without a record gets the schedule that the rules
    rank first (see `rank_designs`), and keeps TVM's own loops where no rule fits.

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
    searches = [
        _look_up(var, func, database, conditions)
        for var, func in mod.functions.items()
        if is_workload(func)
    ]
    scheduled = IRModule(
        dict(mod.functions.items()), attrs=mod.attrs, global_infos=mod.global_infos
    )
    applied = {s.var.name_hint: Applied(s.signature, reason=s.reason) for s in searches}
    while pending := [search for search in searches if search.records]:
        outcomes = run_isolated(_replay, pending)
        for search, outcome in zip(pending, outcomes, strict=True):
            fault = f"does not apply: {outcome.fault}" if outcome.fault else ""
            result = None
            if not fault:
                result = _restore(search.func, outcome.value)
                fault = verifier(search.func, result) if verifier is not None else ""
            if fault:
                search.reject(fault)
                applied[search.var.name_hint] = Applied(search.signature, reason=search.reason)
                continue
            scheduled.update_func(search.var, result)
            applied[search.var.name_hint] = Applied(search.signature, search.records[0])
            search.records = []
    machine = Machine.of(conditions)
    for search in searches:
        if applied[search.var.name_hint].record is None:
            result, reason = _follow_rules(search, machine, verifier)
            if result is not None:
                scheduled.update_func(search.var, result)
            applied[search.var.name_hint] = Applied(
                search.signature, by_rules=result is not None, reason=reason
            )
    return scheduled, applied


def is_workload(func: object) -> bool:
    """Tell whether a function of a module is an unscheduled kernel."""
    return isinstance(func, PrimFunc) and not (func.attrs or {}).get("tirx.is_scheduled", False)


def _look_up(
    var: GlobalVar, func: PrimFunc, database: ScheduleDatabase, conditions: Conditions
) -> _Search:
    search = _Search(var, func, workload_signature(func))
    mod = IRModule({"main": func})
    try:
        search.records = database.top(search.signature, conditions, CANDIDATES, mod)
    except DatabaseError as error:
        search.reason = f"the database cannot be read: {error}"
        message = f"no schedule for {var.name_hint}: {search.reason}"
        warnings.warn(message, RejectedScheduleWarning, stacklevel=3)
    return search


def _replay(search: _Search) -> str:
    schedule = replay(search.records[0].trace, IRModule({"main": search.func}))
    text: str = tvm.ir.save_json(schedule.mod["main"])
    return text


def _follow_rules(
    search: _Search, machine: Machine, verifier: Verifier | None
) -> tuple[PrimFunc | None, str]:
    """Schedule a workload by the first design that applies; return why it has no better one."""
    mod = IRModule({"main": search.func})
    fault = ""
    try:
        for design in rank_designs(mod, machine)[:CANDIDATES]:
            try:
                text = tvm.ir.save_json(apply_design(mod, design, machine).mod["main"])
            except NotScheduled as error:
                fault = str(error)
                continue
            result = _restore(search.func, text)
            fault = verifier(search.func, result) if verifier is not None else ""
            if not fault:
                return result, search.reason
    except NotScheduled as error:
        fault = str(error)
    return None, f"{search.reason}; rules: {fault}"


def _restore(func: PrimFunc, text: str) -> PrimFunc:
    """Read back what a child scheduled, with the attributes that mark it as done."""
    result = tvm.ir.load_json(text)
    if "global_symbol" not in (func.attrs or {}):
        result = result.without_attr("global_symbol")
    return result.with_attr("tirx.is_scheduled", True)
