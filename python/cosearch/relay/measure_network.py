"""Labels of a compiled network and of its kernels, where they stand."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cosearch.latency.laboratory import Laboratory, network_key
from cosearch.relay.graph_module import GraphModule
from cosearch.relay.library import Library
from cosearch.schedules.label import Label
from cosearch.timing.call_log import CallLog
from cosearch.timing.estimate import QUANTILE, clean_reference_us, good_windows
from cosearch.timing.time_calls import BUDGET_S

PREPACKED = "_prepacked"
"""Ending that TVM gives to a kernel whose weights were packed at compile time."""
RUNS = 12
"""Good runs of the network from which its kernels' times are taken."""


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
    if lib.metadata.threads != laboratory.conditions.threads:
        raise ValueError(
            f"the network was compiled for {lib.metadata.threads} threads, and would be measured "
            f"on {laboratory.conditions.threads}"
        )
    kernels = {kernel.name: kernel for kernel in lib.reuse.kernels}
    parts = tuple((kernel.workload, kernel.calls) for kernel in kernels.values())
    module = ready_module(lib, seed)
    whole = laboratory.measure(
        module.module["main"],
        module.arguments(),
        level="network",
        key=network_key(parts),
        name=lib.reuse.network,
        parts=parts,
        budget_s=budget_s,
    )
    log = CallLog()
    log.attach(module.module)
    times = _kernel_times(module, log, laboratory, budget_s)
    return NetworkLabels(
        whole,
        {
            name: replace(
                whole,
                latency_us=latency_us,
                low_us=low_us,
                high_us=high_us,
                level="kernel",
                key=kernels[name].workload,
                name=name,
                context="network",
                network=whole.key,
                parts=(),
            )
            for name, (latency_us, low_us, high_us) in times.items()
            if name in kernels
        },
    )


def ready_module(lib: Library, seed: int) -> GraphModule:
    """Load a network and set its inputs to random values between 0 and 1."""
    module = GraphModule(lib)
    random = np.random.default_rng(seed)
    for spec in lib.metadata.inputs:
        shape = tuple(extent or 1 for extent in spec.shape)
        module.set_input(spec.name, random.random(shape).astype(spec.dtype))
    return module


def _kernel_times(
    module: GraphModule, log: CallLog, laboratory: Laboratory, budget_s: float
) -> dict[str, tuple[float, float, float]]:
    """Return for each kernel the time of a call, and the interval that holds it."""
    main, arguments = module.module["main"], module.arguments()
    watch, calibration = laboratory.stopwatch, laboratory.calibration
    seen = watch.time(main, arguments, calls=1, warm_up=1, windows=1)
    log.take()
    good: list[npt.NDArray[np.float64]] = []
    any_run: list[npt.NDArray[np.float64]] = []
    tries = 2 * RUNS + int(budget_s / max(float(seen.call_us[0]) * 4e-6, 5e-3))
    while len(good) < RUNS and len(any_run) < tries:
        window = watch.time(main, arguments, calls=1, warm_up=1, windows=1)
        names, functions, times_us = log.take()
        half = len(functions) // 2  # the other half is the warm-up's
        any_run.append(times_us[half:])
        seen += window
        if good_windows(window, clean_reference_us(seen, calibration))[0]:
            good.append(times_us[half:])
    runs = np.array(good if len(good) >= RUNS // 2 else any_run)
    found: dict[str, tuple[float, float, float]] = {}
    for place in np.unique(functions[half:]):
        own = runs[:, functions[half:] == place]
        latency, high = np.quantile(own, [QUANTILE, 0.5], axis=0).mean(axis=1)
        low = own.min(axis=0).mean()
        name = names[place].removesuffix(PREPACKED)
        found[name] = float(latency), float(low), float(high)
    return found
