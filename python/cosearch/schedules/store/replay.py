"""Replaying a trace on its workload."""

import importlib
from typing import Any

from tvm.ir import IRModule
from tvm.s_tir import Schedule, Trace
from tvm.s_tir.analysis import verify_well_formed


def replay(trace: list[Any], mod: IRModule) -> Schedule:
    """Apply a trace to a workload.

    Returns
    -------
    tvm.s_tir.Schedule
        The schedule, which has a trace of its own.

    Raises
    ------
    Exception
        Whatever TVM raises where an instruction does not apply.
    ValueError
        When the result is not well-formed.
    """
    if any(instruction[0] == "Tensorize" for instruction in trace[0]):
        # Registers the intrinsics that such a trace names. Half a minute, so not without need.
        importlib.import_module("tvm.s_tir.tensor_intrin")
    schedule = blank_schedule(mod)
    Trace.apply_json_to_schedule(trace, schedule)
    for var, func in schedule.mod.functions_items():
        if not verify_well_formed(func, assert_mode=False):
            raise ValueError(f"the scheduled {var.name_hint} is not well-formed")
    return schedule


def blank_schedule(mod: IRModule) -> Schedule:
    """Make a schedule of a module, for a trace to be applied to it.

    Without a seed TVM draws one from the system; a trace that holds all its decisions needs none.
    """
    return Schedule(mod, seed=1, error_render_level="fast", debug_mask="none")
