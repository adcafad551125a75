"""Cost models of the tuner by name."""

import importlib
from typing import Literal, get_args

from cosearch.schedules.tuning.cost_model import CandidateModel

CostModel = Literal["trees", "gaussian-process"]
_CLASSES = {
    "trees": "cosearch.schedules.tuning.boosted_trees:BoostedTrees",
    "gaussian-process": "cosearch.schedules.tuning.gaussian_process:GaussianProcess",
}


def make_cost_model(name: CostModel, seed: int) -> CandidateModel:
    """Make a cost model.

    Parameters
    ----------
    name : {"trees", "gaussian-process"}
        Boosted trees as MetaSchedule's, or a Gaussian process as CHaNAS has; the latter needs
        scikit-learn.
    seed : int
        Of its chance.

    Raises
    ------
    ValueError
        When there is none of this name.
    """
    if name not in _CLASSES:
        known = ", ".join(get_args(CostModel))
        raise ValueError(f"unknown cost model {name!r}; known are {known}")
    module, _, cls = _CLASSES[name].partition(":")
    made: CandidateModel = getattr(importlib.import_module(module), cls)(seed)
    return made
