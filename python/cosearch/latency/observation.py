"""A kernel that was measured inside a network."""

from dataclasses import dataclass

from cosearch.latency.outlook import Outlook


@dataclass(frozen=True)
class Observation:
    """A kernel that was measured inside a network.

    Attributes
    ----------
    workload : str
        Shape-aware signature.
    network : str
        Digest of the network in which it stood.
    latency_us : float
        Of one call there.
    outlook : Outlook
        What was known before.
    footprint_kb : float
        Thousands of bytes of all the network's weights.
    """

    workload: str
    network: str
    latency_us: float
    outlook: Outlook
    footprint_kb: float
