"""Import of the folders that MetaSchedule's JSONDatabase writes."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import tvm
from tvm.target import Target

from cosearch.schedules.conditions import Conditions
from cosearch.schedules.record import Provenance
from cosearch.schedules.store import codec, traces
from cosearch.schedules.store.errors import DamagedDataError, DatabaseError
from cosearch.schedules.store.intake import Foreign, Problem

WORKLOADS = "database_workload.json"
RECORDS = "database_tuning_record.json"

# MetaSchedule gives a candidate that failed 1e10 seconds.
FAILED_S = 1e9
_LENGTH_BYTES = 8


def read_json_database(folder: Path) -> Iterator[Foreign | Problem]:
    """Read the records of a JSONDatabase; damaged lines come out as problems.

    MetaSchedule notes the version of TVM with each workload's IR, and the threads as the target's
    ``num-cores``: records whose target does not say it are problems too.

    Raises
    ------
    DatabaseError
        When the folder lacks one of the two files.
    """
    workloads = [_read_workload(line) for line in _lines(folder / WORKLOADS)]
    for number, line in enumerate(_lines(folder / RECORDS), start=1):
        where = f"{RECORDS}:{number}"
        try:
            yield _read_record(where, line, workloads)
        except DamagedDataError as error:
            yield Problem(where, str(error))


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield from (line for line in file if line.strip())
    except OSError as error:
        raise DatabaseError(
            f"cannot read {path}: {error.strerror}. A folder to import holds {WORKLOADS} and "
            f"{RECORDS}."
        ) from error


def _read_workload(line: str) -> str | DamagedDataError:
    """Return the IR as JSON; an error is kept, since records name workloads by their line."""
    try:
        data = codec.parse_json(line)
        if not (isinstance(data, list) and len(data) == 2 and isinstance(data[1], str)):
            raise DamagedDataError("its workload is not [hash, IR]")
        return base64.b64decode(data[1], validate=True)[_LENGTH_BYTES:].decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        return DamagedDataError(f"the IR of its workload is damaged ({error})")
    except DamagedDataError as error:
        return error


def _read_record(where: str, line: str, workloads: list[str | DamagedDataError]) -> Foreign:
    data = codec.parse_json(line)
    if not (isinstance(data, list) and len(data) == 2 and type(data[0]) is int):
        raise DamagedDataError("it is not [workload, record]")
    index, record = data
    if not 0 <= index < len(workloads):
        raise DamagedDataError(f"there is no workload {index}")
    ir = workloads[index]
    if isinstance(ir, DamagedDataError):
        raise ir
    if not (isinstance(record, list) and len(record) == 4 and isinstance(record[1], list)):
        raise DamagedDataError("its record is not [trace, seconds, target, arguments]")
    trace, seconds, target, _ = record
    failed = not seconds or any(isinstance(s, int | float) and s >= FAILED_S for s in seconds)
    times = [] if failed else [s * 1e6 if isinstance(s, int | float) else s for s in seconds]
    return Foreign(
        where=where,
        uid=blake2b(f"{ir}\n{line.strip()}".encode(), digest_size=16).hexdigest(),
        ir_text=ir,
        name="main",
        conditions=_conditions(target, ir),
        trace=traces.check_trace(trace),
        latencies_us=codec.check_latencies(times),
        failure="reported as failed by MetaSchedule" if failed else "",
        provenance=Provenance(search="meta_schedule"),
    )


def _conditions(target: Any, ir: str) -> Conditions:
    if not isinstance(target, dict):
        raise DamagedDataError("its target is no dict")
    try:
        conditions = Conditions.of(Target(target))
    except Exception as error:  # TVM refuses it, or it says no num-cores
        raise DamagedDataError(f"its target is refused: {codec.first_line(error)}") from error
    return replace(conditions, tvm_version=_tvm_version(ir))


def _tvm_version(ir: str) -> str:
    try:
        return str(json.loads(ir)["metadata"]["tvm_version"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return str(tvm.__version__)
