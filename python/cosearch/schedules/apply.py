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
from cosearch.schedules.store.errors import DatabaseError
from cosearch.schedules.store.isolation import run_isolated
from cosearch.schedules.store.replay import replay

Verifier = Callable[[PrimFunc, PrimFunc], str]
"""Compares a workload with its scheduled form; returns what is wrong, or nothing."""

CANDIDATES = 4
"""Records to try for a workload before it keeps its default loops."""


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
        The record whose trace was applied, None where the workload keeps TVM's default loops.
    reason : str
        Why it keeps them.
    """

    signature: Signature
    record: Record | None = None
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
    database never makes a build fail.

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


def _restore(func: PrimFunc, text: str) -> PrimFunc:
    """Read back what a child scheduled, with the attributes that mark it as done."""
    result = tvm.ir.load_json(text)
    if "global_symbol" not in (func.attrs or {}):
        result = result.without_attr("global_symbol")
    return result.with_attr("tirx.is_scheduled", True)
