"""Lets the tests of this folder import the layers that stand beside them, and gives them each."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from layers import WORKLOADS, layer


@pytest.fixture(scope="session", params=WORKLOADS)
def workload(request):
    shape, build, options = WORKLOADS[request.param]
    return layer(shape, build, **options)
