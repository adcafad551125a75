"""Processes that keep a machine busy while something is measured beside them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

END_WITH_PARENT = """
import ctypes, os, signal
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
if os.getppid() != {parent}:
    os._exit(1)
"""
"""A benchmark that is killed leaves nobody behind who keeps the machine busy."""
LOOP = "x = 1.0\nwhile True:\n    x *= 1.0000001\n"
STREAM = """
import numpy as np
a = np.zeros(32 << 20)
b = np.zeros_like(a)
while True:
    b[:] = a
"""
PRODUCT = """
import numpy as np
a = np.random.default_rng(0).random((1024, 1024), dtype="float32")
while True:
    a @ a
"""
COMES_AND_GOES = """
import random, time
rng = random.Random({seed})
while True:
    time.sleep(rng.uniform(0.0, 0.5))
    end, x = time.time() + rng.uniform(0.0, 0.5), 1.0
    while time.time() < end:
        x *= 1.0000001
"""

LOADS: dict[str, list[str]] = {
    "quiet": [],
    "4 busy loops": [LOOP] * 4,
    "2 memory streams": [STREAM] * 2,
    "2 matrix products": [PRODUCT] * 2,
    "a mix that comes and goes": [
        *(COMES_AND_GOES.format(seed=seed) for seed in range(3)),
        STREAM,
    ],
}
"""Programs of each load; the matrix products run on two threads each."""
START_S = 2.0


@contextlib.contextmanager
def neighbours(load: str) -> Iterator[None]:
    """Run the processes of a load, in sessions of their own as other users' would be.

    Parameters
    ----------
    load : str
        One of `LOADS`.
    """
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    end_with_parent = END_WITH_PARENT.format(parent=os.getpid())
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", end_with_parent + code],
            env=environment,
            start_new_session=True,
        )
        for code in LOADS[load]
    ]
    try:
        if processes:
            time.sleep(START_S)
            if any(process.poll() is not None for process in processes):
                raise RuntimeError(f"a process of {load!r} has ended at once")
        yield
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
