"""Timing that load cannot bend: short windows in which the machine does nothing else."""

from cosearch.timing.calibration import Calibration, calibrate
from cosearch.timing.estimate import Estimate, estimate
from cosearch.timing.stopwatch import PROTOCOL_VERSION, Stopwatch, Windows
from cosearch.timing.time_calls import time_calls

__all__ = [
    "PROTOCOL_VERSION",
    "Calibration",
    "Estimate",
    "Stopwatch",
    "Windows",
    "calibrate",
    "estimate",
    "time_calls",
]
