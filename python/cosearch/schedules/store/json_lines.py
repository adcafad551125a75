"""Export and import as JSON lines, compressed with gzip.

The first line says what the file is. A line with ``workload`` holds an IR, the lines with
``record`` after it refer to its digest.
"""

import contextlib
import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from cosearch.schedules.store import codec, traces
from cosearch.schedules.store.entry import Entry
from cosearch.schedules.store.errors import DamagedDataError, DatabaseError
from cosearch.schedules.store.intake import Foreign, Problem, read_conditions, read_provenance

_FORMAT = "cosearch-schedules"
_VERSION = 1
# A line is at most one IR: its JSON inside JSON, each quote of which takes another byte.
MAX_LINE_BYTES = 2 * codec.MAX_IR_BYTES
_GZIP_MAGIC = b"\x1f\x8b"


def write_json_lines(path: Path, entries: Iterable[Entry]) -> int:
    """Write records to a file, which is replaced only when all are written.

    Returns
    -------
    int
        Number of records.

    Raises
    ------
    DatabaseError
        When the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as raw:
            count = _write(raw, entries, compress=path.suffix != ".jsonl")
            raw.flush()
            os.fsync(raw.fileno())
        temporary.replace(path)
        return count
    except OSError as error:
        raise DatabaseError(f"cannot write {path}: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def read_json_lines(path: Path) -> Iterator[Foreign | Problem]:
    """Read what `write_json_lines` wrote; damaged lines come out as problems.

    Raises
    ------
    DatabaseError
        When the file cannot be read, or is something else.
    """
    irs: dict[str, tuple[str, str]] = {}
    number = 0
    for number, line in enumerate(_read_lines(path), start=1):
        where = f"line {number}"
        if isinstance(line, Problem):
            yield line
            return
        if number == 1:
            _check_header(path, line)
            continue
        try:
            data = codec.parse_json(line.decode())
            if isinstance(data, dict) and "workload" in data:
                digest, text, name = _read_workload(data["workload"])
                irs[digest] = (text, name)
            elif isinstance(data, dict) and "record" in data:
                yield _read_record(where, data["record"], irs)
            else:
                raise DamagedDataError("it holds neither a workload nor a record")
        except (DamagedDataError, UnicodeDecodeError) as error:
            yield Problem(where, str(error))
    if number == 0:
        raise DatabaseError(f"{path} is empty: there is nothing to import.")


def _write(raw: IO[bytes], entries: Iterable[Entry], compress: bool) -> int:
    count = 0
    written: set[str] = set()
    with contextlib.ExitStack() as stack:
        # Without a time of its own equal databases give equal files.
        file = stack.enter_context(gzip.GzipFile("", "wb", 6, raw, mtime=0)) if compress else raw
        _write_line(file, {"format": _FORMAT, "version": _VERSION})
        for entry in entries:
            ir = entry.ir
            if ir.digest not in written:
                written.add(ir.digest)
                workload = {"digest": ir.digest, "ir": ir.read_text(), "name": ir.name}
                _write_line(file, {"workload": workload})
            _write_line(file, {"record": _record_data(entry)})
            count += 1
    return count


def _record_data(entry: Entry) -> dict[str, Any]:
    return {
        "uid": entry.uid,
        "workload": entry.ir.digest,
        "conditions": asdict(entry.conditions),
        "latencies_us": entry.latencies_us,
        "failure": entry.failure,
        "provenance": asdict(entry.provenance),
        "trace": traces.read_trace(entry.trace),
    }


def _write_line(file: Any, data: Any) -> None:
    file.write(json.dumps(data, separators=(",", ":")).encode() + b"\n")


def _read_lines(path: Path) -> Iterator[bytes | Problem]:
    number = 0
    try:
        with _open(path) as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    reason = f"it is longer than {MAX_LINE_BYTES} bytes; the rest was not read"
                    yield Problem(f"line {number}", reason)
                    return
                yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield Problem(f"after line {number}", f"the compressed file is damaged ({error})")
    except OSError as error:
        raise DatabaseError(f"cannot read {path}: {error.strerror or error}.") from error


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP_MAGIC
    return gzip.open(path, "rb") if compressed else path.open("rb")  # type: ignore[return-value]


def _check_header(path: Path, line: bytes) -> None:
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise DatabaseError(
            f"{path} is not an export of schedules: its first line does not say {_FORMAT!r}."
        )
    if header.get("version") != _VERSION:
        raise DatabaseError(
            f"{path} has version {header.get('version')!r} of the format, this cosearch reads "
            f"{_VERSION}: run `pip install --upgrade tvm-cosearch`."
        )


def _read_workload(data: Any) -> tuple[str, str, str]:
    keys = ("digest", "ir", "name")
    if not isinstance(data, dict) or not all(isinstance(data.get(key), str) for key in keys):
        raise DamagedDataError("its workload lacks a digest, an IR or a name")
    if codec.digest(data["ir"]) != data["digest"]:
        raise DamagedDataError("its IR does not have the digest that it says")
    return data["digest"], data["ir"], data["name"]


def _read_record(where: str, data: Any, irs: dict[str, tuple[str, str]]) -> Foreign:
    if not isinstance(data, dict):
        raise DamagedDataError("its record is no object")
    ir = irs.get(data.get("workload", ""))
    if ir is None:
        raise DamagedDataError("no sound line before it holds its workload")
    uid, failure = data.get("uid"), data.get("failure")
    if not (isinstance(uid, str) and len(uid) == 32 and set(uid) <= set("0123456789abcdef")):
        raise DamagedDataError("its uid is not 32 hex digits")
    latencies = codec.check_latencies(data.get("latencies_us"))
    if not isinstance(failure, str) or bool(failure) == bool(latencies):
        raise DamagedDataError("it has neither latencies nor a failure")
    return Foreign(
        where=where,
        uid=uid,
        ir_text=ir[0],
        name=ir[1],
        conditions=read_conditions(data.get("conditions")),
        trace=traces.check_trace(data.get("trace")),
        latencies_us=latencies,
        failure=failure,
        provenance=read_provenance(data.get("provenance")),
    )
