"""Tables of latencies of architectures on devices, as HELP publishes them."""

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cosearch.latency.adapt_encodings import Encoding, encode_fbnet, encode_nasbench201

PREFIX = "latency_ms_"
"""What the columns of devices begin with."""


@dataclass(frozen=True)
class DeviceTable:
    """Architectures that were measured on devices.

    Attributes
    ----------
    name : str
        Of the file.
    architectures : list of str
        As they were written.
    encoding : Encoding
        Their features.
    devices : list of str
        Names.
    latencies_us : numpy.ndarray
        float64 ``[architectures, devices]``, microseconds.
    """

    name: str
    architectures: list[str]
    encoding: Encoding
    devices: list[str]
    latencies_us: npt.NDArray[np.float64]

    def read_samples(self, path: Path) -> dict[int, float]:
        """Read what was measured on another device: columns ``arch`` and ``latency_ms``.

        Returns
        -------
        dict of int to float
            Latency in microseconds by the architecture's row in this table.

        Raises
        ------
        ValueError
            When the file is no such table, or names an architecture that is not in this one.
        """
        places = {name: row for row, name in enumerate(self.architectures)}
        measured = {}
        for number, row in enumerate(_rows(path, ["arch", "latency_ms"]), start=2):
            if row["arch"] not in places:
                raise ValueError(f"{path}: row {number}: {row['arch']!r} is not in {self.name}")
            measured[places[row["arch"]]] = _positive(path, number, row, "latency_ms") * 1e3
        return measured


def read_device_table(path: Path) -> DeviceTable:
    """Read a table with a column ``arch`` and two or more ``latency_ms_DEVICE``.

    Parameters
    ----------
    path : pathlib.Path
        CSV, compressed by gzip where its name ends in ``.gz``. Architectures are NAS-Bench-201's
        strings or FBNet's choices.

    Raises
    ------
    ValueError
        When it is none, or a value is missing.
    """
    rows = _rows(path, ["arch"])
    devices = [name for name in rows[0] if name.startswith(PREFIX)]
    if len(devices) < 2:
        raise ValueError(f"{path}: needs two or more columns {PREFIX}DEVICE")
    names = [row["arch"] for row in rows]
    encode = encode_nasbench201 if names[0].startswith("|") else encode_fbnet
    try:
        encoding = encode(names)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    latencies = np.array(
        [
            [_positive(path, number, row, device) for device in devices]
            for number, row in enumerate(rows, start=2)
        ]
    )
    short = [name.removeprefix(PREFIX) for name in devices]
    return DeviceTable(path.name.split(".")[0], names, encoding, short, latencies * 1e3)


def _rows(path: Path, columns: list[str]) -> list[dict[str, str]]:
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, gzip.BadGzipFile, csv.Error) as error:
        raise ValueError(f"{path} is no CSV file: {error}") from error
    if not rows:
        raise ValueError(f"{path}: no rows")
    if missing := [name for name in columns if name not in rows[0]]:
        raise ValueError(f"{path}: needs a column {missing[0]}")
    return rows


def _positive(path: Path, number: int, row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column] or "nan")
    except (TypeError, ValueError):
        value = float("nan")
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{path}: row {number} has no positive {column}")
    return value
