"""Weights of minimal filtering: what transforms them, and that schedules may lay them out."""

import functools
import math
from collections import defaultdict
from collections.abc import Iterator

from tvm import relax, te
from tvm.ir import GlobalVar, IRModule
from tvm.s_tir import Schedule
from tvm.tirx import PrimFunc

from cosearch.schedules.kernel_calls import kernel_calls
from cosearch.schedules.rules.tile import MAX_LANES
from cosearch.schedules.winograd.definition import winograd_weight
from cosearch.schedules.winograd.transforms import TAPS

WEIGHT = "cosearch.winograd_weight"
"""Attribute of a kernel that transforms weights: the rows of a tile of results."""
LAYOUT_FREE = "layout_free_buffers"
"""TVM's attribute of a kernel: places of the parameters that a schedule may lay out anew."""
OPAQUE = 8
"""TVM's pattern of an operator that is not fused."""


@functools.lru_cache
def weight_kernel(m: int, inputs: int, outputs: int) -> PrimFunc:
    """Make the kernel that transforms weights: one that needs no schedule of a database.

    Parameters
    ----------
    m : {2, 4}
        Rows and columns of a tile of results.
    inputs, outputs : int
        Of a group, and of all.
    """
    weight = te.placeholder((TAPS, TAPS, inputs, outputs), "float32", "weight")
    schedule = Schedule(te.create_prim_func([weight, winograd_weight(weight, m)]))
    down, across, channel, output = schedule.get_loops(schedule.get_sblock("winograd_weight"))
    vector, lanes = schedule.split(output, [None, math.gcd(outputs, MAX_LANES)])
    schedule.reorder(channel, vector, down, across, lanes)
    schedule.unroll(down)
    schedule.unroll(across)
    schedule.vectorize(lanes)
    func = schedule.mod["main"].without_attr("global_symbol")
    return func.with_attrs(
        {WEIGHT: m, "op_pattern": OPAQUE, "tirx.is_scheduled": True, "tirx.noalias": True}
    )


def free_weight_layouts(mod: IRModule) -> IRModule:
    """Let schedules choose the layout of transformed weights, as of any others.

    TVM's AttachAttrLayoutFreeBuffers sees only constants and the parameters of blocks.
    """
    freed: dict[GlobalVar, set[int]] = defaultdict(set)
    for func in mod.functions.values():
        if isinstance(func, relax.Function):
            for kernel, place in _uses_of_weights(mod, func):
                freed[kernel].add(place)
    result: IRModule = mod.clone()
    for kernel, places in freed.items():
        func = mod[kernel]
        places.update(int(place) for place in (func.attrs or {}).get(LAYOUT_FREE, ()))
        result.update_func(kernel, func.with_attr(LAYOUT_FREE, sorted(places)))
    return result


def _uses_of_weights(mod: IRModule, func: relax.Function) -> Iterator[tuple[GlobalVar, int]]:
    """Yield each kernel that a function gives transformed weights, with the argument's place."""
    weights: set[relax.Var] = set()
    for binding in kernel_calls(func):
        kernel, arguments = binding.value.args[:2]
        if WEIGHT in (mod[kernel].attrs or {}):
            weights.add(binding.var)
        for place, argument in enumerate(arguments.fields):
            if isinstance(argument, relax.Var) and argument in weights:
                yield kernel, place
