"""A block of a network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Block:
    """A piece of a network whose cost does not depend on what is around it.

    Attributes
    ----------
    name : str
        Readable, and unique in the catalogue of a space: it says all that decides the cost, such
        as ``"mbconv k5 e6 s2 24->40 56x56 se"``; the picture size is that of the input.
    input_shape : tuple of int
        NCHW, with batch 1.
    build : callable
        Makes the `torch.nn.Module`, with random weights from torch's global generator. Not part of
        a comparison: two blocks of one name, shape and counts are equal.
    multiply_adds : int
        Exact, of convolutions and linear layers for one picture.
    parameters : int
        Exact, of convolutions, linear layers and the scales and shifts of batch-norms.
    first : bool
        Whether networks begin with it: its pictures come as the caller has them, channels first,
        and not as they lie between two layers.
    kind : str
        Empty, or what is common to blocks that differ in nothing but the extents of their tensors,
        where these follow from the shape of the input alone. The kernels of one then tell those of
        the others, which saves looking at each.
    """

    name: str
    input_shape: tuple[int, ...]
    build: Callable[[], Any] = field(compare=False, repr=False)
    multiply_adds: int
    parameters: int
    first: bool = False
    kind: str = ""
