"""Labels: measured latencies, with how they were measured."""

from dataclasses import dataclass
from typing import Literal

from cosearch.schedules.conditions import Conditions

Level = Literal["kernel", "block", "network"]
Context = Literal["alone", "network"]


@dataclass(frozen=True)
class Label:
    """The latency of a kernel, a block or a network.

    Attributes
    ----------
    latency_us : float
        Microseconds of one call, on the machine as it was calibrated.
    low_us, high_us : float
        The interval that holds it with 90 % confidence, as far as repetition can tell.
    unstable : bool
        Whether the machine gave too few windows in which nothing disturbed: the latency is then an
        upper bound.
    exclusive : bool
        Whether nobody else could compute meanwhile (see `cosearch.timing.Stopwatch`).
    conditions : Conditions
        Where it was measured.
    level : str
        ``"kernel"``, ``"block"`` or ``"network"``.
    key : str
        Signature of the workload or the block, or the network's digest.
    name : str
        What people call it.
    context : str
        ``"alone"``, call after call with warm caches, or ``"network"``, where it stands between
        others.
    network : str
        Digest of the network in which it stood, empty where it was alone.
    parts : tuple of (str, int)
        Of a block or network, its workloads and how often each is called.
    """

    latency_us: float
    low_us: float
    high_us: float
    unstable: bool
    exclusive: bool
    conditions: Conditions
    level: Level = "kernel"
    key: str = ""
    name: str = ""
    context: Context = "alone"
    network: str = ""
    parts: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        """Say the latency, its interval and, if need be, what to do about it."""
        text = f"{self.latency_us:.4g} µs ({self.low_us:.4g} to {self.high_us:.4g})"
        if not self.unstable:
            return text
        return (
            f"at most {text}: the machine never was quiet for long enough; stop other work, wait, "
            f"or allow real-time priority (CAP_SYS_NICE)"
        )
