"""Build a network, measure it, and keep what a predictor learns from."""

from typing import Any

import tvm
from tvm.ir import IRModule
from tvm.target import Target

from cosearch.blocks import workload_signature
from cosearch.latency.laboratory import Laboratory
from cosearch.relay.build import build
from cosearch.relay.measure_network import NetworkLabels, measure_network
from cosearch.schedules.apply import is_workload
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.lower import lower_to_workloads
from cosearch.timing.time_calls import BUDGET_S


def label_network(
    mod: IRModule,
    target: Target,
    database: ScheduleDatabase,
    laboratory: Laboratory,
    *,
    params: Any = None,
    name: str = "",
    budget_s: float = BUDGET_S,
) -> NetworkLabels:
    """Measure a network, and keep its labels with its workloads in the database.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        The network.
    target : tvm.target.Target
        What to compile for.
    database : ScheduleDatabase
        Where its schedules come from, and its labels go.
    laboratory : Laboratory
        Of the same target.
    params : mapping, optional
        See `build`.
    name : str
        What people call it; by default the name that the frontend gave it.
    budget_s : float
        Seconds for the network, and again for its kernels.

    Raises
    ------
    DatabaseError
        When the database cannot be written.
    """
    enable = {"relax.cosearch.enable": True}
    with database, tvm.transform.PassContext(config=enable):
        lib = build(mod, target, params=params)
    found = measure_network(lib, laboratory, budget_s=budget_s)
    if name:
        found = found.named(name)
    for func in lower_to_workloads(mod, target).functions.values():
        if is_workload(func):
            database.keep_workload(func, workload_signature(func))
    database.add_labels([found.network, *found.kernels.values()])
    return found
