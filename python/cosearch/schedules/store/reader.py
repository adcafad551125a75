"""Looking records up, and walking over all of them."""

import heapq
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa
from tvm.ir import IRModule

from cosearch.blocks import Signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.record import Provenance, Record
from cosearch.schedules.store import codec, statements, traces
from cosearch.schedules.store.connection import Connection
from cosearch.schedules.store.entry import Entry, StoredIR
from cosearch.schedules.store.errors import DamagedDataError, DamageLog
from cosearch.schedules.store.statements import Filter
from cosearch.schedules.store.tables import records

_CACHED_WORKLOADS = 1024
_PAGE = 256


class Reader:
    """Reads records; steps over damaged rows and logs them."""

    def __init__(self, connection: Connection, damage: DamageLog) -> None:
        self._connection = connection
        self._damage = damage
        # Rows of workloads never change, and their numbers never come back.
        self._workloads: OrderedDict[int, StoredIR] = OrderedDict()

    def count(self) -> int:
        """Count the measured records."""
        return int(self._connection.read(lambda db: db.execute(statements.COUNT).scalar_one()))

    def ranked(
        self, signature: Signature, found: Conditions, mod: IRModule | None, page: int
    ) -> Iterator[Record]:
        """Walk over the records of a workload under equal conditions, fastest first."""
        matching = self.matching_workloads(signature, mod)
        streams = [self._ranked(workload_id, found, page) for workload_id, _ in matching]
        return heapq.merge(*streams, key=lambda record: (record.latency_us, record.id or 0))

    def measured_traces(
        self, signature: Signature, found: Conditions, mod: IRModule | None
    ) -> dict[str, tuple[float, ...]]:
        """Collect the traces of a workload that were measured, failed ones with no times."""
        clauses = Filter(conditions=found, include_failed=True).of_records()
        matching = [records.c.workload_id == i for i, _ in self.matching_workloads(signature, mod)]
        found_traces = {}
        for row in chain.from_iterable(self._pages([match, *clauses]) for match in matching):
            entry = self.entry(row)
            if entry is None:
                continue
            try:
                text = codec.unpack(entry.trace, traces.MAX_TRACE_BYTES)
            except DamagedDataError as error:
                self._damage.report("records", row.id, str(error))
                continue
            found_traces[text] = entry.latencies_us
        return found_traces

    def get(self, record_id: int) -> Record | None:
        """Read one record, None when there is none or it is damaged."""
        rows = self._rows([records.c.id == record_id], after=0, limit=1)
        entry = self.entry(rows[0]) if rows else None
        return self.decode(entry) if entry else None

    def records(self, wanted: Filter) -> Iterator[Record]:
        """Walk over records; see `rows`."""
        for entry in self.entries(wanted):
            record = self.decode(entry)
            if record is not None:
                yield record

    def entries(self, wanted: Filter) -> Iterator[Entry]:
        """Walk over encoded records; see `rows`."""
        for row in self.rows(wanted):
            entry = self.entry(row)
            if entry is not None:
                yield entry

    def rows(self, wanted: Filter) -> Iterator[sa.Row[Any]]:
        """Walk over rows of records with their conditions; workload by workload, if some are named.

        One statement for all would have SQLite choose between the index of the workloads and the
        order of the rows, and it chooses wrong: 600 ms in place of 1 ms among 100,000 records.
        """
        statement, clauses = wanted.of_workloads(), wanted.of_records()
        if statement is None:
            yield from self._pages(clauses)
            return
        for workload_id in self._connection.read(lambda db: db.execute(statement).scalars().all()):
            yield from self._pages([records.c.workload_id == workload_id, *clauses])

    def entry(self, row: sa.Row[Any], found: Conditions | None = None) -> Entry | None:
        """Turn a row into an entry, None when it or its workload is damaged."""
        ir = self._workload(row.workload_id)
        if ir is None:
            return None
        try:
            return self.parse(row, ir, found)
        except DamagedDataError as error:
            self._damage.report("records", row.id, str(error))
            return None

    def decode(self, entry: Entry) -> Record | None:
        """Decode an entry, None when its trace is damaged."""
        try:
            return entry.decode()
        except DamagedDataError as error:
            self._damage.report("records", entry.id or 0, str(error))
            return None

    def parse(self, row: sa.Row[Any], ir: StoredIR, found: Conditions | None = None) -> Entry:
        """Turn a row into an entry.

        Raises
        ------
        DamagedDataError
            When it is damaged; the trace is not looked at.
        """
        if found is None:
            found = Conditions(row.target, row.features, row.threads, row.tvm_version)
        return Entry(
            uid=row.uid,
            ir=ir,
            conditions=found,
            trace=row.trace,
            latencies_us=codec.check_latencies(codec.parse_json(row.latencies_us)),
            failure=row.failure,
            provenance=Provenance(
                row.network, row.block, row.trials, row.search, row.created, row.design
            ),
            id=row.id,
        )

    def load_workload(self, workload_id: int) -> StoredIR:
        """Read a workload.

        Raises
        ------
        DamagedDataError
            When its IR is not the one that was stored.
        """
        cached = self._workloads.get(workload_id)
        if cached is not None:
            return cached
        values = {"id": workload_id}
        row = self._connection.read(
            lambda db: db.execute(statements.WORKLOAD, values).one_or_none()
        )
        if row is None:
            raise DamagedDataError("it is missing")
        signature = Signature(row.shape_aware, row.shape_agnostic)
        stored = StoredIR(signature, row.ir_digest, row.ir, row.dtype, row.layout, row.name)
        stored.read_text()
        self._workloads[workload_id] = stored
        if len(self._workloads) > _CACHED_WORKLOADS:
            self._workloads.popitem(last=False)
        return stored

    def matching_workloads(
        self, signature: Signature, mod: IRModule | None
    ) -> Iterator[tuple[int, StoredIR]]:
        """Walk over the workloads of a signature; with `mod`, those that its traces apply to."""
        values = {"shape_aware": signature.shape_aware}
        ids = self._connection.read(
            lambda db: db.execute(statements.WORKLOAD_IDS, values).scalars().all()
        )
        wanted = codec.canonical_module(mod) if mod is not None and ids else None
        for workload_id in ids:
            stored = self._workload(workload_id)
            if stored is None:
                continue
            try:
                if wanted is None or codec.same_workload(stored.mod, wanted):
                    yield workload_id, stored
            except DamagedDataError as error:
                self._damage.report("workloads", workload_id, str(error))

    def _workload(self, workload_id: int) -> StoredIR | None:
        try:
            return self.load_workload(workload_id)
        except DamagedDataError as error:
            self._damage.report("workloads", workload_id, str(error))
            return None

    def _ranked(self, workload_id: int, found: Conditions, page: int) -> Iterator[Record]:
        values: dict[str, Any] = {
            "workload_id": workload_id,
            "key": found.key,
            "after_us": 0.0,
            "after_id": 0,
            "limit": page,
        }
        while True:
            rows = self._connection.read(lambda db: db.execute(statements.RANKED, values).all())
            for row in rows:
                entry = self.entry(row, found)
                record = self.decode(entry) if entry else None
                if record is not None:
                    yield record
            if len(rows) < page:
                return
            values |= {"after_us": rows[-1].latency_us, "after_id": rows[-1].id}

    def _pages(self, clauses: list[sa.ColumnElement[bool]]) -> Iterator[sa.Row[Any]]:
        """Walk over rows by number.

        No transaction is held between pages, so that a slow reader does not keep SQLite from
        folding its log back, and rows may be added meanwhile.
        """
        after = 0
        while True:
            page = self._rows(clauses, after, _PAGE)
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].id

    def _rows(
        self, clauses: list[sa.ColumnElement[bool]], after: int, limit: int
    ) -> Sequence[sa.Row[Any]]:
        statement = statements.ALL.where(*clauses, records.c.id > after).limit(limit)
        return self._connection.read(lambda db: db.execute(statement).all())
