"""The workloads of a network, as tasks for the tuner."""

from dataclasses import dataclass

from tvm.ir import IRModule
from tvm.s_tir.meta_schedule.arg_info import ArgInfo
from tvm.tirx import PrimFunc

from cosearch.blocks import workload_signature
from cosearch.schedules.call_sites import CallSites
from cosearch.schedules.record import Workload
from cosearch.schedules.store.codec import canonical_module


@dataclass(frozen=True)
class TuningTask:
    """One workload to tune.

    Attributes
    ----------
    workload : Workload
        What to schedule.
    weight : int
        Times that one run of the network calls it.
    block : str
        Signature of the block that calls it first, or its name, empty outside of blocks.
    promised_us : float
        What a tuning is expected to save a run of the network, in microseconds, where it is known
        (see `rank_worth`): such tasks have their first turn in this order, and before all others.
    """

    workload: Workload
    weight: int = 1
    block: str = ""
    promised_us: float = 0.0


def extract_workloads(mod: IRModule) -> list[TuningTask]:
    """Find the workloads of a network in the order of their first call.

    Equal workloads become one task. Left out are kernels that no public function calls, that are
    scheduled already, or whose shapes are not constant.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A module of workloads (see `lower_to_workloads`).
    """
    functions = {var.name_hint: func for var, func in mod.functions.items()}
    tasks: dict[Workload, TuningTask] = {}
    for name, site in CallSites.of(mod).kernels.items():
        func = functions[name]
        if not is_tunable(func):
            continue
        workload = workload_of(func, name)
        block = next(iter(site.signatures or site.blocks), "")
        known = tasks.get(workload, TuningTask(workload, 0, block))
        tasks[workload] = TuningTask(known.workload, known.weight + site.calls, known.block)
    return list(tasks.values())


def workload_of(func: PrimFunc, name: str = "main") -> Workload:
    """Make a workload of an unscheduled kernel."""
    mod = canonical_module(IRModule({"main": func}))
    return Workload(mod, workload_signature(mod["main"]), name)


def is_tunable(func: object) -> bool:
    """Tell whether a function is an unscheduled kernel with constant shapes."""
    if not isinstance(func, PrimFunc) or (func.attrs or {}).get("tirx.is_scheduled", False):
        return False
    try:
        ArgInfo.from_prim_func(func)
    except Exception:  # TVM's way to say that an extent is a variable
        return False
    return True
