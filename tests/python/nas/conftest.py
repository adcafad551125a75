"""A predictor for the space of sixteen networks, and the whole truth about it."""

from dataclasses import replace

import numpy as np
import pytest

from cosearch import LatencyPredictor, ScheduleDatabase
from cosearch.schedules import resolve_target
from tiny_space import TinySpace, label_as_promised


@pytest.fixture(scope="session")
def tiny_database(tmp_path_factory):
    return ScheduleDatabase(tmp_path_factory.mktemp("labels") / "labels.sqlite")


@pytest.fixture(scope="session")
def tiny_predictor(tiny_database):
    """Of five networks, so that the kernels of some others were never measured."""
    target = resolve_target("llvm -mcpu=native -num-cores=1")
    known = np.array([[0, 0], [0, 1], [1, 2], [2, 1], [2, 2]])
    label_as_promised(tiny_database, TinySpace(), known, target)
    found = LatencyPredictor.fit(tiny_database, target)
    # Made-up labels leave no doubt, whatever was measured: a real network's interval depends on it.
    network = replace(found.network, table_error=0.04, predicted_error=0.2)
    return LatencyPredictor(found.kernels, network, target, tiny_database)
