"""What is in a database, in numbers."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cosearch.schedules.store.storage import Storage
from cosearch.schedules.store.tables import FORMAT_VERSION, conditions, records, workloads


def statistics(storage: Storage) -> dict[str, Any]:
    """Count records, failed candidates and workloads, in all and for each conditions."""
    location = storage.location
    per_conditions = storage.connection.read(_per_conditions)
    counts = storage.connection.read(_counts)
    return {
        "database": str(location),
        "format_version": FORMAT_VERSION,
        "bytes": _size(location.path),
        "read_only": storage.connection.read_only,
        **counts,
        "damaged": storage.damage.count,
        "conditions": per_conditions,
    }


def _size(path: Path | None) -> int | None:
    if path is None:
        return None
    # What was added last is still in SQLite's write-ahead log.
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _counts(db: sa.Connection) -> dict[str, Any]:
    measured = sa.func.count(records.c.latency_us)
    row = db.execute(sa.select(measured, sa.func.count() - measured).select_from(records)).one()
    workload_count = sa.select(sa.func.count()).select_from(workloads)
    shapeless = sa.select(sa.func.count(sa.distinct(workloads.c.shape_agnostic)))
    networks = sa.select(records.c.network).where(records.c.network != "").distinct()
    return {
        "records": int(row[0]),
        "failed": int(row[1]),
        "workloads": int(db.execute(workload_count).scalar_one()),
        "shape_agnostic_workloads": int(db.execute(shapeless).scalar_one()),
        "networks": sorted(db.execute(networks).scalars()),
    }


def _per_conditions(db: sa.Connection) -> list[dict[str, Any]]:
    measured = sa.func.count(records.c.latency_us)
    statement = (
        sa.select(
            conditions.c.target,
            conditions.c.threads,
            conditions.c.tvm_version,
            measured.label("records"),
            (sa.func.count() - measured).label("failed"),
            sa.func.count(sa.distinct(records.c.workload_id)).label("workloads"),
        )
        .join_from(records, conditions)
        .group_by(conditions.c.id)
        .order_by(sa.desc("records"), conditions.c.id)
    )
    return [dict(row) for row in db.execute(statement).mappings()]
