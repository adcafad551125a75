"""cosearch: neural architecture search and the TVM compiler as one system.

Names are imported on first use, so that ``import tvm``, which loads this package as a plug-in,
stays as fast as it was.
"""

import importlib
from typing import TYPE_CHECKING, Any

from cosearch._versions import check_versions

check_versions()

if TYPE_CHECKING:
    from cosearch import relay as relay
    from cosearch.blocks import LiftBlocks as LiftBlocks
    from cosearch.latency import LatencyPredictor as LatencyPredictor
    from cosearch.nas import search as search
    from cosearch.schedules import ScheduleDatabase as ScheduleDatabase

__version__ = "0.1.0"

_HOMES = {
    "LiftBlocks": "cosearch.blocks",
    "LatencyPredictor": "cosearch.latency",
    "ScheduleDatabase": "cosearch.schedules",
    "search": "cosearch.nas",
}
_ROOMS = (
    *("accuracy", "blocks", "frontend", "latency", "nas", "relay", "report", "schedules"),
    *("spaces", "timing"),
)

__all__ = [*_HOMES, *_ROOMS, "__version__"]  # noqa: PLE0604 - the names are strings


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"cosearch.{name}")
    raise AttributeError(f"module 'cosearch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
