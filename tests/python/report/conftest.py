"""A report made by hand: kernels of every source, and names that look like markup."""

import pytest

from cosearch.report import Kernel, Rejection, ReuseReport
from cosearch.schedules.call_sites import BlockCall

NASTY = "</script><img src=x onerror=alert(1)>\"'&"


def signature(letter: str) -> str:
    return letter * 32


@pytest.fixture
def report() -> ReuseReport:
    """Five kernels, one of each source; 20 + 60 + 10 + 20 + 5 µs."""
    kernels = (
        Kernel(
            *("stem", signature("a"), signature("1"), "exact", 1, ("conv_norm_act",)),
            *(7, "mobilenet", 9.5),
            measured_us=20.0,
            flops=2e6,
        ),
        Kernel(
            *("expand", signature("b"), signature("2"), "transferred", 3, ("mbconv",)),
            *(8, NASTY, 44.0),
            measured_us=20.0,
            distance=0.125,
            donor_workload=signature("f"),
            expected_us=18.5,
            flops=3e6,
            rejected=(Rejection(9, NASTY, "tile of <3> & 4 does not divide"),),
        ),
        Kernel(
            *("project", signature("c"), signature("3"), "tuned", 1, ("mbconv",)),
            *(11, "here", 10.5),
            measured_us=10.0,
        ),
        Kernel(
            *(NASTY, signature("d"), signature("4"), "rules", 1, ()),
            measured_us=20.0,
            reason="no record",
        ),
        Kernel(
            *("softmax", signature("e"), signature("5"), "default", 1, ()),
            measured_us=5.0,
            reason="no rule",
        ),
    )
    return ReuseReport(
        kernels,
        network=f"net {NASTY}",
        target='{"kind": "llvm", "mcpu": "znver4"}',
        threads=2,
        database="schedules.sqlite",
        blocks=(
            BlockCall("conv_norm_act", ("stem",)),
            BlockCall("mbconv", ("expand", "project")),
            BlockCall("mbconv", ("expand", "expand")),
            BlockCall("", (NASTY, "softmax")),
        ),
        peak_gflops=400.0,
        tuning_trials_saved=120,
        tuning_seconds_saved=12.0,
    )
