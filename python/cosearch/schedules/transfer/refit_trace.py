"""A trace that was tuned for one workload, made to fit another one of the same structure."""

from collections.abc import Sequence
from typing import Any

from tvm.ir import IRModule
from tvm.s_tir import Schedule, Trace
from tvm.s_tir import meta_schedule as ms
from tvm.s_tir.schedule import Instruction

from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.similarity import refit_split
from cosearch.schedules.store.codec import block_names
from cosearch.schedules.store.replay import blank_schedule, replay


def refit_trace(trace: list[Any], donor: IRModule, mod: IRModule, machine: Machine) -> Schedule:
    """Schedule a workload by the trace of another one.

    Sampled tile sizes are refitted to the extents of the loops that they meet (see `refit_split`),
    categories are kept, places of computation that are not there any more give way to the nearest
    one further out, and blocks are called by their names here. What ends every search of
    MetaSchedule (parallel loops, vectors, packed weights) is decided anew.

    Parameters
    ----------
    trace : list
        MetaSchedule's JSON trace, of which nothing is assumed.
    donor : tvm.ir.IRModule
        The workload that it was tuned for.
    mod : tvm.ir.IRModule
        The workload to schedule.
    machine : Machine
        What it is to run on.

    Raises
    ------
    Exception
        Whatever TVM raises where an instruction does not apply.
    ValueError
        When the two do not have the same number of blocks, or MetaSchedule refuses the result.
    """
    names, donors = block_names(mod["main"]), block_names(donor["main"])
    if len(names) != len(donors):
        raise ValueError(f"it has {len(names)} blocks, the donor {len(donors)}")
    tuned = _rename(replay(trace, donor).trace, dict(zip(donors, names, strict=True)))
    spread = _parallel_splits(tuned.insts)
    schedule = blank_schedule(mod)

    def decide(
        instruction: Instruction, inputs: Sequence[Any], attrs: Sequence[Any], decision: Any
    ) -> Any:
        if str(instruction.kind.name) != "SamplePerfectTile" or decision is None:
            return decision
        return refit_split(
            [int(factor) for factor in decision],
            int(schedule.get(inputs[0]).extent),
            max_innermost=int(attrs[1]),
            lanes=machine.lanes,
            threads=machine.threads if instruction.outputs[0] in spread else 1,
        )

    tuned.apply_to_schedule(schedule, remove_postproc=True, decision_provider=decide)
    schedule.enter_postproc()
    for postproc in _postprocs():
        if not postproc.apply(schedule):
            raise ValueError(f"{type(postproc).__name__} refuses the refitted schedule")
    return schedule


def _postprocs() -> list[ms.postproc.Postproc]:
    """Make those that MetaSchedule has for a CPU, and that have something to do there.

    Its own way to make them reads all tensor intrinsics, for half a minute.
    """
    return [
        ms.postproc.DisallowDynamicLoop(),
        ms.postproc.RewriteParallelVectorizeUnroll(),
        ms.postproc.RewriteReductionBlock(),
        ms.postproc.RewriteLayout(),
    ]


def _rename(trace: Trace, names: dict[str, str]) -> Trace:
    """Call blocks by other names; those that a schedule made begin with that of their origin."""
    instructions, decisions = [], {}
    for old in trace.insts:
        new = old
        if str(old.kind.name) == "GetSBlock":
            name, function = (str(attr) for attr in old.attrs)
            new = Instruction(old.kind, old.inputs, [_renamed(name, names), function], old.outputs)
        instructions.append(new)
        decision = trace.get_decision(old)
        if decision is not None:
            decisions[new] = decision
    return Trace(instructions, decisions)


def _renamed(name: str, names: dict[str, str]) -> str:
    origins = [origin for origin in names if name == origin or name.startswith(f"{origin}_")]
    if not origins:
        return name
    origin = max(origins, key=len)
    return names[origin] + name[len(origin) :]


def _parallel_splits(instructions: Sequence[Instruction]) -> list[Any]:
    """Return the factors whose loops end up, alone or fused with others, in a parallel one."""
    parallel: list[Any] = []
    for instruction in reversed(instructions):
        kind = str(instruction.kind.name)
        if kind == "Parallel":
            parallel.append(instruction.inputs[0])
        elif kind == "Fuse" and any(output in parallel for output in instruction.outputs):
            parallel.extend(instruction.inputs)
        elif kind == "Split":
            parallel.extend(
                factor
                for factor, loop in zip(instruction.inputs[1:], instruction.outputs, strict=False)
                if loop in parallel
            )
    return parallel
