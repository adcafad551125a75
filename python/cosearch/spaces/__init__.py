"""The spaces room: what a search may choose, and the networks that the choices describe.

A space is an encoding (a row of small integers), ways to draw, mutate and cross rows, and the
blocks of each architecture as places in one catalogue. The catalogue is the link to schedules and
labels: what is known of a block is known of every architecture that uses it. A user adds a space
by deriving from `Space`, in one file.

Nothing here imports torch before a network is built.
"""

from cosearch.spaces.block import Block
from cosearch.spaces.fbnet import FBNetSpace
from cosearch.spaces.mbconv import MBConvSpace
from cosearch.spaces.named import SPACES, space_named
from cosearch.spaces.nasbench101 import NASBench101Space
from cosearch.spaces.nasbench201 import NASBench201Space
from cosearch.spaces.resnet import ResNetSpace
from cosearch.spaces.space import Space

__all__ = [
    "SPACES",
    "Block",
    "FBNetSpace",
    "MBConvSpace",
    "NASBench101Space",
    "NASBench201Space",
    "ResNetSpace",
    "Space",
    "space_named",
]
