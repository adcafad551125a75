"""Weight sharing: one trained network from which every architecture of a space is cut.

`SupernetTraining` trains a `SuperNetwork`, such as `MBConvSupernet`; `SupernetAccuracy` scores
architectures with the weights they inherit. Names that need torch import it on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from cosearch.accuracy.supernet.inherited import SupernetAccuracy
from cosearch.accuracy.supernet.plan import TrainingPlan

if TYPE_CHECKING:
    from cosearch.accuracy.supernet.mbconv_supernet import MBConvSupernet as MBConvSupernet
    from cosearch.accuracy.supernet.super_network import SuperNetwork as SuperNetwork
    from cosearch.accuracy.supernet.training import SupernetTraining as SupernetTraining

_HOMES = {
    "MBConvSupernet": "mbconv_supernet",
    "SuperNetwork": "super_network",
    "SupernetTraining": "training",
}
__all__ = [
    "MBConvSupernet",
    "SuperNetwork",
    "SupernetAccuracy",
    "SupernetTraining",
    "TrainingPlan",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
