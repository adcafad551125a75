"""Metadata and reuse reports survive their JSON, and refuse what is none."""

import json

import pytest

from cosearch.relay.metadata import Metadata, TensorSpec
from cosearch.report import Kernel, ReuseReport

REPORT = ReuseReport(
    kernels=(
        Kernel("conv", "a" * 32, "b" * 32, "exact", 2, ("mbconv",), 7, "net", 3.5),
        Kernel("pool", "c" * 32, "d" * 32, "default", 1, reason="no record"),
    ),
    network="student",
    target="{}",
    threads=2,
    database="sqlite:///x",
)
METADATA = Metadata(
    inputs=(TensorSpec("input", (1, 3, None, 8), "float32"),),
    outputs=(TensorSpec("", (1, 10), "float32"),),
    target='{"kind": "llvm"}',
    threads=2,
    reuse=REPORT,
)


def test_round_trip():
    assert Metadata.from_json(METADATA.to_json()) == METADATA


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"inputs": 3}'])
def test_refuses_other_text(text):
    with pytest.raises(ValueError, match="no readable metadata"):
        Metadata.from_json(text)


def test_shares():
    assert REPORT.share_of_kernels == 0.5
    assert REPORT.share_of_time is None
    measured = REPORT.with_measured({"conv": 3.0, "pool": 2.0})
    assert measured.share_of_time == pytest.approx(6 / 8)
    assert json.loads(measured.to_json())["summary"]["exact"] == 1


def test_table_names_kernels_and_reasons():
    text = str(REPORT)
    assert "conv" in text
    assert "no record" in text
    assert "1 exact, 0 transferred, 0 tuned, 0 rules, 1 default" in text
