"""Every space, small enough to run its networks."""

import numpy as np
import pytest

from cosearch.spaces import (
    FBNetSpace,
    MBConvSpace,
    NASBench101Space,
    NASBench201Space,
    ResNetSpace,
)

SPACES = [
    FBNetSpace(size=64, classes=10),
    MBConvSpace(),
    MBConvSpace(1.3, classes=20),
    MBConvSpace.small(),
    NASBench101Space(),
    NASBench201Space(),
    ResNetSpace(size=64, classes=10),
]


@pytest.fixture(scope="session", params=SPACES, ids=lambda space: space.name)
def space(request):
    # Tables are made now, so that no test with a deadline waits for them.
    request.param.slots(request.param.sample(1, np.random.default_rng(0)))
    return request.param
