"""Spaces by name, as a command line gives them."""

from collections.abc import Callable

from cosearch.spaces.mbconv import MBConvSpace
from cosearch.spaces.nasbench201 import NASBench201Space
from cosearch.spaces.resnet import ResNetSpace
from cosearch.spaces.space import Space

SPACES: dict[str, Callable[[], Space]] = {
    "mbconv": MBConvSpace,
    "mbconv-small": MBConvSpace.small,
    "nasbench201": NASBench201Space,
    "resnet": ResNetSpace,
}


def space_named(name: str) -> Space:
    """Make a space with its default size.

    Parameters
    ----------
    name : str
        ``"mbconv"``, ``"mbconv-small"``, ``"nasbench201"`` or ``"resnet"``.

    Returns
    -------
    Space
        A new one.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if name not in SPACES:
        raise ValueError(f"unknown space {name!r}; known are {', '.join(SPACES)}")
    return SPACES[name]()
