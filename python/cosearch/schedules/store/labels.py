"""Reading and writing labels and calibrations."""

import json
import platform
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cosearch.schedules.conditions import Conditions
from cosearch.schedules.label import Label
from cosearch.schedules.store.storage import Storage
from cosearch.schedules.store.tables import calibrations, conditions, labels
from cosearch.schedules.store.writer import insert_conditions, insert_into
from cosearch.timing import PROTOCOL_VERSION, Calibration

_IDENTITY = ["level", "key", "context", "network", "conditions_id"]
_MACHINE = ["machine", "threads", "protocol"]


def write_labels(storage: Storage, found: Iterable[Label]) -> None:
    """Keep labels, each in the place of an older one of the same thing."""
    created = datetime.now(timezone.utc).isoformat(timespec="seconds")
    wanted = list(found)

    def write(db: sa.Connection) -> None:
        for label in wanted:
            row = _row(label) | {
                "conditions_id": insert_conditions(db, label.conditions),
                "created": created,
            }
            statement = insert_into(db, labels).values(**row)
            changed = {name: value for name, value in row.items() if name not in _IDENTITY}
            db.execute(statement.on_conflict_do_update(index_elements=_IDENTITY, set_=changed))

    storage.connection.write(write)


def read_labels(storage: Storage, wanted: Conditions, level: str) -> Iterator[Label]:
    """Yield the labels of a level under some conditions, in the order in which they were added."""
    statement = (
        sa.select(labels)
        .join(conditions, conditions.c.id == labels.c.conditions_id)
        .where(conditions.c.key == wanted.key, labels.c.level == level)
        .where(labels.c.protocol == PROTOCOL_VERSION)
        .order_by(labels.c.id)
    )
    for row in storage.connection.read(lambda db: db.execute(statement).all()):
        yield Label(
            latency_us=row.latency_us,
            low_us=row.low_us,
            high_us=row.high_us,
            unstable=bool(row.unstable),
            exclusive=bool(row.exclusive),
            conditions=wanted,
            level=row.level,
            key=row.key,
            name=row.name,
            context=row.context,
            network=row.network,
            parts=tuple((str(key), int(count)) for key, count in json.loads(row.parts)),
        )


def write_calibration(storage: Storage, threads: int, found: Calibration) -> None:
    """Keep the calibration of this machine."""
    values = {
        "compute_us": found.compute_us,
        "memory_us": found.memory_us,
        "clock_us": found.clock_us,
        "exclusive": int(found.exclusive),
    }

    def write(db: sa.Connection) -> None:
        statement = insert_into(db, calibrations).values(**_machine_row(threads), **values)
        db.execute(statement.on_conflict_do_update(index_elements=_MACHINE, set_=values))

    storage.connection.write(write)


def read_calibration(storage: Storage, threads: int) -> Calibration | None:
    """Return the calibration of this machine, None before there is one."""
    same = [calibrations.c[name] == value for name, value in _machine_row(threads).items()]
    statement = sa.select(calibrations).where(*same)
    row = storage.connection.read(lambda db: db.execute(statement).one_or_none())
    return (
        None
        if row is None
        else Calibration(row.compute_us, row.memory_us, row.clock_us, exclusive=bool(row.exclusive))
    )


@cache
def machine_name() -> str:
    """Return what tells this machine from others: its CPU and number of cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    known: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        known[name.strip()] = value.strip()
    cores = sum(line.startswith("processor") for line in lines)
    names = ("model name", "cpu family", "model", "stepping")
    return " ".join(known.get(name, "") for name in names) + f" x{cores}"


def _machine_row(threads: int) -> dict[str, Any]:
    return {"machine": machine_name(), "threads": threads, "protocol": PROTOCOL_VERSION}


def _row(label: Label) -> dict[str, Any]:
    return {
        "level": label.level,
        "key": label.key,
        "context": label.context,
        "network": label.network,
        "name": label.name,
        "protocol": PROTOCOL_VERSION,
        "latency_us": label.latency_us,
        "low_us": label.low_us,
        "high_us": label.high_us,
        "unstable": int(label.unstable),
        "exclusive": int(label.exclusive),
        "parts": json.dumps(label.parts),
    }
