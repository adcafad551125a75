"""The schedule database: tuned records, kept under the conditions that they were measured in."""

import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Optional

from tvm.ir import IRModule
from tvm.s_tir.meta_schedule.database import Database
from tvm.s_tir.meta_schedule.database.database import _PyDatabase

from cosearch.blocks import Signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.labelled import Labelled
from cosearch.schedules.meta_schedule import MetaScheduleCallbacks
from cosearch.schedules.record import Record
from cosearch.schedules.store.base import base_storage
from cosearch.schedules.store.statements import Filter
from cosearch.schedules.store.storage import TIMEOUT_S, Storage, ranked
from cosearch.schedules.transfer.knowledge import Knowledge
from cosearch.schedules.upkeep import Upkeep

_entered = threading.local()


class ScheduleDatabase(Upkeep, Labelled, _PyDatabase):  # type: ignore[misc] # TVM's classes are Any to mypy
    """Tuned schedules in a SQLite file or on a PostgreSQL server.

    It is a MetaSchedule database: inside ``with ScheduleDatabase():`` TVM's own passes use it too.
    Many threads and processes may use one database at once; what was added stays through a kill.
    Records are found only under equal conditions: target, CPU features, threads, TVM version.

    Unlike TVM's databases an empty one is true, so that ``if Database.current():`` does not pass
    over it; ``len`` is the number of measured records.

    Parameters
    ----------
    url : str or Path, optional
        A file, or a URL such as ``postgresql://user@host/name``. By default what the environment
        variable ``COSEARCH_DB`` says, or else ``schedules.sqlite`` in the user's cache folder.
    read_only : bool
        Refuse to write. A file that cannot be written is opened so in any case.
    base : bool
        Whether the records that the package carries are looked up too, where this database has
        none that are faster. They are neither counted nor walked over, and never changed.
    timeout_s : float
        How long to wait for other processes that write, in seconds.

    Raises
    ------
    DatabaseError
        When there is something else at that place, or another format, or it cannot be opened.

    Examples
    --------
    >>> with cosearch.ScheduleDatabase("schedules.sqlite") as database:
    ...     lib = relay.build(mod, target)
    """

    __slots__ = ("__dict__", "__weakref__")

    def __init__(
        self,
        url: str | Path | None = None,
        *,
        read_only: bool = False,
        base: bool = True,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._storage = Storage(url, read_only, timeout_s)
        beneath = base_storage() if base else None
        self._layers = [self._storage] if beneath is None else [self._storage, beneath]
        # The callbacks hold the storage, not this object: no cycle through TVM, and TVM's handle
        # works for as long as TVM keeps it.
        super().__init__(**MetaScheduleCallbacks(self._layers).as_arguments())

    @classmethod
    def in_memory(cls) -> "ScheduleDatabase":
        """Make a database that vanishes with the process, with no records beneath it."""
        return cls("sqlite://", base=False)

    @staticmethod
    def current() -> Optional["ScheduleDatabase"]:
        """Return the database of the innermost ``with``, None when it is TVM's or none."""
        stack: list[ScheduleDatabase] = getattr(_entered, "stack", [])
        innermost = Database.current()
        if not stack or innermost is None or not innermost.same_as(stack[-1]):
            return None
        return stack[-1]

    def __enter__(self) -> "ScheduleDatabase":
        """Make this the current database of the thread, for TVM as well."""
        super().__enter__()
        _entered.__dict__.setdefault("stack", []).append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Go back to the database before; this one stays open."""
        _entered.stack.pop()
        super().__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        """Path or URL of the database, without a password."""
        return str(self._storage.location)

    @property
    def read_only(self) -> bool:
        """Whether records can be looked up only."""
        return self._storage.connection.read_only

    @property
    def damaged(self) -> int:
        """Number of damaged rows that were met, and stepped over, since this object was made."""
        return self._storage.damage.count

    def add(self, record: Record) -> int:
        """Add a record, which is safe from a kill when this returns; return its row."""
        return self._storage.add([record])[0]

    def add_many(self, records: Iterable[Record]) -> int:
        """Add records in few transactions; return how many."""
        return len(self._storage.add(records))

    def best(
        self, signature: Signature, conditions: Conditions, mod: IRModule | None = None
    ) -> Record | None:
        """Return the fastest record of a workload, None when there is none.

        Parameters
        ----------
        signature : Signature
            Of the workload; its shape-aware part is looked up.
        conditions : Conditions
            Where the kernel is to run.
        mod : tvm.ir.IRModule, optional
            The workload itself. Records of workloads of another structure, or with other names of
            blocks, are skipped: their traces would not apply.
        """
        return next(ranked(self._layers, signature, conditions, mod, 1), None)

    def top(
        self, signature: Signature, conditions: Conditions, k: int, mod: IRModule | None = None
    ) -> list[Record]:
        """Return the `k` fastest records of a workload, fastest first; see `best`."""
        if k < 1:
            return []
        return list(islice(ranked(self._layers, signature, conditions, mod, k), k))

    def measured_traces(
        self, signature: Signature, conditions: Conditions, mod: IRModule | None = None
    ) -> dict[str, tuple[float, ...]]:
        """Return what was measured of a workload, so that a search can be resumed.

        Returns
        -------
        dict of str to tuple of float
            Trace as canonical JSON (`trace_text`) to its latencies in microseconds; the tuple is
            empty where the candidate failed. Of a trace measured twice, the newest.
        """
        return self._storage.reader.measured_traces(signature, conditions, mod)

    def knowledge(self, conditions: Conditions) -> Knowledge:
        """Return what the records say of workloads that are not among them."""
        return Knowledge(self._layers, conditions)

    def get(self, record_id: int) -> Record | None:
        """Return the record of a row, None when there is none or it is damaged."""
        return self._storage.reader.get(record_id)

    def records(
        self,
        *,
        signature: Signature | None = None,
        shape_agnostic: str | None = None,
        conditions: Conditions | None = None,
        network: str | None = None,
        include_failed: bool = False,
    ) -> Iterator[Record]:
        """Walk over records in the order in which they were added; damaged ones are left out.

        Where workloads are named, those of one come after those of another.

        Parameters
        ----------
        signature : Signature, optional
            Only records of this workload.
        shape_agnostic : str, optional
            Only records of workloads that differ from this one in shapes at most.
        conditions : Conditions, optional
            Only records under these conditions.
        network : str, optional
            Only records that were tuned for this network.
        include_failed : bool
            Failed candidates as well.
        """
        shape_aware = signature.shape_aware if signature is not None else None
        wanted = Filter(shape_aware, shape_agnostic, conditions, network, include_failed)
        return self._storage.reader.records(wanted)

    def close(self) -> None:
        """Close the connections; later use raises `DatabaseError`."""
        self._storage.connection.close()

    def __len__(self) -> int:
        """Count the measured records, under whatever conditions; failed candidates do not count."""
        return self._storage.reader.count()

    def __bool__(self) -> bool:
        """Say yes, even when empty."""
        return True

    def __repr__(self) -> str:
        """Name the class and the place."""
        return f"ScheduleDatabase({self.url!r})"
