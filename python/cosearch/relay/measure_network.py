"""Labels of a compiled network and of its kernels, where they stand."""

from dataclasses import dataclass, replace

import numpy as np

from cosearch.latency.laboratory import Laboratory, network_key
from cosearch.relay.graph_module import GraphModule
from cosearch.relay.library import Library
from cosearch.relay.log_overhead import log_overhead_us
from cosearch.relay.logged_runs import LoggedRuns, log_runs
from cosearch.schedules.label import Label
from cosearch.timing.estimate import SURE
from cosearch.timing.time_calls import BUDGET_S

PREPACKED = "_prepacked"
"""Ending that TVM gives to a kernel whose weights were packed at compile time."""


@dataclass(frozen=True)
class NetworkLabels:
    """What was measured of a network.

    Attributes
    ----------
    network : Label
        Of a whole run.
    kernels : dict of str to Label
        Of one call of each kernel inside that run, by its name in `Library.reuse`; of one that is
        called several times, the mean.
    """

    network: Label
    kernels: dict[str, Label]

    def named(self, name: str) -> "NetworkLabels":
        """Return them under another name of the network."""
        return replace(self, network=replace(self.network, name=name))


def measure_network(
    lib: Library, laboratory: Laboratory, *, seed: int = 0, budget_s: float = BUDGET_S
) -> NetworkLabels:
    """Measure a network built with co-search, and each of its kernels between the others.

    A kernel finds its input where the one before left it, and its weights where the caches have
    kept them: it can take longer there than when it is called over and over.

    Parameters
    ----------
    lib : Library
        The compiled network.
    laboratory : Laboratory
        For the threads that it was compiled for.
    seed : int
        Of the random input.
    budget_s : float
        Seconds for the whole, and again for the kernels.

    Raises
    ------
    ValueError
        When the laboratory is for another number of threads.
    """
    kernels = {kernel.name: kernel for kernel in lib.reuse.kernels}
    parts = tuple((kernel.workload, kernel.calls) for kernel in kernels.values())
    runs = _measure_calls(ready_module(lib, seed), laboratory, budget_s)
    whole = replace(
        laboratory.label(runs.found, level="network"),
        key=network_key(parts),
        name=lib.reuse.network,
        parts=parts,
    )
    labels = {}
    for place, function in enumerate(runs.names):
        name, own = function.removesuffix(PREPACKED), runs.functions == place
        if name in kernels and own.any():
            labels[name] = replace(
                whole,
                latency_us=float(runs.found.call_us[own].mean()),
                low_us=float(runs.found.call_low_us[own].mean()),
                high_us=float(runs.found.call_high_us[own].mean()),
                unstable=not runs.found.steady[own].all(),
                level="kernel",
                key=kernels[name].workload,
                name=name,
                context="network",
                network=whole.key,
                parts=(),
            )
    return NetworkLabels(whole, labels)


def measure_run(
    module: GraphModule, laboratory: Laboratory, *, budget_s: float = BUDGET_S
) -> Label:
    """Measure whole runs of a network, however it was built.

    Parameters
    ----------
    module : GraphModule
        With its inputs set.
    laboratory : Laboratory
        For the threads that it was compiled for.
    budget_s : float
        Seconds to spend at most.

    Raises
    ------
    ValueError
        When the laboratory is for another number of threads.
    """
    return laboratory.label(_measure_calls(module, laboratory, budget_s).found, level="network")


def ready_module(lib: Library, seed: int) -> GraphModule:
    """Load a network and set its inputs to random values between 0 and 1."""
    module = GraphModule(lib)
    random = np.random.default_rng(seed)
    for spec in lib.metadata.inputs:
        shape = tuple(extent or 1 for extent in spec.shape)
        module.set_input(spec.name, random.random(shape).astype(spec.dtype))
    return module


def _measure_calls(module: GraphModule, laboratory: Laboratory, budget_s: float) -> LoggedRuns:
    """Measure a run by segments, and without a log where it is short and the machine quiet."""
    threads = module.library.metadata.threads
    if threads != laboratory.conditions.threads:
        raise ValueError(
            f"the network was compiled for {threads} threads, and would be measured on "
            f"{laboratory.conditions.threads}"
        )
    machine, arguments = module.module, module.arguments()
    runs = log_runs(machine, arguments, laboratory, budget_s=budget_s)
    found, calls = runs.found, len(runs.functions)
    if runs.segments == 1:
        plain = laboratory.measure(machine["main"], arguments, budget_s=budget_s)
        if not plain.unstable and plain.high_us - plain.low_us <= SURE * plain.latency_us:
            found = found.less((found.latency_us - plain.latency_us) / calls)
            return replace(runs, found=replace(found, low_us=plain.low_us, high_us=plain.high_us))
    return replace(runs, found=found.less(log_overhead_us(laboratory)))
