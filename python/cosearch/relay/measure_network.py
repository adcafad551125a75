"""Labels of a compiled network and of its kernels, where they stand."""

import time
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cosearch.latency.laboratory import Laboratory, network_key
from cosearch.relay.graph_module import GraphModule
from cosearch.relay.library import Library
from cosearch.schedules.label import Label
from cosearch.timing.call_log import CallLog
from cosearch.timing.estimate import clean_reference_us, good_windows
from cosearch.timing.stopwatch import Windows
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
    kernels = {kernel.name: kernel for kernel in lib.reuse.kernels}
    parts = tuple((kernel.workload, kernel.calls) for kernel in kernels.values())
    module = ready_module(lib, seed)
    whole = replace(
        measure_run(module, laboratory, budget_s=budget_s),
        key=network_key(parts),
        name=lib.reuse.network,
        parts=parts,
    )
    times, unstable = _kernel_times(module, laboratory, whole.latency_us, budget_s)
    return NetworkLabels(
        whole,
        {
            name: replace(
                whole,
                latency_us=latency_us,
                low_us=low_us,
                high_us=high_us,
                unstable=whole.unstable or unstable,
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
    threads = module.library.metadata.threads
    if threads != laboratory.conditions.threads:
        raise ValueError(
            f"the network was compiled for {threads} threads, and would be measured on "
            f"{laboratory.conditions.threads}"
        )
    main, arguments = module.module["main"], module.arguments()
    return laboratory.measure(main, arguments, level="network", budget_s=budget_s)


def ready_module(lib: Library, seed: int) -> GraphModule:
    """Load a network and set its inputs to random values between 0 and 1."""
    module = GraphModule(lib)
    random = np.random.default_rng(seed)
    for spec in lib.metadata.inputs:
        shape = tuple(extent or 1 for extent in spec.shape)
        module.set_input(spec.name, random.random(shape).astype(spec.dtype))
    return module


def _kernel_times(
    module: GraphModule, laboratory: Laboratory, whole_us: float, budget_s: float
) -> tuple[dict[str, tuple[float, float, float]], bool]:
    """Return for each kernel the time of a call and its interval, and whether they are unstable.

    Runs with and without the log take turns, so that the times add up to the whole run's: what
    has changed since that was measured has changed for both. Only whole runs are chosen from, the
    faster half of them; the sum of each kernel's own quickest calls would be a run that never was.
    """
    log, turns = CallLog(), _Turns(module, laboratory)
    while not turns.over(budget_s):
        turns.take(log)
    runs = turns.logged_us
    runs = runs[np.argsort(runs.sum(axis=1), kind="stable")][: max(1, len(runs) // 2)]
    scale = whole_us / turns.plain_us if turns.plain_us else 1.0
    found: dict[str, tuple[float, float, float]] = {}
    for place in np.unique(turns.functions):
        own = scale * runs[:, turns.functions == place].mean(axis=1)
        name = turns.names[place].removesuffix(PREPACKED)
        found[name] = float(own.mean()), float(own.min()), float(own.max())
    return found, not turns.enough


class _Turns:
    """Runs of a network, every other one with a log of its calls."""

    def __init__(self, module: GraphModule, laboratory: Laboratory) -> None:
        self._machine, self._main = module.module, module.module["main"]
        self._arguments, self._laboratory = module.arguments(), laboratory
        self._seen: Windows | None = None
        self._window()
        self._start = time.monotonic()
        self._plain: list[float] = []
        self._logged: list[npt.NDArray[np.float64]] = []
        self._spoilt: list[npt.NDArray[np.float64]] = []
        self.names: list[str] = []
        self.functions = np.empty(0, "int32")

    def over(self, budget_s: float) -> bool:
        """Tell whether there were enough good runs, or the time is over."""
        if min(len(self._plain), len(self._logged)) >= RUNS:
            return True
        tried = len(self._logged) + len(self._spoilt)
        return tried >= RUNS and time.monotonic() - self._start > budget_s

    def take(self, log: CallLog) -> None:
        """Take a run without, and one with the log."""
        window, good = self._window()
        if good:
            self._plain.append(float(window.call_us[0]))
        log.attach(self._machine)
        log.take()
        _, good = self._window()
        self.names, functions, times_us = log.take()
        log.detach(self._machine)
        half = len(functions) // 2  # the other half is the warm-up's
        self.functions = functions[half:]
        (self._logged if good else self._spoilt).append(times_us[half:])

    @property
    def enough(self) -> bool:
        """Whether so many runs were good that the others need not be looked at."""
        return min(len(self._plain), len(self._logged)) >= RUNS // 2

    @property
    def logged_us(self) -> npt.NDArray[np.float64]:
        """Times of the calls of good runs, ``[runs, calls]``; of any, if there were few."""
        return np.array(self._logged if self.enough else self._logged + self._spoilt)

    @property
    def plain_us(self) -> float:
        """Time of the faster half of the good runs without a log; 0 if there were few."""
        half = len(self._plain) // 2
        return float(np.sort(self._plain)[:half].mean()) if half >= RUNS // 4 else 0.0

    def _window(self) -> tuple[Windows, bool]:
        watch, calibration = self._laboratory.stopwatch, self._laboratory.calibration
        window = watch.time(self._main, self._arguments, calls=1, warm_up=1, windows=1)
        self._seen = window if self._seen is None else self._seen + window
        return window, bool(good_windows(window, clean_reference_us(self._seen, calibration))[0])
