"""Connections: SQLite and PostgreSQL alike, across threads, forks, locks and full disks."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from cosearch.schedules.store.errors import DatabaseError
from cosearch.schedules.store.location import Location

T = TypeVar("T")

# States of PostgreSQL that ask for another attempt: serialisation failure, deadlock, and rows that
# another session added or pruned between our look and our insert.
_TRANSIENT_STATES = ("40001", "40P01", "23503", "23505")

# Engines that a forked child got from its parent. Closing their connections would end the parent's
# session on a server, and unsettle SQLite's locks: they are kept, and never touched again.
_inherited: list[Engine] = []


class Connection:
    """Runs statements on one database.

    Parameters
    ----------
    location : Location
        The database.
    read_only : bool
        Refuse to write.
    timeout_s : float
        How long to wait for other processes that write.
    """

    def __init__(self, location: Location, read_only: bool, timeout_s: float) -> None:
        self.location = location
        self.read_only = read_only
        self._timeout_s = timeout_s
        self._immutable = False
        self._closed = False
        self._lock = threading.RLock() if location.in_memory else None
        self._engine = self._create_engine()
        self._pid = os.getpid()

    def read(self, action: Callable[[sa.Connection], T]) -> T:
        """Run an action that reads; it must fetch all its rows."""
        return self._retry(lambda: self._run(action, write=False))

    def write(self, action: Callable[[sa.Connection], T]) -> T:
        """Run an action in one transaction, which is committed as a whole or not at all.

        An action may run more than once.

        Raises
        ------
        DatabaseError
            When the database is read-only, stays locked, or the disk is full.
        """
        if self.read_only:
            raise DatabaseError(
                f"the schedule database {self.location} is read-only: make the file writable, "
                f"or set COSEARCH_DB to another one."
            )
        return self._retry(lambda: self._run(action, write=True))

    def close(self) -> None:
        """Close the connections; later use raises."""
        if not self._closed and self._pid == os.getpid():
            self._engine.dispose()
        self._closed = True

    def open_immutable(self) -> None:
        """Reopen a file that nobody can be writing: its folder is read-only too."""
        self._engine.dispose()
        self._immutable = True
        self._engine = self._create_engine()

    def _run(self, action: Callable[[sa.Connection], T], write: bool) -> T:
        with self._serialised(), self._live_engine().connect() as db:
            db.execution_options(cosearch_write=write)
            with db.begin():
                return action(db)

    @contextmanager
    def _serialised(self) -> Iterator[None]:
        # All threads share the one connection that a database in memory has.
        if self._lock is None:
            yield
            return
        with self._lock:
            yield

    def _live_engine(self) -> Engine:
        if self._closed:
            raise DatabaseError(f"the schedule database {self.location} was closed.")
        # No lock: one held by another thread at the fork would stay held in the child for ever.
        if self._pid != os.getpid() and not self.location.in_memory:
            _inherited.append(self._engine)
            self._engine = self._create_engine()
            self._pid = os.getpid()
        return self._engine

    def _retry(self, run: Callable[[], T]) -> T:
        deadline = time.monotonic() + self._timeout_s
        pause_s = 0.002
        while True:
            try:
                return run()
            except DBAPIError as error:
                if not _is_transient(error) or time.monotonic() >= deadline:
                    raise self._explain(str(error.orig).strip(), error) from error
            except UnicodeDecodeError as error:  # sqlite3 quotes names out of a damaged schema
                raise self._explain("malformed text", None) from error
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.1)

    def _explain(self, text: str, error: DBAPIError | None) -> DatabaseError:
        where = f"the schedule database {self.location}"
        if error is not None and _is_transient(error):
            return DatabaseError(
                f"{where} stayed locked by another process for {self._timeout_s:g} s: "
                f"wait for that process, or end it, and try again. ({text})"
            )
        if "full" in text or "disk I/O" in text:
            return DatabaseError(
                f"cannot write {where}: {text}. Records committed before are safe; "
                f"free some space and try again."
            )
        if "malformed" in text or "not a database" in text or "corrupt" in text:
            return DatabaseError(
                f"{where} is damaged ({text}): put back a copy, or save what can be read with "
                f"`sqlite3 {self.location} .recover | sqlite3 {self.location}.saved`."
            )
        if "readonly" in text or "read-only" in text:
            return DatabaseError(
                f"{where} is read-only: make the file and its folder writable, "
                f"or set COSEARCH_DB to another one."
            )
        if not self.location.is_sqlite:
            return DatabaseError(f"{where} refused: {text}. Check the URL, and that it runs.")
        return DatabaseError(f"{where} cannot be used: {text}.")

    def _create_engine(self) -> Engine:
        if not self.location.is_sqlite:
            return self._create_server_engine()
        engine = sa.create_engine(
            "sqlite://",
            creator=self._open_sqlite,
            poolclass=StaticPool if self.location.in_memory else QueuePool,
        )
        event.listen(engine, "begin", _begin)
        return engine

    def _create_server_engine(self) -> Engine:
        try:
            return sa.create_engine(
                self.location.url,
                pool_pre_ping=True,
                connect_args={"connect_timeout": max(1, round(self._timeout_s))},
            )
        except ModuleNotFoundError as error:
            raise DatabaseError(
                f"PostgreSQL needs the driver {error.name}: "
                f"run `pip install 'tvm-cosearch[postgres]'`."
            ) from error

    def _open_sqlite(self) -> sqlite3.Connection:
        path = self.location.path
        if path is None:
            target = "file::memory:"
        else:
            mode = "ro" if self.read_only else "rwc"
            target = f"{path.as_uri()}?mode={mode}" + ("&immutable=1" if self._immutable else "")
        # isolation_level=None: transactions begin where `_begin` says, not where sqlite3 guesses.
        connection = sqlite3.connect(
            target,
            uri=True,
            timeout=self._timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )
        # One damaged text must not keep a whole page of rows from being read.
        connection.text_factory = lambda data: data.decode(errors="replace")
        # With WAL, NORMAL keeps every commit through a kill of the process: the operating system
        # has it. A power cut may take the last commits, never the file; FULL would pay an fsync a
        # record to save seconds of tuning.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection


def _begin(connection: sa.Connection) -> None:
    # IMMEDIATE takes the write lock at once: a transaction that reads first and then finds another
    # writer ahead of it would fail, whatever the timeout.
    if connection.get_execution_options().get("cosearch_write"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _is_transient(error: DBAPIError) -> bool:
    text = str(error.orig)
    code: Any = getattr(error.orig, "sqlstate", None)
    return "is locked" in text or "is busy" in text or code in _TRANSIENT_STATES
