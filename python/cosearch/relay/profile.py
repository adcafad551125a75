"""Time each kernel of a compiled network where it stands, with the tensors that it really gets."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from tvm.runtime.vm import VMInstrumentReturnKind

from cosearch._threads import beside_the_pool, set_threads
from cosearch.relay.graph_module import GraphModule
from cosearch.relay.library import Library

PREPACKED = "_prepacked"
"""Ending that TVM gives to a kernel whose weights were packed at compile time."""


def profile_kernels(
    lib: Library, seed: int = 0, repeats: int = 7, repeat_seconds: float = 1e-3
) -> dict[str, float]:
    """Measure the kernels of a network built with co-search.

    Parameters
    ----------
    lib : Library
        The compiled network.
    seed : int
        For the random input.
    repeats : int
        Timings of each kernel.
    repeat_seconds : float
        How long a timing lasts at least.

    Returns
    -------
    dict of str to float
        Median time of one call in microseconds, by the kernel's name in `Library.reuse`. A kernel
        that is called several times is timed at its first call.
    """
    module = GraphModule(lib)
    rng = np.random.default_rng(seed)
    for spec in lib.metadata.inputs:
        shape = tuple(extent or 1 for extent in spec.shape)
        module.set_input(spec.name, rng.random(shape).astype(spec.dtype))
    names = {kernel.name for kernel in lib.reuse.kernels}
    latency_us: dict[str, float] = {}

    def time_kernel(func: Any, symbol: str, before_run: bool, _result: Any, *args: Any) -> int:
        name = str(symbol).removesuffix(PREPACKED)
        if before_run and name in names and name not in latency_us:
            latency_us[name] = _time(lambda: func(*args), repeats, repeat_seconds)
        return int(VMInstrumentReturnKind.NO_OP)

    set_threads(lib.metadata.threads)
    module.module.set_instrument(time_kernel)
    with beside_the_pool():
        module.run()
    return latency_us


def _time(call: Callable[[], object], repeats: int, repeat_seconds: float) -> float:
    start = time.perf_counter()
    call()
    calls = max(1, round(repeat_seconds / max(time.perf_counter() - start, 1e-7)))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        times.append((time.perf_counter() - start) / calls * 1e6)
    return statistics.median(times)
