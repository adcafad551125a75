"""Which threads run a kernel, and which cores are to be kept free of everybody else."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from cosearch._threads import bound_threads, set_threads

MOST_HELD = 16
"""Cores that are held at most: on a large machine the others do not share a cache with these."""
_CACHES = Path("/sys/devices/system/cpu")


@dataclass(frozen=True)
class Seats:
    """Where the threads of a measurement sit.

    Attributes
    ----------
    own_core : int
        Core of the calling thread; -1 where threads cannot be bound.
    held_cores : tuple of int
        Cores that a thread holds which does nothing.
    pool_threads : tuple of int
        Kernel ids of the threads of TVM's pool that compute beside the calling one.
    """

    own_core: int
    held_cores: tuple[int, ...]
    pool_threads: tuple[int, ...]


def take_seats(threads: int) -> Seats:
    """Seat the calling thread and set TVM's pool to a number of threads.

    TVM binds every thread of the pool but the one that calls, to a core each. Linux likes to wake
    the caller on the core of whoever woke it; where that is a bound thread's, the two take turns on
    it while another core idles, for tens of milliseconds. So the caller gets a core of its own.

    Parameters
    ----------
    threads : int
        Threads that kernels run on, the calling one among them.
    """
    set_threads(threads)
    if not hasattr(os, "sched_getaffinity"):
        return Seats(-1, (), ())
    usable = os.sched_getaffinity(0)
    bound = bound_threads(usable) if threads > 1 else {}
    pool = dict(sorted(bound.items(), key=lambda item: item[1])[: threads - 1])
    free = usable - set(pool.values())
    if not free:  # more threads than cores: nothing can be promised
        return Seats(-1, (), tuple(pool))
    # The first core is where most interrupts are served.
    own = max(free)
    return Seats(own, tuple(sorted(_neighbours(own, free)))[:MOST_HELD], tuple(pool))


def _neighbours(core: int, others: Collection[int]) -> set[int]:
    """Return the cores that share the last cache with one, all where that is not known."""
    shared = set(others) - {core}
    levels = sorted((_CACHES / f"cpu{core}" / "cache").glob("index*/shared_cpu_list"))
    try:
        return shared & _parse_cores(levels[-1].read_text()) if levels else shared
    except (OSError, ValueError):
        return shared


def _parse_cores(text: str) -> set[int]:
    """Read a list of cores as Linux writes it, such as ``0-3,8``."""
    cores: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        cores |= set(range(int(first), int(last or first) + 1))
    return cores
