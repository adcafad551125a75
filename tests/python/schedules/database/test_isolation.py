"""Checks in child processes: what kills one, or hangs, is named, and the others go on."""

import os
import signal
import time
import warnings

from cosearch.schedules.store.isolation import run_isolated


def test_isolation_names_what_kills_and_what_hangs():
    def check(item):
        if item == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if item == "hang":
            time.sleep(60)
        if item == "raise":
            raise ValueError("first\nsecond")
        return [item]

    items = ["a", "crash", "crash", "b", "raise", "hang", "c", "crash"]
    start = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcomes = list(run_isolated(check, items, timeout_s=0.3))
    assert [outcome.value for outcome in outcomes] == [
        ["a"], None, None, ["b"], None, None, ["c"], None,
    ]  # fmt: skip
    assert time.monotonic() - start < 30  # what hangs is ended
    faults = [outcome.fault for outcome in outcomes]
    assert faults[1] == faults[2] == faults[7] == "TVM crashes on it (SIGSEGV)"
    assert faults[4] == "first"
    assert faults[5] == "TVM was not done with it after 0.3 s"
