"""What a log of the calls of TVM's virtual machine adds to each."""

import numpy as np
import tvm
from tvm import relax

from cosearch.latency.laboratory import Laboratory
from cosearch.relay.logged_runs import log_runs
from cosearch.schedules.conditions import Conditions
from cosearch.timing.time_calls import BUDGET_S

CALLS = 256
ARGUMENTS = 3
"""Of each call, as kernels have them."""
NOTHING = "cosearch.timing.Nothing"
"""A function that takes no time, whatever its arguments."""
_KNOWN: dict[Conditions, float] = {}


def log_overhead_us(laboratory: Laboratory, *, budget_s: float = BUDGET_S) -> float:
    """Return by how much a log says that a call takes longer than it does, in microseconds.

    The log sees the machine telling it of the call, and does not see all of what the machine does
    from one call to the next. Both come out of a program of calls of nothing, with and without a
    log; it is measured once in a process. Between kernels, which drive the machine's code and
    data out of the caches, it is a little more.

    Parameters
    ----------
    laboratory : Laboratory
        Where to measure.
    budget_s : float
        Seconds for the program with, and again without a log.
    """
    conditions = laboratory.conditions
    if conditions not in _KNOWN:
        machine = relax.VirtualMachine(relax.build(_calls_of_nothing(), "llvm"), tvm.cpu())
        arguments = [tvm.runtime.tensor(np.zeros(1, "float32"))]
        plain = laboratory.measure(machine["main"], arguments, budget_s=budget_s)
        logged = log_runs(machine.module, arguments, laboratory, budget_s=budget_s)
        _KNOWN[conditions] = (logged.found.latency_us - plain.latency_us) / CALLS
    return _KNOWN[conditions]


def _calls_of_nothing() -> tvm.ir.IRModule:
    builder = relax.BlockBuilder()
    tensor = relax.Var("tensor", relax.TensorType([1], "float32"))
    with builder.function("main", [tensor]):
        for _ in range(CALLS):
            function, arguments = relax.ExternFunc(NOTHING), [tensor] * ARGUMENTS
            builder.emit(relax.Call(function, arguments, ty_args=[relax.ObjectType()]))
        builder.emit_func_output(tensor)
    return builder.finalize()
