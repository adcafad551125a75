"""Tables of devices: what is read, and what is wrong with a file that is none."""

import gzip

import numpy as np
import pytest

from cosearch.latency.adapt_tables import read_device_table

CELLS = [
    f"|{op}~0|+|{op}~0|none~1|+|none~0|none~1|{op}~2|"
    for op in ("nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
]


def write(path, rows, header="arch,latency_ms_a,latency_ms_b"):
    text = "\n".join([header, *rows]) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz"])
def test_a_table(tmp_path, name):
    path = write(tmp_path / name, [f"{cell},{i + 1},0.5" for i, cell in enumerate(CELLS)])
    table = read_device_table(path)
    assert table.architectures == CELLS
    assert table.devices == ["a", "b"]
    np.testing.assert_array_equal(table.latencies_us, [[1000, 500], [2000, 500], [3000, 500]])
    samples = write(tmp_path / "samples.csv", [f"{CELLS[2]},7"], "arch,latency_ms")
    assert table.read_samples(samples) == {2: 7000}


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([], "arch,latency_ms_a,latency_ms_b", "no rows"),
        (["x,1,2"], "name,latency_ms_a,latency_ms_b", "needs a column arch"),
        ([f"{CELLS[0]},1"], "arch,latency_ms_a", "two or more columns latency_ms_DEVICE"),
        ([f"{CELLS[0]},1,"], "arch,latency_ms_a,latency_ms_b", "row 2 has no positive"),
        ([f"{CELLS[0]},1,-2"], "arch,latency_ms_a,latency_ms_b", "row 2 has no positive"),
        (["|songs~0|,1,2"], "arch,latency_ms_a,latency_ms_b", "songs"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, rows, header, message):
    with pytest.raises(ValueError, match=message):
        read_device_table(write(tmp_path / "table.csv", rows, header))


def test_samples_of_something_else_are_refused(tmp_path):
    table = read_device_table(write(tmp_path / "table.csv", [f"{CELLS[0]},1,2"]))
    samples = write(tmp_path / "samples.csv", [f"{CELLS[1]},7"], "arch,latency_ms")
    with pytest.raises(ValueError, match="is not in table"):
        table.read_samples(samples)


def test_a_file_that_is_not_compressed_is_no_table(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(b"songs")
    with pytest.raises(ValueError, match="is no CSV file"):
        read_device_table(path)
