"""What reuse has saved, and which times tuning is ranked by."""

from dataclasses import replace

import pytest

from cosearch.blocks import Signature
from cosearch.report import appraise
from cosearch.report.appraise import current_us
from cosearch.schedules.tuning_history import TuningHistory, WorkloadHistory


def history(letter, trials, kind="0"):
    signature = Signature(letter * 32, kind * 32)
    return WorkloadHistory(signature, trials, True, 2.0, 1.0, 1.0)


def histories(*workloads, seconds=0.1):
    return TuningHistory({h.signature.shape_aware: h for h in workloads}, seconds)


def test_the_donors_candidates_are_what_was_saved(report):
    known = histories(history("a", 10), history("f", 30), history("c", 500), history("d", 900))
    appraised, _ = appraise(report, known)
    # Of the kernel that was tuned in this build, and of those without a record, nothing was saved.
    assert appraised.tuning_trials_saved == 10 + 30
    assert appraised.tuning_seconds_saved == pytest.approx(4.0)


def test_a_workload_counts_once(report):
    twice = replace(report, kernels=(*report.kernels, replace(report.kernels[0], name="twin")))
    assert appraise(twice, histories(history("a", 10)))[0].tuning_trials_saved == 10


def test_seconds_are_not_made_up(report):
    appraised, _ = appraise(report, histories(history("a", 10), seconds=None))
    assert appraised.tuning_seconds_saved is None


def test_all_measured_kernels_are_ranked_by_their_time(report):
    _, worth = appraise(report, histories())
    assert {one.name: one.current_us for one in worth} == {
        kernel.name: kernel.measured_us for kernel in report.kernels
    }
    assert worth[0].name == "expand"  # 3 calls of 20 µs
    gains = [one.expected_gain_us for one in worth]
    assert gains == sorted(gains, reverse=True)


def test_a_kernel_without_a_known_time_is_left_out(report):
    unmeasured = [replace(kernel, measured_us=None) for kernel in report.kernels]
    assert [current_us(kernel) for kernel in unmeasured] == [9.5, 18.5, 10.5, None, None]
    # What a transferred record holds was measured for another workload.
    assert current_us(replace(unmeasured[1], expected_us=None)) is None
    _, worth = appraise(replace(report, kernels=tuple(unmeasured)), histories())
    assert {one.name for one in worth} == {"stem", "expand", "project"}
