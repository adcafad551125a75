"""The latency room: what is measured on this machine, and what is predicted from it.

Names are imported on first use: to measure, nothing of the predictor is needed.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosearch.latency.adapt import AdaptedPredictor as AdaptedPredictor
    from cosearch.latency.adapt import DeviceAdapter as DeviceAdapter
    from cosearch.latency.laboratory import Laboratory as Laboratory
    from cosearch.latency.laboratory import measure as measure
    from cosearch.latency.peak import peak_gflops as peak_gflops
    from cosearch.latency.predictor import Latency as Latency
    from cosearch.latency.predictor import LatencyPredictor as LatencyPredictor
    from cosearch.latency.predictor_file import PredictorError as PredictorError
    from cosearch.schedules.label import Label as Label

_HOMES = {
    "AdaptedPredictor": "cosearch.latency.adapt",
    "DeviceAdapter": "cosearch.latency.adapt",
    "Label": "cosearch.schedules.label",
    "Laboratory": "cosearch.latency.laboratory",
    "Latency": "cosearch.latency.predictor",
    "LatencyPredictor": "cosearch.latency.predictor",
    "PredictorError": "cosearch.latency.predictor_file",
    "measure": "cosearch.latency.laboratory",
    "peak_gflops": "cosearch.latency.peak",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'cosearch.latency' has no attribute {name!r}")
