"""Every space, small enough to run its networks."""

import pytest

from cosearch.spaces import MBConvSpace, NASBench201Space, ResNetSpace

SPACES = [
    MBConvSpace(),
    MBConvSpace(1.3, classes=20),
    MBConvSpace.small(),
    NASBench201Space(),
    ResNetSpace(size=64, classes=10),
]


@pytest.fixture(scope="session", params=SPACES, ids=lambda space: space.name)
def space(request):
    return request.param
