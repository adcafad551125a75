"""Records from outside: checked before they are added."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from tvm.ir import IRModule

from cosearch.blocks import Signature, workload_signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.record import Provenance, Workload
from cosearch.schedules.store import codec, traces
from cosearch.schedules.store.entry import Entry, StoredIR
from cosearch.schedules.store.errors import DamagedDataError
from cosearch.schedules.store.isolation import run_isolated
from cosearch.schedules.store.replay import replay

_BATCH = 256


@dataclass(frozen=True)
class Problem:
    """A record that was stepped over.

    Attributes
    ----------
    where : str
        Line of a file, or row of a database.
    reason : str
        What is wrong with it.
    """

    where: str
    reason: str


@dataclass
class ImportReport:
    """What became of the records of a file.

    Attributes
    ----------
    added : int
        Records that are new in the database.
    known : int
        Records that it had already.
    problems : list of Problem
        Records that were stepped over.
    """

    added: int = 0
    known: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Foreign:
    """A record from outside, of which only the outer form is known to be right."""

    where: str
    uid: str
    ir_text: str = field(repr=False)
    name: str
    conditions: Conditions
    trace: list[Any] = field(repr=False)
    latencies_us: tuple[float, ...]
    failure: str
    provenance: Provenance


class Intake:
    """Checks records in batches and hands them to a database.

    Parameters
    ----------
    add : callable
        Adds entries in one transaction and returns the rows of the new ones.
    replay_traces : bool
        Replay each trace on its workload, in a child process, before it is let in.
    """

    def __init__(self, add: Callable[[list[Entry]], list[int]], replay_traces: bool) -> None:
        self._add = add
        self._replay_traces = replay_traces
        self._workloads: dict[str, StoredIR | str] = {}

    def run(self, found: Iterable[Foreign | Problem]) -> ImportReport:
        """Add all that are sound; what was added before an error stays, and is known next time."""
        report = ImportReport()
        remaining = iter(found)
        while batch := list(islice(remaining, _BATCH)):
            entries = []
            for item in self._checked(batch):
                if isinstance(item, Problem):
                    report.problems.append(item)
                else:
                    entries.append(item)
            added = len(self._add(entries))
            report.added += added
            report.known += len(entries) - added
        return report

    def _checked(self, batch: list[Foreign | Problem]) -> Iterator[Entry | Problem]:
        """Turn the records of a batch into entries, in order, or say what is wrong with them."""
        self._read_workloads({item.ir_text for item in batch if isinstance(item, Foreign)})
        to_replay = [
            (item, ir)
            for item in batch
            if isinstance(item, Foreign)
            and self._replay_traces
            and not item.failure  # kept so that it is not tried again; nobody replays it
            and isinstance(ir := self._workloads[codec.digest(item.ir_text)], StoredIR)
        ]
        faults = {
            item.where: outcome.fault
            for (item, _), outcome in zip(to_replay, run_isolated(_replay, to_replay), strict=True)
        }
        for item in batch:
            if isinstance(item, Problem):
                yield item
                continue
            ir = self._workloads[codec.digest(item.ir_text)]
            if isinstance(ir, str):
                yield Problem(item.where, ir)
            elif faults.get(item.where):
                yield Problem(item.where, faults[item.where])
            else:
                yield _entry(item, replace(ir, name=item.name))

    def _read_workloads(self, texts: set[str]) -> None:
        """Decode the workloads that are new, or note what is wrong with them.

        Signatures are computed afresh: those of a file may be another release's, or wrong.
        """
        new = [text for text in texts if codec.digest(text) not in self._workloads]
        for text, outcome in zip(new, run_isolated(_signature_of, new), strict=True):
            if outcome.fault:
                self._workloads[codec.digest(text)] = outcome.fault
                continue
            workload = Workload(codec.read_module(text), Signature(*outcome.value))
            self._workloads[codec.digest(text)] = StoredIR.of(workload)


def read_conditions(data: Any) -> Conditions:
    """Read conditions from a file.

    Raises
    ------
    DamagedDataError
        When something is missing or of the wrong type.
    """
    names = {"target": str, "features": str, "threads": int, "tvm_version": str}
    values = _typed("conditions", data, names)
    if values["threads"] < 1 or not isinstance(codec.parse_json(values["target"]), dict):
        raise DamagedDataError("the conditions have no threads, or a target that is no dict")
    return Conditions(**values)


def read_provenance(data: Any) -> Provenance:
    """Read provenance from a file.

    Raises
    ------
    DamagedDataError
        When something is missing or of the wrong type.
    """
    names = {"network": str, "block": str, "trials": int, "search": str, "created": str}
    if isinstance(data, dict) and "design" in data:  # files of older releases have none
        names["design"] = str
    return Provenance(**_typed("provenance", data, names))


def _typed(what: str, data: Any, names: dict[str, type]) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise DamagedDataError(f"it has no {what}")
    for name, kind in names.items():
        if type(data.get(name)) is not kind:
            raise DamagedDataError(f"the {name} of its {what} is not of type {kind.__name__}")
    return {name: data[name] for name in names}


def _entry(foreign: Foreign, ir: StoredIR) -> Entry:
    return Entry(
        uid=foreign.uid,
        ir=ir,
        conditions=foreign.conditions,
        trace=codec.pack(traces.trace_text(foreign.trace)),
        latencies_us=foreign.latencies_us,
        failure=foreign.failure,
        provenance=foreign.provenance,
    )


def _signature_of(text: str) -> list[str]:
    signature = workload_signature(codec.read_module(text)["main"])
    return [signature.shape_aware, signature.shape_agnostic]


def _replay(pair: tuple[Foreign, StoredIR]) -> None:
    foreign, ir = pair
    mod: IRModule = ir.mod
    replay(foreign.trace, mod)
