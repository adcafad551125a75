"""An open database: connection, reader and damage log together."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from tvm.ir import IRModule

from cosearch.blocks import Signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.record import Record
from cosearch.schedules.store.connection import Connection
from cosearch.schedules.store.entry import Entry, StoredIR
from cosearch.schedules.store.errors import DamageLog, DatabaseError
from cosearch.schedules.store.location import prepare_file, resolve_location
from cosearch.schedules.store.reader import Reader
from cosearch.schedules.store.schema import ensure_schema
from cosearch.schedules.store.writer import insert_entries

_BATCH = 500
TIMEOUT_S = 30.0


class Storage:
    """What a `ScheduleDatabase` and the callbacks that it gives to TVM share."""

    def __init__(
        self, url: str | Path | None, read_only: bool, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.location = resolve_location(url)
        if self.location.path is not None:
            read_only = prepare_file(self.location.path, read_only)
        self.damage = DamageLog()
        self.connection = Connection(self.location, read_only, timeout_s)
        self.reader = Reader(self.connection, self.damage)
        self._open()

    def add(self, records: Iterable[Record]) -> list[int]:
        """Add records in transactions of some hundred each; return their rows."""
        irs: dict[int, StoredIR] = {}
        rows: list[int] = []
        remaining = iter(records)
        while batch := list(islice(remaining, _BATCH)):
            entries = []
            for record in batch:
                # The batch keeps the workloads alive, so that their addresses name them.
                ir = irs.get(id(record.workload)) or StoredIR.of(record.workload)
                irs[id(record.workload)] = ir
                entries.append(Entry.of(record, ir))
            rows += self.add_entries(entries)
            irs.clear()
        return rows

    def add_entries(self, entries: list[Entry]) -> list[int]:
        """Add entries in one transaction, except those that are there; return the new rows."""
        return self.connection.write(lambda db: insert_entries(db, entries))

    def _open(self) -> None:
        try:
            ensure_schema(self.connection)
        except DatabaseError:
            if not self._may_be_immutable():
                raise
            self.connection.open_immutable()
            ensure_schema(self.connection)

    def _may_be_immutable(self) -> bool:
        """Whether SQLite failed to read for want of a place for its shared-memory file.

        In a folder that cannot be written no other process writes the database either, unless it
        left a log, which must not be ignored.
        """
        path = self.location.path
        if path is None or not self.connection.read_only:
            return False
        log = path.with_name(path.name + "-wal")
        return not (log.exists() and log.stat().st_size)


def ranked(
    layers: Sequence[Storage],
    signature: Signature,
    conditions: Conditions,
    mod: IRModule | None,
    page: int,
) -> Iterator[Record]:
    """Walk over the records of a workload in several databases, fastest first."""
    streams = [layer.reader.ranked(signature, conditions, mod, page) for layer in layers]
    return heapq.merge(*streams, key=lambda record: record.latency_us)
