"""The latency of architectures as TVM compiles them by default, kernel by kernel."""

import math

import numpy as np
import tvm
from tvm.ir import IRModule
from tvm.s_tir.meta_schedule.arg_info import ArgInfo
from tvm.target import Target
from tvm.tirx import PrimFunc

from cosearch.blocks import Signature, workload_signature
from cosearch.latency import Laboratory, LatencyPredictor
from cosearch.latency.block_book import BlockBook
from cosearch.latency.cost_line import CostLine
from cosearch.latency.kernel_model import KernelModel
from cosearch.latency.outlook import Foreseer, Outlook
from cosearch.schedules import Conditions, ScheduleDatabase

BUDGET_S = 0.5


class UntunedForeseer(Foreseer):
    """Measures each kernel as TVM itself defines it, without any schedule, once."""

    winograd = False

    def __init__(self, database: ScheduleDatabase, target: Target) -> None:
        super().__init__(database, Conditions.of(target))
        self._target = target
        self._laboratory = Laboratory(target, database)
        self._seen: dict[str, Outlook] = {}

    def foresee(self, func: PrimFunc, signature: Signature | None = None) -> Outlook:
        """Return what a call takes as `Outlook.base_us`."""
        key = (signature or workload_signature(func)).shape_aware
        if key not in self._seen:
            self._seen[key] = Outlook(self._measured_us(func), "default", "default", (math.nan,))
        return self._seen[key]

    def _measured_us(self, func: PrimFunc) -> float:
        named = func.with_attr("global_symbol", "main")
        built = tvm.compile(IRModule({"main": named}), self._target)
        rng = np.random.default_rng(0)
        arguments = [
            tvm.runtime.tensor(rng.random(tuple(map(int, a.shape))).astype(str(a.dtype)))
            for a in ArgInfo.from_prim_func(func)
        ]
        return self._laboratory.measure(built["main"], arguments, budget_s=BUDGET_S).latency_us


def untuned_predictor(predictor: LatencyPredictor, database: ScheduleDatabase) -> LatencyPredictor:
    """Make a predictor that adds up what unscheduled kernels take, with the other's overheads."""
    kernels = KernelModel({}, CostLine(kinds={"default": (1.0, 1.0)}))
    book = BlockBook(predictor.target, UntunedForeseer(database, predictor.target))
    return LatencyPredictor(kernels, predictor.network, predictor.target, database, book)
