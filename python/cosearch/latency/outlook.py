"""What the database promises of a kernel that nobody has measured inside a network."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from tvm.ir import IRModule
from tvm.s_tir.meta_schedule.arg_info import ArgInfo
from tvm.tirx import PrimFunc

from cosearch.blocks import Signature, workload_signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.count_flops import count_flops
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.rules.anatomy import NotScheduled
from cosearch.schedules.rules.design import Design, Designer
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.similarity import describe_workload
from cosearch.schedules.transfer.candidates import rank_candidates
from cosearch.schedules.transfer.design_cost import design_features

FEATURES_VERSION = 3
"""Goes up when features change: predictors of older versions are refused."""
DESIGN_FEATURES = 29
"""Features of a design, not a number where the schedule follows none."""
CYCLES_PER_US = 3000.0
"""Of a core, roughly, where nothing was measured from which to learn it."""
SCALAR_FLOPS_PER_US = 500.0
"""What TVM's own loops do, roughly, where no schedule fits."""
SOURCES = ("exact", "transferred", "rules", "default")
Source = Literal["exact", "transferred", "rules", "default"]


@dataclass(frozen=True)
class Outlook:
    """A kernel as the database would schedule it.

    Attributes
    ----------
    base_us : float
        Latency that the record holds, or that is expected of the schedule, in microseconds.
    source : str
        How its schedule would come: see `cosearch.report.reuse.Source`.
    kind : str
        Of its main nest: see `WorkloadPoint`.
    row : tuple of float
        Features of the scheduled kernel, for a model of what it takes inside a network.
    weights_kb : float
        Thousands of bytes of its weights: inside a network, all other kernels have passed since it
        saw them.
    """

    base_us: float
    source: Source
    kind: str
    row: tuple[float, ...]
    weights_kb: float = 0.0


class Foreseer:
    """Says how kernels would be scheduled, without scheduling or measuring any.

    Parameters
    ----------
    database : ScheduleDatabase
        Where schedules come from.
    conditions : Conditions
        Where kernels are to run.
    """

    winograd: bool | None = None
    """Whether the kernels that it is asked for may be of minimal filtering; see
    `cosearch.schedules.lower_to_workloads`."""

    def __init__(self, database: ScheduleDatabase, conditions: Conditions) -> None:
        self._database = database
        self.conditions = conditions
        self._machine = Machine.of(conditions)
        self._knowledge = database.knowledge(conditions)
        self._known: dict[str, Outlook] = {}

    def foresee(self, func: PrimFunc, signature: Signature | None = None) -> Outlook:
        """Return the outlook of a kernel; of a workload that was asked for before, the same.

        Parameters
        ----------
        func : tvm.tirx.PrimFunc
            The unscheduled kernel.
        signature : Signature, optional
            Of the workload, where the caller has it.
        """
        signature = signature or workload_signature(func)
        key = signature.shape_aware
        if key not in self._known:
            self._known[key] = self._foresee(IRModule({"main": func}), signature)
        return self._known[key]

    def _foresee(self, mod: IRModule, signature: Signature) -> Outlook:
        kind = describe_workload(mod["main"]).kind
        try:
            designer: Designer | None = Designer(mod, self._machine)
        except NotScheduled:
            designer = None
        source, base_us, design = self._choose(mod, signature, designer)
        row = [math.nan] * DESIGN_FEATURES
        if designer is not None and design is not None:
            row = design_features(designer, [design])[0].tolist()
        func, sizes = mod["main"], _argument_bytes(mod["main"])
        numbers = [float(SOURCES.index(source)), math.log2(base_us), *_size_features(func, sizes)]
        return Outlook(base_us, source, kind, (*row, *numbers), _weights_kb(func, sizes))

    def _choose(
        self, mod: IRModule, signature: Signature, designer: Designer | None
    ) -> tuple[Source, float, Design | None]:
        """Return how a build would schedule it, what that promises, and the design it follows."""
        records = self._database.top(signature, self.conditions, 1, mod)
        if records:
            design = _timed(designer, records[0].provenance.design)
            return "exact", records[0].latency_us, design
        try:
            candidate = next(
                rank_candidates(mod, signature, self._machine, self._knowledge, designer=designer)
            )
        except (NotScheduled, StopIteration):
            return "default", max(count_flops(mod["main"]), 1.0) / SCALAR_FLOPS_PER_US, None
        cycles = candidate.design.cycles if candidate.design is not None else 0.0
        expected_us = candidate.expected_us or max(cycles, 1.0) / CYCLES_PER_US
        source: Source = "rules" if candidate.donor is None else "transferred"
        return source, expected_us, candidate.design


def _timed(designer: Designer | None, text: str) -> Design | None:
    if designer is None or not text:
        return None
    try:
        return designer.time(Design.parse(text))
    except (ValueError, ArithmeticError):
        return None  # of other rules than these


def _size_features(func: PrimFunc, arguments: list[int]) -> list[float]:
    """Return logarithms of operations and of the bytes of the arguments, largest first."""
    sizes = sorted(arguments, reverse=True)
    numbers = [count_flops(func), sum(sizes), *[*sizes, 0, 0, 0][:3]]
    return [*(math.log2(max(number, 1)) for number in numbers), float(len(sizes))]


def _weights_kb(func: PrimFunc, arguments: list[int]) -> float:
    """Return thousands of bytes of weights.

    TVM names as ``layout_free_buffers`` the arguments that are known at compile time.
    """
    named = (func.attrs or {}).get("layout_free_buffers") or ()
    return sum(arguments[int(place)] for place in named) / 1e3 if arguments else 0.0


def _argument_bytes(func: PrimFunc) -> list[int]:
    try:
        return [_bytes(argument) for argument in ArgInfo.from_prim_func(func)]
    except Exception:  # TVM's way to say that an extent is a variable
        return []


def _bytes(argument: Any) -> int:
    width = int("".join(filter(str.isdigit, str(argument.dtype))) or 8) // 8
    return math.prod(int(extent) for extent in argument.shape) * max(1, width)
