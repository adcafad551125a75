"""The most floating-point operations a second that this machine does in vectors."""

import numpy as np
import tvm
from tvm import te
from tvm.s_tir import Schedule
from tvm.target import Target

from cosearch._threads import set_threads
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.rules.machine import Machine

STEPS = 4096
"""Steps of the reduction in one run."""
DEPTH = 64
"""Steps until the same data come again: they never leave the first cache."""
ROWS = 4
"""Rows of a tile: few loads for each multiply-add, as others may share a core's loads."""
UNROLLED = 4
"""Steps that are unrolled."""
RUNS = 50
"""Runs in a measurement: a millisecond or two, which fit between the turns of other processes."""


def peak_gflops(target: Target, repeats: int = 60) -> float:
    """Measure multiply-adds on registers alone, on all threads of the target.

    It takes a fraction of a second, most of it to compile the kernel.

    Parameters
    ----------
    target : tvm.target.Target
        With CPU and threads (see `resolve_target`).
    repeats : int
        Measurements, whose best counts: this is a bound.

    Returns
    -------
    float
        GFLOP/s of float32, a multiply-add being two operations.
    """
    machine = Machine.of(Conditions.of(target))
    vectors, lanes, threads = machine.registers * 3 // 4 // ROWS, machine.lanes, machine.threads
    columns = vectors * lanes
    module = tvm.tirx.build(_kernel(vectors, lanes, threads).mod, target=target)
    tensors = [
        tvm.runtime.tensor(np.ones(shape, "float32"))
        for shape in ((DEPTH, ROWS), (DEPTH, columns), (threads, ROWS, columns))
    ]
    evaluate = module.time_evaluator("main", tvm.cpu(), number=RUNS, repeat=repeats)
    set_threads(threads)
    seconds = min(evaluate(*tensors).results)
    return float(2 * STEPS * ROWS * columns * threads / seconds / 1e9)


def _kernel(vectors: int, lanes: int, threads: int) -> Schedule:
    """Outer products that each thread sums up in registers, three quarters of which they fill."""
    left = te.placeholder((DEPTH, ROWS), name="left")
    right = te.placeholder((DEPTH, vectors * lanes), name="right")
    outer = te.reduce_axis((0, STEPS // DEPTH), name="outer")
    step = te.reduce_axis((0, DEPTH), name="step")
    result = te.compute(
        (threads, ROWS, vectors * lanes),
        lambda t, r, c: te.sum(left[step, r] * right[step, c], axis=[outer, step]),
        name="result",
    )
    schedule = Schedule(te.create_prim_func([left, right, result]))
    block = schedule.get_sblock("result")
    local = schedule.cache_write(block, 0, "global")
    thread, row, column, out, inner = schedule.get_loops(block)
    steps, unrolled = schedule.split(inner, [None, UNROLLED])
    vector, lane = schedule.split(column, [vectors, lanes])
    schedule.reorder(thread, out, steps, unrolled, row, vector, lane)
    schedule.reverse_compute_at(local, thread)
    schedule.parallel(thread)
    for loop in (unrolled, row, vector):
        schedule.unroll(loop)
    schedule.vectorize(lane)
    schedule.decompose_reduction(block, out)
    return schedule
