"""Where a kernel's threads run while it is timed."""

import os
import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
    import os
    import tvm
    from cosearch._threads import beside_the_pool, set_threads
    set_threads(2)
    usable = os.sched_getaffinity(0)
    bound = {
        core
        for task in os.listdir("/proc/self/task")
        for cores in [os.sched_getaffinity(int(task))]
        for core in cores
        if len(cores) == 1
    }
    assert len(bound) == 1, bound
    with beside_the_pool():
        assert os.sched_getaffinity(0) == usable - bound
    assert os.sched_getaffinity(0) == usable
    try:
        with beside_the_pool():
            raise KeyError
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
