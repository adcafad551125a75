"""The accuracy room: what says how accurate architectures are, behind one protocol.

- `NASBench201Accuracy`: published accuracies, looked up;
- `GenNAS`: a few dozen steps of regression on synthetic signals, without data;
- `AccuracySurrogate`: perceptrons that learn from architectures of known accuracy;
- `SupernetAccuracy`: weights that all networks of a space share, of `cosearch.accuracy.supernet`.

Names are imported on first use; torch and scikit-learn only where something is trained.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosearch.accuracy.estimator import AccuracyEstimator as AccuracyEstimator
    from cosearch.accuracy.gennas import GenNAS as GenNAS
    from cosearch.accuracy.gennas_settings import GenNASSettings as GenNASSettings
    from cosearch.accuracy.gennas_settings import SignalMix as SignalMix
    from cosearch.accuracy.nasbench201_table import NASBench201Accuracy as NASBench201Accuracy
    from cosearch.accuracy.pictures import Pictures as Pictures
    from cosearch.accuracy.supernet import MBConvSupernet as MBConvSupernet
    from cosearch.accuracy.supernet import SupernetAccuracy as SupernetAccuracy
    from cosearch.accuracy.supernet import SupernetTraining as SupernetTraining
    from cosearch.accuracy.supernet import TrainingPlan as TrainingPlan
    from cosearch.accuracy.surrogate import AccuracySurrogate as AccuracySurrogate

_HOMES = {
    "AccuracyEstimator": "cosearch.accuracy.estimator",
    "AccuracySurrogate": "cosearch.accuracy.surrogate",
    "GenNAS": "cosearch.accuracy.gennas",
    "GenNASSettings": "cosearch.accuracy.gennas_settings",
    "MBConvSupernet": "cosearch.accuracy.supernet",
    "NASBench201Accuracy": "cosearch.accuracy.nasbench201_table",
    "Pictures": "cosearch.accuracy.pictures",
    "SignalMix": "cosearch.accuracy.gennas_settings",
    "SupernetAccuracy": "cosearch.accuracy.supernet",
    "SupernetTraining": "cosearch.accuracy.supernet",
    "TrainingPlan": "cosearch.accuracy.supernet",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'cosearch.accuracy' has no attribute {name!r}")
