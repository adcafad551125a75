"""A reuse report survives its JSON, reads older ones, and refuses what is none."""

import json
from dataclasses import replace

import pytest

from cosearch.report import Kernel, ReuseReport, read_reuse, reuse_table

OLD = {
    "kernels": [
        {
            "name": "conv",
            "workload": "a",
            "workload_agnostic": "b",
            "source": "exact",
            "calls": 2,
            "blocks": ["mbconv"],
            "record": 7,
            "donor": "net",
            "recorded_us": 3,
            "measured_us": None,
            "reason": "",
        }
    ],
    "network": "student",
    "target": "{}",
    "threads": 2,
    "database": "x",
    "summary": {"kernels": 1},
}


def test_round_trip(report):
    assert ReuseReport.from_dict(json.loads(report.to_json())) == report
    assert ReuseReport.from_dict(report.to_dict()) == report


def test_a_report_of_an_older_version():
    report = ReuseReport.from_dict(OLD)
    assert report.kernels == (Kernel("conv", "a", "b", "exact", 2, ("mbconv",), 7, "net", 3.0),)
    assert isinstance(report.kernels[0].recorded_us, float)
    assert (report.blocks, report.peak_gflops, report.tuning_seconds_saved) == ((), None, None)


def test_fields_of_a_newer_version_are_left_out():
    data = {**OLD, "novelty": 1, "kernels": [{**OLD["kernels"][0], "novelty": {}}]}
    assert ReuseReport.from_dict(data) == ReuseReport.from_dict(OLD)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"calls": "many"}, r"kernels\[0\]\.calls is 'many', not a whole number"),
        ({"calls": True}, r"kernels\[0\]\.calls is True"),
        ({"source": "magic"}, r"kernels\[0\]\.source is 'magic', not one of exact, "),
        ({"source": ["exact"]}, r"kernels\[0\]\.source is "),
        ({"recorded_us": float("nan")}, "not a finite number"),
        ({"blocks": "mbconv"}, r"kernels\[0\]\.blocks is 'mbconv', not a list"),
        ({"blocks": [1]}, r"kernels\[0\]\.blocks\[0\] is 1, not text"),
        ({"rejected": [{"record": 1, "donor": "x"}]}, r"rejected\[0\]\.reason is missing"),
        ({"name": None}, r"kernels\[0\]\.name is None"),
    ],
)
def test_a_kernel_of_the_wrong_form(change, message):
    with pytest.raises(ValueError, match=message):
        ReuseReport.from_dict({**OLD, "kernels": [{**OLD["kernels"][0], **change}]})


@pytest.mark.parametrize("data", [None, [], 3, {}, {"kernels": 3}, {"kernels": [3]}])
def test_other_data(data):
    with pytest.raises(ValueError, match="not a reuse report"):
        ReuseReport.from_dict(data)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"rows": []}', "[" * 100_000, "\ufeff{}"])
def test_a_file_of_something_else_is_named(tmp_path, text):
    path = tmp_path / "foreign.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"foreign\.json is not a reuse report"):
        read_reuse(path)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "foreign.json"
    path.write_bytes(b"\xff\xfe\x00" * 9)
    with pytest.raises(ValueError, match="is not a reuse report"):
        read_reuse(path)


def test_sums(report):
    assert report.latency_us == pytest.approx(115.0)
    assert report.share_of_kernels == pytest.approx(3 / 5)
    assert report.share_of_time == pytest.approx(90 / 115)
    stem, _, project, *_ = report.kernels
    assert stem.gflops == pytest.approx(2e6 / 20e-6 / 1e9)
    assert report.share_of_peak(stem) == pytest.approx(100 / 400)
    assert project.gflops is None
    assert report.share_of_peak(project) is None
    assert json.loads(report.to_json())["summary"]["transferred"] == 1


def test_nothing_is_made_up_without_a_measurement(report):
    plain = replace(report, kernels=tuple(replace(k, measured_us=None) for k in report.kernels))
    assert plain.latency_us is None
    assert plain.share_of_time is None
    assert plain.share_of_peak(plain.kernels[0]) is None
    measured = plain.with_measured({"stem": 20.0}, 400.0)
    assert measured.latency_us == 20.0
    assert measured.peak_gflops == 400.0


def test_table_of_the_terminal(report):
    text = reuse_table(report, width=200)
    expand = next(line for line in text.splitlines() if line.split()[:1] == ["expand"])
    assert "transferred" in expand
    assert "distance 0.12" in expand
    assert "~18.5" in expand
    assert "44.0" not in expand  # it was measured for another workload
    assert "38%" in expand
    assert "1 schedules rejected" not in text
    assert "1 schedule rejected" in text
    assert "had taken 12 s" in text


def test_table_without_a_measurement_has_no_empty_columns(report):
    kernels = tuple(replace(k, measured_us=None) for k in report.kernels)
    text = reuse_table(replace(report, kernels=kernels, peak_gflops=None), width=200)
    assert "measured," not in text
    assert "peak" not in text
