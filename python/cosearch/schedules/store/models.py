"""Cost models and rejected donors: what a database learns from its records."""

from collections.abc import Sequence

import sqlalchemy as sa

from cosearch.schedules.store import codec
from cosearch.schedules.store.storage import Storage
from cosearch.schedules.store.tables import cost_models, records, rejections
from cosearch.schedules.store.writer import insert_if_new, insert_into

MAX_MODEL_BYTES = 64 << 20


def read_model(storage: Storage, key: str) -> tuple[str, int] | None:
    """Return a cost model's text and the number of records that it was trained on.

    Raises
    ------
    DamagedDataError
        When its data is damaged.
    """
    statement = sa.select(cost_models).where(cost_models.c.key == key)
    row = storage.connection.read(lambda db: db.execute(statement).one_or_none())
    return None if row is None else (codec.unpack(row.data, MAX_MODEL_BYTES), row.trained_on)


def write_model(storage: Storage, key: str, text: str, trained_on: int) -> None:
    """Put a cost model in the place of the one before."""
    values = {"trained_on": trained_on, "data": codec.pack(text)}

    def write(db: sa.Connection) -> None:
        statement = insert_into(db, cost_models).values(key=key, **values)
        db.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))

    storage.connection.write(write)


def count_designs(storage: Storage, conditions_ids: Sequence[int]) -> int:
    """Count the measured records that follow a design of the rules."""
    statement = (
        sa.select(sa.func.count())
        .select_from(records)
        .where(records.c.conditions_id.in_(list(conditions_ids)))
        .where(records.c.design != "", records.c.latency_us.is_not(None))
    )
    return int(storage.connection.read(lambda db: db.execute(statement).scalar_one()))


def write_rejection(storage: Storage, shape_aware: str, record_uid: str, reason: str) -> None:
    """Remember that a record does not suit a workload."""
    row = {"shape_aware": shape_aware, "record_uid": record_uid, "reason": reason}
    storage.connection.write(lambda db: insert_if_new(db, rejections, row))
