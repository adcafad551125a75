"""The most floating-point operations a second that this machine does in vectors.

Usage: ``python benchmarks/peak.py [THREADS …]``
"""

import sys

from cosearch.latency import peak_gflops
from cosearch.schedules import resolve_target

if __name__ == "__main__":
    for threads in map(int, sys.argv[1:] or ["1"]):
        gflops = peak_gflops(resolve_target({"kind": "llvm", "num-cores": threads}))
        print(f"{threads} threads: {gflops:.0f} GFLOP/s of float32")
