"""From an architecture to a compiled network, and to its latency."""

from typing import Any

import numpy.typing as npt
import tvm

from cosearch import frontend, relay
from cosearch.latency.laboratory import Laboratory
from cosearch.relay.library import Library
from cosearch.relay.measure_network import measure_run, ready_module
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.label import Label
from cosearch.schedules.target import resolve_target
from cosearch.spaces.space import Space
from cosearch.timing.time_calls import BUDGET_S


def build_architecture(
    space: Space,
    architecture: npt.ArrayLike,
    database: ScheduleDatabase | None = None,
    target: Any = None,
    *,
    network: Any = None,
    seed: int = 0,
    reuse: bool = True,
    seconds: float = 0.0,
) -> Library:
    """Compile an architecture with the schedules that the database has for its kernels.

    Parameters
    ----------
    space : Space
        What it is of.
    architecture : array-like
        Integers ``[positions]``.
    database : ScheduleDatabase, optional
        By default the user's own.
    target : str, mapping or tvm.target.Target, optional
        By default this machine.
    network : torch.nn.Module, optional
        The trained network; by default one with random weights.
    seed : int
        Of those weights.
    reuse : bool
        False for TVM's own lowering, without any schedule of the database's.
    seconds : float
        What may be spent on measuring schedules; see ``relax.cosearch.seconds``.

    Raises
    ------
    FrontendError
        When the network cannot be imported.
    """
    import torch

    if network is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = space.network(architecture)
    picture = torch.zeros(space.blocks(architecture)[0].input_shape)
    mod = frontend.from_pytorch(network, (picture,))
    used = database if database is not None else ScheduleDatabase()
    config: dict[str, Any] = {"relax.cosearch.enable": reuse}
    if reuse and seconds:
        config["relax.cosearch.seconds"] = seconds
    with used, tvm.transform.PassContext(config=config):
        return relay.build(mod, resolve_target(target))


def measure_library(library: Library, laboratory: Laboratory, budget_s: float = BUDGET_S) -> Label:
    """Measure a run of a compiled network on random input.

    Parameters
    ----------
    library : Library
        Built with co-search or without.
    laboratory : Laboratory
        For the threads that it was compiled for.
    budget_s : float
        Seconds after which an unsure answer has to do.

    Raises
    ------
    ValueError
        When the laboratory is for another number of threads.
    """
    return measure_run(ready_module(library, seed=0), laboratory, budget_s=budget_s)
