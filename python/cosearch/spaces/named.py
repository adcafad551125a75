"""Spaces by name, as a command line gives them."""

from collections.abc import Callable

from cosearch.spaces.fbnet import FBNetSpace
from cosearch.spaces.mbconv import MBConvSpace
from cosearch.spaces.nasbench101 import NASBench101Space
from cosearch.spaces.nasbench201 import NASBench201Space
from cosearch.spaces.resnet import ResNetSpace
from cosearch.spaces.space import Space

SPACES: dict[str, Callable[[], Space]] = {
    "fbnet": FBNetSpace,
    "mbconv": MBConvSpace,
    "mbconv-small": MBConvSpace.small,
    "nasbench101": NASBench101Space,
    "nasbench201": NASBench201Space,
    "resnet": ResNetSpace,
}


def space_named(name: str) -> Space:
    """Make a space with its default size.

    Parameters
    ----------
    name : str
        ``"fbnet"``, ``"mbconv"``, ``"mbconv-small"``, ``"nasbench101"``, ``"nasbench201"`` or
        ``"resnet"``.

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
