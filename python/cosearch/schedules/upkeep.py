"""Looking after a schedule database: counting, moving records in and out, checking, pruning."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cosearch.schedules.store.intake import Foreign, ImportReport, Intake, Problem
from cosearch.schedules.store.json_database import read_json_database
from cosearch.schedules.store.json_lines import read_json_lines, write_json_lines
from cosearch.schedules.store.location import is_sqlite_file
from cosearch.schedules.store.merge import read_database
from cosearch.schedules.store.prune import prune
from cosearch.schedules.store.statements import Filter
from cosearch.schedules.store.statistics import statistics
from cosearch.schedules.store.storage import Storage
from cosearch.schedules.store.verify import Progress, VerifyReport, verify


class Upkeep:
    """The part of `ScheduleDatabase` that a build does not need."""

    __slots__ = ()
    _storage: Storage

    def stats(self) -> dict[str, Any]:
        """Return counts of records, failed candidates and workloads, also for each conditions."""
        return statistics(self._storage)

    def export(self, path: str | Path) -> int:
        """Write all records to a file of JSON lines; return how many.

        The file is compressed by gzip, unless its name ends in ``.jsonl``. Damaged records are
        left out, with a warning.
        """
        reader = self._storage.reader
        entries = reader.entries(Filter(include_failed=True))
        return write_json_lines(Path(path), (e for e in entries if reader.decode(e) is not None))

    def import_(self, path: str | Path, *, replay: bool = True) -> ImportReport:
        """Add the records of a file or folder; those that are known already are left out.

        Parameters
        ----------
        path : str or Path
            JSON lines from `export`, a folder of MetaSchedule's JSONDatabase, or a SQLite database
            of schedules.
        replay : bool
            Try each trace on its workload first, in a child process (milliseconds each), and leave
            out what does not apply: a malformed trace can crash TVM. Turn it off for files that
            are known to be sound.

        Returns
        -------
        ImportReport
            Counts, and what was wrong with the records that were left out.

        Raises
        ------
        DatabaseError
            When nothing at `path` can be imported. Records added before an error stay; importing
            again adds the others.
        """
        path = Path(path)
        if path.is_file() and is_sqlite_file(path):
            return self.merge(path, replay=replay)
        read = read_json_database if path.is_dir() else read_json_lines
        return self._take(read(path), replay)

    def merge(self, other: "str | Path | Upkeep", *, replay: bool = True) -> ImportReport:
        """Add the records of another database, given by path, URL or object; see `import_`."""
        if isinstance(other, Upkeep):
            return self._take(read_database(other._storage.reader), replay)
        source = Storage(other, read_only=True)
        try:
            return self._take(read_database(source.reader), replay)
        finally:
            source.connection.close()

    def verify(self, progress: Progress | None = None) -> VerifyReport:
        """Replay the trace of every record of this TVM version, in child processes.

        Parameters
        ----------
        progress : callable, optional
            Called now and then with the number of records checked and their total.
        """
        return verify(self._storage, progress)

    def prune(self, keep: int) -> int:
        """Delete all but the `keep` fastest records of each workload under each conditions.

        Failed candidates are deleted too: a search that is resumed may try them again.

        Returns
        -------
        int
            How many records were deleted.
        """
        return prune(self._storage.connection, keep)

    def _take(self, found: Iterator[Foreign | Problem], replay: bool) -> ImportReport:
        return Intake(self._storage.add_entries, replay).run(found)
