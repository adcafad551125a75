"""The schedule database as MetaSchedule sees it."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import tvm
from tvm.ir import IRModule
from tvm.s_tir import meta_schedule as ms
from tvm.target import Target

from cosearch.blocks import workload_signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.record import Provenance, Record, Workload
from cosearch.schedules.store import codec
from cosearch.schedules.store.entry import StoredIR
from cosearch.schedules.store.errors import DatabaseError
from cosearch.schedules.store.json_database import FAILED_S
from cosearch.schedules.store.replay import replay
from cosearch.schedules.store.statements import Filter
from cosearch.schedules.store.storage import Storage, ranked
from cosearch.schedules.store.writer import insert_workload
from cosearch.schedules.target import resolve_target, with_threads


class MetaScheduleCallbacks:
    """The methods of ``tvm.s_tir.meta_schedule.database.PyDatabase``, over layers of storage.

    TVM asks by module and target; the signature and the conditions follow from those. The first
    layer is the one that is written; the best records are looked up in all.
    """

    def __init__(self, layers: Sequence[Storage]) -> None:
        self._layers = layers
        self._storage = layers[0]

    def as_arguments(self) -> dict[str, Callable[..., Any]]:
        """Return the arguments of the constructor of TVM's ``_PyDatabase``."""
        return {
            "f_has_workload": self.has_workload,
            "f_commit_workload": self.commit_workload,
            "f_commit_tuning_record": self.commit_tuning_record,
            "f_get_top_k": self.get_top_k,
            "f_get_all_tuning_records": self.get_all_tuning_records,
            "f_query_tuning_record": self.query_tuning_record,
            "f_size": self.size,
        }

    def size(self) -> int:
        """Count the records, an empty database as one.

        TVM's pipelines ask ``if Database.current():``, which is this: one that says 0 would be
        passed over without a word.
        """
        return max(1, self._storage.reader.count())

    def has_workload(self, mod: IRModule) -> bool:
        """Tell whether the database knows a workload."""
        signature = workload_of(mod).signature
        return any(True for _ in self._storage.reader.matching_workloads(signature, mod))

    def commit_workload(self, mod: IRModule) -> ms.database.Workload:
        """Add a workload that has no records yet."""
        ir = StoredIR.of(workload_of(mod))
        self._storage.connection.write(lambda db: insert_workload(db, ir))
        return ms.database.Workload(mod)

    def commit_tuning_record(self, record: ms.database.TuningRecord) -> None:
        """Add a record of TVM's own tuner."""
        if record.target is None:
            raise DatabaseError("a tuning record without a target cannot be kept: say its target.")
        latencies = tuple(float(seconds) for seconds in record.run_secs or ())
        failed = not latencies or any(seconds >= FAILED_S for seconds in latencies)
        self._storage.add(
            [
                Record(
                    workload=workload_of(record.workload.mod),
                    trace=record.trace.as_json(),
                    latencies_us=() if failed else tuple(s * 1e6 for s in latencies),
                    conditions=Conditions.of(with_threads(record.target)),
                    provenance=Provenance(search="meta_schedule"),
                    failure="reported as failed by MetaSchedule" if failed else "",
                )
            ]
        )

    def get_top_k(
        self, workload: ms.database.Workload, top_k: int
    ) -> list[ms.database.TuningRecord]:
        """Return the fastest records of a workload for ``Target.current()``, or else this machine.

        MetaSchedule names no target here.
        """
        target = Target.current(allow_none=True) or resolve_target(None)
        return self._best(workload.mod, target, int(top_k))

    def get_all_tuning_records(self) -> list[ms.database.TuningRecord]:
        """Return every record of this TVM version that applies to its workload."""
        found = []
        for record in self._storage.reader.records(Filter()):
            if record.conditions.tvm_version == tvm.__version__:
                found.append(_replayed(record, record.workload.mod, target_of(record.conditions)))
        return [record for record in found if record is not None]

    def query_tuning_record(
        self, mod: IRModule, target: Target, workload_name: str
    ) -> ms.database.TuningRecord | None:
        """Return the fastest record for a module on a target, None when there is none."""
        return next(iter(self._best(mod, target, 1)), None)

    def _best(self, mod: IRModule, target: Target, count: int) -> list[ms.database.TuningRecord]:
        signature = workload_of(mod).signature
        conditions = Conditions.of(with_threads(target))
        found: list[ms.database.TuningRecord] = []
        for record in ranked(self._layers, signature, conditions, mod, max(count, 4)):
            if len(found) == count:
                break
            replayed = _replayed(record, mod, target)
            if replayed is not None:
                found.append(replayed)
        return found


def workload_of(mod: IRModule) -> Workload:
    """Make the workload of a module of one PrimFunc."""
    canonical = codec.canonical_module(mod)
    return Workload(canonical, workload_signature(canonical["main"]))


def target_of(conditions: Conditions) -> Target:
    """Target of some conditions."""
    return Target({**codec.parse_json(conditions.target), "num-cores": conditions.threads})


def _replayed(record: Record, mod: IRModule, target: Target) -> ms.database.TuningRecord | None:
    try:
        schedule = replay(record.trace, mod)
        arguments = ms.arg_info.ArgInfo.from_entry_func(schedule.mod, remove_preproc=True)
    except Exception as error:  # whatever TVM raises where an instruction does not apply
        warnings.warn(
            f"record {record.id} of the schedule database does not apply to its workload "
            f"({codec.first_line(error)}) and was skipped.",
            stacklevel=2,
        )
        return None
    return ms.database.TuningRecord(
        schedule.trace,
        ms.database.Workload(mod),
        [latency_us * 1e-6 for latency_us in record.latencies_us],
        target,
        arguments,
    )
