"""Where a kernel's threads run while it is timed."""

import os
import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
    import os
    import tvm, tvm_ffi
    from cosearch.timing import Stopwatch
    usable = os.sched_getaffinity(0)
    stopwatch = Stopwatch(2)
    bound = {
        core
        for task in os.listdir("/proc/self/task")
        for cores in [os.sched_getaffinity(int(task))]
        for core in cores
        if len(cores) == 1
        and open(f"/proc/self/task/{task}/comm").read().strip() != "cosearch-holder"
    }
    assert len(bound) == 1, bound
    seen = []
    kernel = tvm_ffi.convert(lambda: seen.append(os.sched_getaffinity(0)))
    stopwatch.time(kernel, [], calls=1, warm_up=0, windows=1)
    (own,) = seen
    assert len(own) == 1 and own <= usable - bound, (own, bound)
    assert os.sched_getaffinity(0) == usable
    def fail():
        raise KeyError
    try:
        stopwatch.time(tvm_ffi.convert(fail), [], calls=1, warm_up=0, windows=1)
    except KeyError:
        assert os.sched_getaffinity(0) == usable
        print("done")
"""


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs two cores, and to say on which a thread runs",
)
def test_the_caller_keeps_off_the_cores_of_the_pool():
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "TVM_NUM_THREADS": "2"},
    )
    assert run.stdout.strip() == "done", run.stderr
