"""The space of FBNet (Wu et al., CVPR 2019)."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from cosearch.spaces.block import Block
from cosearch.spaces.catalogue import CatalogueBuilder
from cosearch.spaces.fbnet_blocks import (
    OPERATORS,
    SKIP,
    halved,
    head_block,
    operator_block,
    stem_block,
)
from cosearch.spaces.space import Integers, Places, Space

STEM = 16
STAGES = ((16, 1, 1), (24, 4, 2), (32, 4, 2), (64, 4, 2), (112, 4, 1), (184, 4, 2), (352, 1, 1))
"""Channels, layers, and stride of the first layer, of each stage (table 1)."""
HIDDEN = 1984
"""Channels of the head."""
LAYERS = sum(layers for _, layers, _ in STAGES)


def _stage_layers() -> list[slice]:
    """Give the positions of the layers of each stage."""
    ends = np.cumsum([layers for _, layers, _ in STAGES]).tolist()
    return [slice(end - layers, end) for end, (_, layers, _) in zip(ends, STAGES, strict=True)]


_ALIKE = np.array([range(s.start + 1, s.stop) for s in _stage_layers() if s.stop - s.start > 1])
"""Layers of each stage after its first, which are of one shape; three in all stages with some."""


@dataclass(frozen=True)
class _Tables:
    """The catalogue, and places in it."""

    catalogue: tuple[Block, ...]
    stem: int
    layers: Places
    """``[22, 9]`` by layer and operator; -1 where an operator does nothing."""
    head: int


class FBNetSpace(Space):
    """Twenty-two layers of nine operators each, in the fixed frame of FBNet's table 1.

    The encoding is the operator of each layer: kernel 3 with expansion 1, the same with two
    groups, with expansion 3 and with 6, the same with kernel 5, and none at all; the order of
    HW-NAS-Bench (Li et al., ICLR 2021). Where a layer changes the shape, ``skip`` is a strided 1×1
    convolution with batch-norm and ReLU, as there and in FBNet's published code. With expansion 1
    there still is a first 1×1 convolution, as in the paper and there; the published code has none.

    As text: ``k3_e1/k3_e6-skip-k3_e1-k3_e1/...``, stages parted by ``/``, layers by ``-``.

    Parameters
    ----------
    size : int
        Height and width of pictures.
    classes : int
        Outputs of the network.

    Raises
    ------
    ValueError
        If pictures are smaller than 32 pixels, the stride of the network.
    """

    def __init__(self, size: int = 224, classes: int = 1000) -> None:
        if size < 32:
            raise ValueError(f"pictures of {size} pixels vanish in the network; use 32 or more")
        self.name = "fbnet"
        self.size, self.classes = size, classes
        self.input_shape = (1, 3, size, size)
        self.choices = (len(OPERATORS),) * LAYERS

    @property
    def catalogue(self) -> tuple[Block, ...]:
        """See `Space.catalogue`."""
        return self._tables.catalogue

    def slots(self, architectures: npt.ArrayLike) -> Places:
        """See `Space.slots`: stem, layers, head; layers that do nothing come last in a stage."""
        rows, tables = self.canonical(architectures), self._tables
        slots = np.empty((len(rows), 2 + LAYERS), np.int32)
        slots[:, 0], slots[:, -1] = tables.stem, tables.head
        slots[:, 1:-1] = tables.layers[np.arange(LAYERS), rows]
        return slots

    def canonical(self, architectures: npt.ArrayLike) -> Integers:
        """See `Space.canonical`: within a stage, layers that do nothing come last.

        The layers of a stage after its first are of one shape, so that it does not matter which of
        them is left out.
        """
        rows: Integers = self.validate(architectures).copy()
        one, two, three = rows[:, _ALIKE].T
        rows[:, _ALIKE] = _skips_last()[one, two, three].transpose(1, 0, 2)
        return rows

    def format(self, architecture: npt.ArrayLike) -> str:
        """See `Space.format`."""
        row = self.validate(np.asarray(architecture)[None])[0]
        names = [OPERATORS[operator].name for operator in row.tolist()]
        return "/".join("-".join(names[layers]) for layers in _stage_layers())

    def parse(self, text: str) -> Integers:
        """See `Space.parse`."""
        stages = text.strip().split("/")
        if len(stages) != len(STAGES):
            raise ValueError(f"{text!r}: {len(stages)} stages; write {len(STAGES)}, parted by /")
        known = [operator.name for operator in OPERATORS]
        row = []
        for stage, (written, (_, layers, _)) in enumerate(zip(stages, STAGES, strict=True)):
            names = written.split("-")
            if len(names) != layers:
                raise ValueError(f"stage {stage}: {len(names)} layers; write {layers}")
            for layer, name in enumerate(names):
                if name not in known:
                    raise ValueError(
                        f"stage {stage}, layer {layer}: unknown operator {name!r}; "
                        f"use {', '.join(known)}"
                    )
                row.append(known.index(name))
        parsed: Integers = self.canonical([row])[0]
        return parsed

    @cached_property
    def _tables(self) -> _Tables:
        builder = CatalogueBuilder()
        stem = builder.place(stem_block(STEM, self.size))
        inputs, size = STEM, halved(self.size)
        places = []
        for outputs, layers, first in STAGES:
            for stride in (first, *[1] * (layers - 1)):
                blocks = [
                    operator_block(operator, (inputs, outputs), stride, size)
                    for operator in OPERATORS
                ]
                places.append([-1 if block is None else builder.place(block) for block in blocks])
                inputs, size = outputs, halved(size) if stride == 2 else size
        head = builder.place(head_block(inputs, HIDDEN, self.classes, size))
        return _Tables(builder.blocks, stem, np.array(places, np.int32), head)


@cache
def _skips_last() -> Integers:
    """Give for any three operators the same three with skips at the end, ``[9, 9, 9, 3]``."""
    count = len(OPERATORS)
    triples = np.moveaxis(np.indices((count, count, count)), 0, 3).astype(np.int64)
    order = np.argsort(triples == SKIP, axis=3, stable=True)
    ordered: Integers = np.take_along_axis(triples, order, 3)
    return ordered
