"""Two builds are compared kernel by kernel, whatever the kernels are called."""

from dataclasses import replace

import pytest
from rich.console import Console

from cosearch.report import ReuseReport, compare_reuse, render_comparison


def slower(report, factor=2.0):
    kernels = tuple(
        replace(k, name=f"old_{k.name}", source="rules", measured_us=factor * k.measured_us)
        for k in report.kernels
    )
    return replace(report, kernels=kernels)


def test_kernels_are_matched_by_workload(report):
    comparison = compare_reuse(slower(report), report, "old.json")
    assert [change.name for change in comparison.changes] == [k.name for k in report.kernels]
    expand = comparison.changes[1]
    assert (expand.source_before, expand.source_after) == ("rules", "transferred")
    assert (expand.before_us, expand.after_us, expand.saved_us) == (120.0, 60.0, 60.0)
    assert comparison.total.ratio == pytest.approx(0.5)
    assert comparison.notes == ()


def test_kernels_that_came_and_went(report):
    before = replace(report, kernels=report.kernels[:3])
    after = replace(report, kernels=report.kernels[2:])
    changes = compare_reuse(before, after, "old").changes
    assert [change.name for change in changes][-2:] == ["stem", "expand"]
    assert [change.source_before for change in changes] == [
        "tuned",
        None,
        None,
        "exact",
        "transferred",
    ]
    assert [change.source_after for change in changes] == ["tuned", "rules", "default", None, None]
    assert changes[1].before_us is None
    assert changes[1].ratio is None
    assert changes[3].saved_us is None


def test_two_kernels_of_one_workload_are_matched_once_each(report):
    twin = replace(report.kernels[0], name="twin")
    before = replace(report, kernels=(report.kernels[0],))
    after = replace(report, kernels=(report.kernels[0], twin))
    changes = compare_reuse(before, after, "old").changes
    assert [change.source_before for change in changes] == ["exact", None]


def test_another_network_is_refused(report):
    other = replace(
        report, network="other", kernels=(replace(report.kernels[0], workload="f" * 32),)
    )
    with pytest.raises(ValueError, match=r"other.* has no kernel in common"):
        compare_reuse(other, report, "old.json")


def test_networks_without_kernels():
    comparison = compare_reuse(ReuseReport(()), ReuseReport(()), "nothing")
    assert comparison.changes == ()
    assert comparison.total.ratio is None


def test_what_does_not_compare_is_said(report):
    unmeasured = replace(
        report,
        kernels=tuple(replace(k, measured_us=None) for k in report.kernels),
        threads=1,
        target="{}",
    )
    notes = compare_reuse(unmeasured, report, "old").notes
    assert len(notes) == 3
    assert "targets" in notes[0]
    assert "1 and 2 threads" in notes[1]
    assert "only the build after" in notes[2]


def test_table_of_the_terminal(report):
    console = Console(width=160, record=True, file=None, color_system=None, quiet=False)
    with console.capture() as captured:
        console.print(render_comparison(compare_reuse(slower(report), report, "old.json")))
    text = captured.get()
    assert "Compared with old.json" in text
    assert [line.split()[-3:] for line in text.splitlines() if "all kernels" in line] == [
        ["230.0", "115.0", "0.50"]
    ]
