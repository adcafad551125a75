"""What a search has evaluated, in a file that a kill does not take away.

One JSON object a line: first what is searched for, then each architecture with its figures. To go
on, a search runs again from its seed and takes from here what it had evaluated.
"""

import json
import os
import time
import warnings
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cosearch.nas.goals import Values
from cosearch.spaces.space import Integers

FORMAT = "cosearch-search-journal"
VERSION = 1
SEARCH_DEFINES = ("space", "choices", "goals", "algorithm", "seed")
"""Parts of the header that have to agree; a budget may be raised."""


class JournalError(ValueError):
    """A checkpoint is damaged, or of another search."""


class Journal:
    """A checkpoint that is open for writing; make one by `start` or `resume`."""

    def __init__(
        self, path: Path, file: BinaryIO, known: dict[bytes, tuple[Values, float]], spent_s: float
    ) -> None:
        self.path = path
        self.known = known
        self._file = file
        self._spent_s = spent_s
        self._started_s = time.perf_counter()
        self._replayed_s: float | None = 0.0 if known else None

    @classmethod
    def start(cls, path: Path, header: Mapping[str, Any]) -> "Journal":
        """Begin a new one.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        header : mapping
            Plain data: what is searched for, see `search_header`.

        Raises
        ------
        FileExistsError
            When there is a file.
        OSError
            When it cannot be written.
        """
        try:
            file = path.open("xb")
        except FileExistsError as error:
            raise FileExistsError(
                f"{path} exists: go on with it by resume, or remove it to begin anew"
            ) from error
        except OSError as error:
            raise _cannot_write(path, error) from error
        journal = cls(path, file, {}, 0.0)
        try:
            journal._write([header])
        except OSError:
            file.close()
            path.unlink()
            raise
        return journal

    @classmethod
    def resume(cls, path: Path, header: Mapping[str, Any]) -> "Journal":
        """Go on with what an interrupted search left; a last line that was cut off is dropped.

        Raises
        ------
        JournalError
            When it is of another search, or damaged.
        OSError
            When it cannot be read or written.
        """
        if not path.is_file():
            raise OSError(f"cannot go on with {path}: it is no file")
        try:
            file = path.open("r+b")
        except OSError as error:
            raise _cannot_write(path, error) from error
        content = file.read()
        whole = content.rfind(b"\n") + 1
        known, spent_s = _read(path, content[:whole], header)
        file.seek(whole)
        file.truncate()
        return cls(path, file, known, spent_s)

    def elapsed_s(self) -> float:
        """Return the seconds that the search took up to here, with those before an interruption."""
        if self._replayed_s is not None:
            return self._replayed_s
        return self._spent_s + time.perf_counter() - self._started_s

    def recall(self, row: Integers) -> Values | None:
        """Return the figures of an architecture, int64 ``[positions]``, None where it is new."""
        found = self.known.get(row.tobytes())
        if found is None:
            self._replayed_s = None
            return None
        if self._replayed_s is not None:
            self._replayed_s = found[1]
        return found[0]

    def append(self, rows: Integers, values: Values) -> None:
        """Write architectures down; they are on the disk when this returns.

        Raises
        ------
        OSError
            When they cannot be written.
        """
        spent_s = round(self.elapsed_s(), 3)
        self._write(
            {"row": row.tolist(), "values": figures.tolist(), "elapsed_s": spent_s}
            for row, figures in zip(rows, values, strict=True)
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, lines: Any) -> None:
        try:
            self._file.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _cannot_write(self.path, error) from error


def search_header(
    space: Any, goals: Mapping[str, Any], algorithm: Mapping[str, Any], seed: int, budget: int
) -> dict[str, Any]:
    """Describe a search as plain data, with the versions that its random numbers depend on."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "space": space.name,
        "choices": list(space.choices),
        "goals": dict(goals),
        "algorithm": dict(algorithm),
        "seed": seed,
        "budget": budget,
        "versions": {name: metadata.version(name) for name in ("tvm-cosearch", "numpy", "pymoo")},
    }


def _read(
    path: Path, content: bytes, header: Mapping[str, Any]
) -> tuple[dict[bytes, tuple[Values, float]], float]:
    """Return what a journal holds, and the seconds that it took."""
    lines = content.splitlines()
    _compare(path, _parsed(path, lines[0], 1) if lines else {}, header)
    known: dict[bytes, tuple[Values, float]] = {}
    spent_s = 0.0
    for number, line in enumerate(lines[1:], start=2):
        data = _parsed(path, line, number)
        try:
            row = np.array(data["row"], np.int64)
            figures = np.array(data["values"], np.float64)
            spent_s = float(data["elapsed_s"])
        except (KeyError, TypeError, ValueError) as error:
            raise JournalError(f"{path}, line {number}, is damaged ({error})") from error
        if row.shape != (len(header["choices"]),) or figures.shape != (
            len(header["goals"]["columns"]),
        ):
            raise JournalError(f"{path}, line {number}, is damaged (of another length)")
        known[row.tobytes()] = figures, spent_s
    return known, spent_s


def _parsed(path: Path, line: bytes, number: int) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise JournalError(f"{path}, line {number}, is damaged ({error})") from error
    if not isinstance(data, dict):
        raise JournalError(f"{path}, line {number}, is damaged (no object)")
    return data


def _compare(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if found.get("format") != FORMAT:
        raise JournalError(f"{path} is no checkpoint of a search")
    if found.get("version") != VERSION:
        raise JournalError(f"{path} was written by another release of cosearch: begin anew")
    for part in SEARCH_DEFINES:
        if found.get(part) != wanted[part]:
            raise JournalError(
                f"{path} is of another search: its {part} is {json.dumps(found.get(part))}, not "
                f"{json.dumps(wanted[part])}; name another file, or ask for the same"
            )
    changed = [
        f"{name} was {found.get('versions', {}).get(name)} and is {version}"
        for name, version in wanted["versions"].items()
        if found.get("versions", {}).get(name) != version
    ]
    if changed:
        warnings.warn(
            f"{', '.join(changed)}: the search may take another way than it would have taken",
            stacklevel=2,
        )


def _cannot_write(path: Path, error: OSError) -> OSError:
    return OSError(f"cannot write the checkpoint {path}: {error.strerror or error}")
