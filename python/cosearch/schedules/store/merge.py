"""Copying the records of another database."""

from collections.abc import Iterator

from cosearch.schedules.store import traces
from cosearch.schedules.store.errors import DamagedDataError
from cosearch.schedules.store.intake import Foreign, Problem
from cosearch.schedules.store.reader import Reader
from cosearch.schedules.store.statements import Filter


def read_database(reader: Reader) -> Iterator[Foreign | Problem]:
    """Read all records of a database; damaged rows come out as problems."""
    for row in reader.rows(Filter(include_failed=True)):
        where = f"record {row.id}"
        try:
            entry = reader.parse(row, reader.load_workload(row.workload_id))
            yield Foreign(
                where=where,
                uid=entry.uid,
                ir_text=entry.ir.read_text(),
                name=entry.ir.name,
                conditions=entry.conditions,
                trace=traces.read_trace(entry.trace),
                latencies_us=entry.latencies_us,
                failure=entry.failure,
                provenance=entry.provenance,
            )
        except DamagedDataError as error:
            yield Problem(where, str(error))
