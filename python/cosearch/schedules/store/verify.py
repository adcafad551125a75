"""Replaying every trace of a database on its workload."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import sqlalchemy as sa
import tvm

from cosearch.blocks import workload_signature
from cosearch.schedules.store import codec, traces
from cosearch.schedules.store.entry import Entry
from cosearch.schedules.store.errors import DamagedDataError, DatabaseError
from cosearch.schedules.store.isolation import run_isolated
from cosearch.schedules.store.reader import Reader
from cosearch.schedules.store.replay import replay
from cosearch.schedules.store.statements import Filter
from cosearch.schedules.store.storage import Storage
from cosearch.schedules.store.tables import records

_BATCH = 256
_TOTAL = sa.select(sa.func.count()).select_from(records)

Progress = Callable[[int, int], None]
"""Called with the number of records checked and their total."""


@dataclass(frozen=True)
class BadRecord:
    """A record that is of no use, and why.

    Attributes
    ----------
    id : int or None
        Its row; None for the file as a whole.
    reason : str
        What is wrong with it.
    """

    id: int | None
    reason: str


@dataclass
class VerifyReport:
    """What `ScheduleDatabase.verify` found.

    Attributes
    ----------
    checked : int
        Records whose trace was replayed, or which could not be read.
    skipped : int
        Records of other versions of TVM, which only those can replay.
    bad : list of BadRecord
        Records that are damaged or do not apply.
    """

    checked: int = 0
    skipped: int = 0
    bad: list[BadRecord] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing bad was found."""
        return not self.bad


def verify(storage: Storage, progress: Progress | None = None) -> VerifyReport:
    """Replay every trace of this TVM's version on its workload, in child processes."""
    report = VerifyReport()
    connection, rows = storage.connection, storage.reader.rows(Filter(include_failed=True))
    try:
        report.bad += [BadRecord(None, fault) for fault in connection.read(_file_faults)]
        total = connection.read(lambda db: int(db.execute(_TOTAL).scalar_one()))
        while batch := list(islice(rows, _BATCH)):
            _verify_batch(storage.reader, batch, report)
            if progress is not None:
                progress(report.checked + report.skipped, total)
    except DatabaseError as error:  # pages of the file are damaged: the rest cannot be reached
        report.bad.append(BadRecord(None, str(error)))
    return report


def _verify_batch(reader: Reader, batch: list[sa.Row[Any]], report: VerifyReport) -> None:
    to_replay: list[Entry] = []
    for row in batch:
        if row.tvm_version != tvm.__version__:
            report.skipped += 1
            continue
        report.checked += 1
        try:
            entry = reader.parse(row, reader.load_workload(row.workload_id))
            traces.read_trace(entry.trace)
        except DamagedDataError as error:
            report.bad.append(BadRecord(row.id, f"damaged: {error}"))
            continue
        if not entry.failure:
            to_replay.append(entry)
    for entry, outcome in zip(to_replay, run_isolated(_check, to_replay), strict=True):
        if outcome.fault:
            report.bad.append(BadRecord(entry.id, outcome.fault))


def _check(entry: Entry) -> None:
    mod = entry.ir.mod
    if workload_signature(mod["main"]) != entry.ir.signature:
        raise ValueError("its workload has another signature than the row says")
    try:
        replay(traces.read_trace(entry.trace), mod)
    except Exception as error:
        raise ValueError(f"its trace does not apply: {codec.first_line(error)}") from error


def _file_faults(db: sa.Connection) -> list[str]:
    """Ask SQLite whether the pages of the file are sound."""
    if db.dialect.name != "sqlite":
        return []
    found = [str(row[0]) for row in db.exec_driver_sql("PRAGMA integrity_check(20)").all()]
    return [] if found == ["ok"] else [f"the file is damaged: {fault}" for fault in found]
