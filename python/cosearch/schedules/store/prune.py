"""Deleting all but the fastest records."""

import contextlib

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from cosearch.schedules.store.connection import Connection
from cosearch.schedules.store.tables import conditions, records, workloads


def prune(connection: Connection, keep: int) -> int:
    """Keep the `keep` fastest records of each workload under each conditions.

    Candidates that failed go as well, and workloads and conditions without records.

    Returns
    -------
    int
        Rows of records that were deleted.

    Raises
    ------
    ValueError
        When `keep` is below 1.
    """
    if keep < 1:
        raise ValueError(f"keep at least one record of each workload, not {keep}")
    deleted = connection.write(lambda db: _delete(db, keep))
    connection.read(_give_space_back)
    return deleted


def _delete(db: sa.Connection, keep: int) -> int:
    rank = sa.func.row_number().over(
        partition_by=(records.c.workload_id, records.c.conditions_id),
        order_by=(records.c.latency_us, records.c.id),
    )
    ranked = (
        sa.select(records.c.id, rank.label("rank"))
        .where(records.c.latency_us.is_not(None))
        .subquery()
    )
    kept = sa.select(ranked.c.id).where(ranked.c.rank <= keep)
    deleted = db.execute(records.delete().where(records.c.id.not_in(kept))).rowcount
    for table, column in ((workloads, "workload_id"), (conditions, "conditions_id")):
        used = sa.select(records.c[column])
        db.execute(table.delete().where(table.c.id.not_in(used)))
    return int(deleted)


def _give_space_back(db: sa.Connection) -> None:
    # Others may be reading or writing just now: the space is then reused by later records.
    if db.dialect.name == "sqlite":
        with contextlib.suppress(DBAPIError):
            db.exec_driver_sql("VACUUM")
