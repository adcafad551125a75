"""The part of a schedule database that holds labels and calibrations."""

from collections.abc import Iterable

from tvm.ir import IRModule
from tvm.tirx import PrimFunc

from cosearch.blocks import Signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.label import Label, Level
from cosearch.schedules.record import Workload
from cosearch.schedules.store.codec import canonical_module
from cosearch.schedules.store.entry import StoredIR
from cosearch.schedules.store.labels import (
    read_calibration,
    read_labels,
    write_calibration,
    write_labels,
)
from cosearch.schedules.store.storage import Storage
from cosearch.schedules.store.writer import insert_workload
from cosearch.timing import Calibration


class Labelled:
    """The part of `ScheduleDatabase` that knows what was measured of whole programs."""

    __slots__ = ()
    _storage: Storage

    def add_labels(self, labels: Iterable[Label]) -> None:
        """Keep labels, each in the place of an older one of the same thing."""
        write_labels(self._storage, labels)

    def labels(self, conditions: Conditions, level: Level) -> list[Label]:
        """Return the labels of kernels, blocks or networks under some conditions.

        Those of another version of the measurement are left out.
        """
        return list(read_labels(self._storage, conditions, level))

    def keep_workload(self, func: PrimFunc, signature: Signature) -> None:
        """Keep a kernel that labels are of, with its signature."""
        mod = canonical_module(IRModule({"main": func}))
        ir = StoredIR.of(Workload(mod, signature))
        self._storage.connection.write(lambda db: insert_workload(db, ir))

    def workload(self, shape_aware: str) -> IRModule | None:
        """Return the workload of a signature; None when it is not known, or damaged."""
        signature = Signature(shape_aware, "")
        found = next(self._storage.reader.matching_workloads(signature, None), None)
        return None if found is None else found[1].mod

    def calibration(self, threads: int) -> Calibration | None:
        """Return how fast the reference work is on this machine, None before it was measured."""
        return read_calibration(self._storage, threads)

    def keep_calibration(self, threads: int, calibration: Calibration) -> None:
        """Keep how fast the reference work is on this machine."""
        write_calibration(self._storage, threads, calibration)
