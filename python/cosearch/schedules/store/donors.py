"""The best record of each workload, for those that are to be compared with another one."""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from cosearch.blocks import Signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.record import Record
from cosearch.schedules.similarity import WorkloadPoint, describe_workload
from cosearch.schedules.store.errors import DamagedDataError
from cosearch.schedules.store.storage import Storage
from cosearch.schedules.store.tables import conditions, records, rejections, workloads


@dataclass(frozen=True)
class Donor:
    """A tuned workload whose best schedule may serve another one.

    Attributes
    ----------
    record_id, uid : int, str
        Row of its best record, and the name of that record in every database.
    signature : Signature
        Of the workload.
    point : WorkloadPoint
        Where it lies among those of its kind.
    latency_us : float
        What its best record took.
    network : str
        That it was tuned for.
    block : str
        Block of that network that it was tuned for, or nothing.
    design : str
        The design of the rules that the record follows, or nothing.
    conditions : Conditions
        Where it was measured.
    storage : Storage
        The database that holds it.
    """

    record_id: int
    uid: str
    signature: Signature
    point: WorkloadPoint
    latency_us: float
    network: str
    block: str
    design: str
    conditions: Conditions
    storage: Storage

    def record(self) -> Record | None:
        """Read its best record; None when it is damaged, or was pruned."""
        return self.storage.reader.get(self.record_id)


def read_conditions(storage: Storage) -> dict[int, Conditions]:
    """Return all conditions under which anything was measured, by row."""
    rows = storage.connection.read(lambda db: db.execute(sa.select(conditions)).all())
    return {
        row.id: Conditions(row.target, row.features, row.threads, row.tvm_version) for row in rows
    }


def read_donors(storage: Storage, wanted: dict[int, Conditions]) -> list[Donor]:
    """Return the best record of each workload under some conditions, in the order of their rows."""
    if not wanted:
        return []
    best = (
        sa.select(
            records.c.workload_id,
            records.c.conditions_id,
            sa.func.min(records.c.latency_us).label("latency_us"),
        )
        .where(records.c.conditions_id.in_(list(wanted)), records.c.latency_us.is_not(None))
        .group_by(records.c.workload_id, records.c.conditions_id)
        .subquery()
    )
    same = [records.c[name] == best.c[name] for name in best.c.keys()]
    columns = [
        records.c[name] for name in ("id", "uid", "network", "block", "design", "latency_us")
    ]
    statement = (
        sa.select(*columns, *_WORKLOAD_COLUMNS, best.c.workload_id, best.c.conditions_id)
        .join_from(best, records, sa.and_(*same))
        .join(workloads, workloads.c.id == best.c.workload_id)
        .order_by(records.c.id)
    )
    rows = storage.connection.read(lambda db: db.execute(statement).all())
    first: dict[tuple[int, int], Any] = {}
    for row in rows:
        first.setdefault((row.workload_id, row.conditions_id), row)
    return [_donor(storage, row, wanted[row.conditions_id]) for row in first.values()]


def read_rejections(storage: Storage) -> set[tuple[str, str]]:
    """Return the pairs of workload (shape-aware) and record's uid that did not suit each other."""
    statement = sa.select(rejections.c.shape_aware, rejections.c.record_uid)
    rows = storage.connection.read(lambda db: db.execute(statement).all())
    return {(row.shape_aware, row.record_uid) for row in rows}


_WORKLOAD_COLUMNS = [
    workloads.c[name] for name in ("shape_aware", "shape_agnostic", "kind", "coordinates")
]


def _donor(storage: Storage, row: Any, found: Conditions) -> Donor:
    return Donor(
        record_id=row.id,
        uid=row.uid,
        signature=Signature(row.shape_aware, row.shape_agnostic),
        point=_point(storage, row),
        latency_us=row.latency_us,
        network=row.network,
        block=row.block,
        design=row.design,
        conditions=found,
        storage=storage,
    )


def _point(storage: Storage, row: Any) -> WorkloadPoint:
    if row.coordinates:
        return WorkloadPoint(row.kind, tuple(json.loads(row.coordinates)))
    try:  # a row that an older release wrote
        return describe_workload(storage.reader.load_workload(row.workload_id).mod["main"])
    except DamagedDataError:
        return WorkloadPoint()
