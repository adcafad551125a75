"""Adding entries to the tables."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cosearch.schedules.conditions import Conditions
from cosearch.schedules.store import codec
from cosearch.schedules.store.entry import Entry, StoredIR
from cosearch.schedules.store.errors import DamagedDataError
from cosearch.schedules.store.tables import conditions, records, workloads


def insert_entries(db: sa.Connection, entries: Sequence[Entry]) -> list[int]:
    """Insert entries in one transaction, stepping over those that the database has already.

    Returns
    -------
    list of int
        Rows of the entries that were added.
    """
    known = _known_uids(db, [entry.uid for entry in entries])
    workload_ids: dict[tuple[str, str], int] = {}
    conditions_ids: dict[Conditions, int] = {}
    added: list[int] = []
    for entry in entries:
        if entry.uid in known:
            continue
        known.add(entry.uid)
        identity = (entry.ir.signature.shape_aware, entry.ir.digest)
        if identity not in workload_ids:
            workload_ids[identity] = insert_workload(db, entry.ir)
        if entry.conditions not in conditions_ids:
            conditions_ids[entry.conditions] = insert_conditions(db, entry.conditions)
        row = _record_row(entry, workload_ids[identity], conditions_ids[entry.conditions])
        key = db.execute(records.insert(), row).inserted_primary_key
        added.extend(key or ())
    return added


def insert_workload(db: sa.Connection, ir: StoredIR) -> int:
    """Return the row of a workload, which is added if no equal one is there.

    A row whose IR was damaged is mended: the digest says what it held.
    """
    identity = (workloads.c.shape_aware == ir.signature.shape_aware) & (
        workloads.c.ir_digest == ir.digest
    )
    same = db.execute(sa.select(workloads.c.id, workloads.c.ir).where(identity)).one_or_none()
    if same is not None:
        if same.ir != ir.data:
            db.execute(workloads.update().where(identity).values(ir=ir.data))
        return int(same.id)
    found = _equal_workload(db, ir)
    if found is None:
        row = {
            "shape_aware": ir.signature.shape_aware,
            "shape_agnostic": ir.signature.shape_agnostic,
            "ir_digest": ir.digest,
            "ir": ir.data,
            "dtype": ir.dtype,
            "layout": ir.layout,
            "name": ir.name,
            "kind": ir.kind,
            "coordinates": json.dumps(ir.coordinates),
        }
        insert_if_new(db, workloads, row)
        found = db.execute(sa.select(workloads.c.id).where(identity)).scalar_one()
    return int(found)


def _equal_workload(db: sa.Connection, ir: StoredIR) -> int | None:
    """Find the row that differs from a workload in the names of variables only."""
    columns = (workloads.c.id, workloads.c.ir, workloads.c.ir_digest)
    statement = sa.select(*columns).where(workloads.c.shape_aware == ir.signature.shape_aware)
    for row_id, data, digest in db.execute(statement).all():
        try:
            candidate = StoredIR(ir.signature, digest, bytes(data)).mod
        except DamagedDataError:
            continue  # a reader will report it
        if codec.same_workload(candidate, ir.mod):
            return int(row_id)
    return None


def insert_conditions(db: sa.Connection, found: Conditions) -> int:
    """Return the row of some conditions, which are added if they are new."""
    statement = sa.select(conditions.c.id).where(conditions.c.key == found.key)
    row_id = db.execute(statement).scalar()
    if row_id is None:
        insert_if_new(db, conditions, {"key": found.key, **asdict(found)})
        row_id = db.execute(statement).scalar_one()
    return int(row_id)


def insert_if_new(db: sa.Connection, table: sa.Table, row: dict[str, Any]) -> None:
    """Insert a row, unless another session has added an equal one since we looked."""
    db.execute(insert_into(db, table).values(**row).on_conflict_do_nothing())


def insert_into(db: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that can say what to do about a row that is there already."""
    if db.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def _known_uids(db: sa.Connection, uids: Iterable[str]) -> set[str]:
    statement = sa.select(records.c.uid).where(
        records.c.uid.in_(sa.bindparam("uids", expanding=True))
    )
    return set(db.execute(statement, {"uids": list(uids)}).scalars())


def _record_row(entry: Entry, workload_id: int, conditions_id: int) -> dict[str, Any]:
    return {
        "uid": entry.uid,
        "workload_id": workload_id,
        "conditions_id": conditions_id,
        "trace": entry.trace,
        "latencies_us": json.dumps(entry.latencies_us),
        "latency_us": entry.latency_us,
        "failure": entry.failure,
        **asdict(entry.provenance),
    }
