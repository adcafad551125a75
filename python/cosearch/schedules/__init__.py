"""The schedules room: records, the database that keeps them, the tuner that makes them.

Names are imported on first use: a worker process of the tuner needs few of them.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosearch.schedules.apply import RejectedScheduleWarning as RejectedScheduleWarning
    from cosearch.schedules.apply import apply_schedules as apply_schedules
    from cosearch.schedules.conditions import Conditions as Conditions
    from cosearch.schedules.database import ScheduleDatabase as ScheduleDatabase
    from cosearch.schedules.lower import lower_to_workloads as lower_to_workloads
    from cosearch.schedules.record import Provenance as Provenance
    from cosearch.schedules.record import Record as Record
    from cosearch.schedules.record import Workload as Workload
    from cosearch.schedules.store.errors import DamagedRecordWarning as DamagedRecordWarning
    from cosearch.schedules.store.errors import DatabaseError as DatabaseError
    from cosearch.schedules.target import resolve_target as resolve_target
    from cosearch.schedules.tasks import TuningTask as TuningTask
    from cosearch.schedules.tasks import extract_workloads as extract_workloads
    from cosearch.schedules.tuner import TuningProgress as TuningProgress
    from cosearch.schedules.tuner import TuningResult as TuningResult
    from cosearch.schedules.tuner import tune as tune

_HOMES = {
    "Conditions": "conditions",
    "DamagedRecordWarning": "store.errors",
    "DatabaseError": "store.errors",
    "Provenance": "record",
    "Record": "record",
    "RejectedScheduleWarning": "apply",
    "ScheduleDatabase": "database",
    "TuningProgress": "tuner",
    "TuningResult": "tuner",
    "TuningTask": "tasks",
    "Workload": "record",
    "apply_schedules": "apply",
    "extract_workloads": "tasks",
    "lower_to_workloads": "lower",
    "resolve_target": "target",
    "tune": "tuner",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"cosearch.schedules.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'cosearch.schedules' has no attribute {name!r}")
