"""The statements that read records, built once: SQLAlchemy compiles each one only once."""

from dataclasses import dataclass

import sqlalchemy as sa

from cosearch.schedules.conditions import Conditions
from cosearch.schedules.store.tables import conditions, records, workloads

_RECORD_COLUMNS = [
    records.c[name]
    for name in (
        "id uid workload_id trace latencies_us latency_us failure "
        "network block trials search created design".split()
    )
]
_CONDITIONS_COLUMNS = [
    conditions.c[name] for name in ("target", "features", "threads", "tvm_version")
]

WORKLOAD_IDS = sa.select(workloads.c.id).where(
    workloads.c.shape_aware == sa.bindparam("shape_aware")
)
WORKLOAD = sa.select(workloads).where(workloads.c.id == sa.bindparam("id"))
_CONDITIONS_ID = sa.select(conditions.c.id).where(conditions.c.key == sa.bindparam("key"))
_OF_WORKLOAD = (records.c.workload_id == sa.bindparam("workload_id")) & (
    records.c.conditions_id == _CONDITIONS_ID.scalar_subquery()
)
RANKED = (
    sa.select(*_RECORD_COLUMNS)
    .where(_OF_WORKLOAD)
    .where(
        sa.tuple_(records.c.latency_us, records.c.id)
        > sa.tuple_(sa.bindparam("after_us", type_=sa.Float), sa.bindparam("after_id"))
    )
    .order_by(records.c.latency_us, records.c.id)
    .limit(sa.bindparam("limit"))
)
ALL = (
    sa.select(*_RECORD_COLUMNS, *_CONDITIONS_COLUMNS)
    .join_from(records, conditions)
    .order_by(records.c.id)
)
COUNT = sa.select(sa.func.count()).select_from(records).where(records.c.latency_us.is_not(None))


@dataclass(frozen=True)
class Filter:
    """Which records to walk over; None takes all."""

    shape_aware: str | None = None
    shape_agnostic: str | None = None
    conditions: Conditions | None = None
    network: str | None = None
    include_failed: bool = False

    def of_workloads(self) -> sa.Select[tuple[int]] | None:
        """Return the statement that finds the workloads; None when any will do."""
        if self.shape_aware is None and self.shape_agnostic is None:
            return None
        statement = sa.select(workloads.c.id).order_by(workloads.c.id)
        if self.shape_aware is not None:
            statement = statement.where(workloads.c.shape_aware == self.shape_aware)
        if self.shape_agnostic is not None:
            statement = statement.where(workloads.c.shape_agnostic == self.shape_agnostic)
        return statement

    def of_records(self) -> list[sa.ColumnElement[bool]]:
        """Return what holds for the records of such a workload."""
        found: list[sa.ColumnElement[bool]] = []
        if self.conditions is not None:
            key = sa.select(conditions.c.id).where(conditions.c.key == self.conditions.key)
            found.append(records.c.conditions_id == key.scalar_subquery())
        if self.network is not None:
            found.append(records.c.network == self.network)
        if not self.include_failed:
            found.append(records.c.latency_us.is_not(None))
        return found
