"""Making the tables, and refusing databases that this release does not know."""

from datetime import datetime, timezone

import sqlalchemy as sa

from cosearch.schedules.store.connection import Connection
from cosearch.schedules.store.errors import DatabaseError
from cosearch.schedules.store.tables import (
    ADDED_IN_2,
    FORMAT_VERSION,
    calibrations,
    meta,
    metadata,
)

OLDER = ("1", "2", "3")
"""Versions that are brought up to date."""
_CREATION_LOCK = 0x636F7365  # any number that all processes agree on


def ensure_schema(connection: Connection) -> None:
    """Make the tables of a new database; check the format of an old one.

    Raises
    ------
    DatabaseError
        When it holds another format, or something else than schedules.
    """
    if connection.location.path is not None and not connection.read_only:
        _use_wal(connection)
    if not connection.read(_is_fresh):
        _check_format(connection)
    elif connection.read_only:
        raise DatabaseError(f"{connection.location} is empty: there is nothing to read in it.")
    else:
        connection.write(_create)
        _check_format(connection)


def _use_wal(connection: Connection) -> None:
    # Where the file system has no shared memory SQLite keeps its rollback journal: slower with
    # several writers, and as safe.
    connection.read(lambda db: db.exec_driver_sql("PRAGMA journal_mode=WAL").scalar())


def _is_fresh(db: sa.Connection) -> bool:
    return not sa.inspect(db).get_table_names()


def _create(db: sa.Connection) -> None:
    if db.dialect.name == "postgresql":
        # CREATE TABLE IF NOT EXISTS fails there when two sessions run it at once.
        db.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATION_LOCK)))
    if not _is_fresh(db):
        return
    metadata.create_all(db)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    rows = [("format_version", str(FORMAT_VERSION)), ("created", now)]
    db.execute(meta.insert(), [{"key": key, "value": value} for key, value in rows])


def _check_format(connection: Connection) -> None:
    where = connection.location

    def read(db: sa.Connection) -> str | None:
        if meta.name not in sa.inspect(db).get_table_names():
            return None
        statement = sa.select(meta.c.value).where(meta.c.key == "format_version")
        return db.execute(statement).scalar()

    try:
        found = connection.read(read)
    except DatabaseError as error:
        if "no such column" not in str(error):
            raise
        found = None
    if found is None:
        raise DatabaseError(
            f"{where} is a database of another program, which was left as it is: name another one."
        )
    if found in OLDER:
        _upgrade(connection)
    elif not found.isdecimal() or int(found) < FORMAT_VERSION:
        raise DatabaseError(
            f"{where} has the format {found!r}, which no release of cosearch wrote: "
            f"name another one."
        )
    elif int(found) > FORMAT_VERSION:
        raise DatabaseError(
            f"{where} was written by a newer cosearch (format {found}, this one knows "
            f"{FORMAT_VERSION}): run `pip install --upgrade tvm-cosearch`, or name another one."
        )


def _upgrade(connection: Connection) -> None:
    """Bring a database of an older version up to date, in one transaction."""
    if connection.read_only:
        raise DatabaseError(
            f"{connection.location} was written by an older cosearch, and cannot be brought up to "
            f"date because it is read-only: make it writable and open it once, or copy it."
        )

    def alter(db: sa.Connection) -> None:
        current = sa.select(meta.c.value).where(meta.c.key == "format_version")
        version = db.execute(current).scalar()
        if version not in OLDER:
            return  # another process was faster
        for table, names in ADDED_IN_2 if version == "1" else ():
            for name in names:
                column = sa.schema.CreateColumn(table.c[name]).compile(dialect=db.dialect)
                db.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column}")
        # Those of older versions, which no label of today is scaled to, lack a column.
        calibrations.drop(db, checkfirst=True)
        metadata.create_all(db)
        db.execute(
            meta.update().where(meta.c.key == "format_version").values(value=str(FORMAT_VERSION))
        )

    connection.write(alter)
