"""The elastic MBConv space of CHaNAS."""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cosearch.spaces.block import Block
from cosearch.spaces.catalogue import CatalogueBuilder
from cosearch.spaces.mbconv_blocks import head_block, mbconv_block, stem_block, strided
from cosearch.spaces.options import option_of
from cosearch.spaces.space import Integers, Places, Space

KERNELS = (3, 5, 7)
EXPANSIONS = (3, 4, 6)
DEPTH = 4
"""Most blocks of a stage; the fewest are 1."""
GENES = 3
"""Positions of a block: kernel, expansion, squeeze-and-excitation."""
_STAGE = 1 + GENES * DEPTH
_BLOCK = re.compile(r"k(\d+)e(\d+)(s?)")


@dataclass(frozen=True)
class Skeleton:
    """What the search does not choose.

    Attributes
    ----------
    name : str
        Of the space.
    sizes : tuple of int
        Heights and widths of pictures.
    stem : tuple of (int, int)
        Channels and stride of the first convolution.
    first : int
        Channels of the fixed first block, of kernel 3 and expansion 1.
    stages : tuple of (int, int)
        Channels, and stride of the first block, of each searched stage.
    hidden : int
        Channels of the head.
    """

    name: str
    sizes: tuple[int, ...]
    stem: tuple[int, int]
    first: int
    stages: tuple[tuple[int, int], ...]
    hidden: int


IMAGENET = Skeleton(
    name="mbconv",
    sizes=(160, 176, 192, 208, 224),
    stem=(16, 2),
    first=16,
    stages=((24, 2), (40, 2), (80, 2), (112, 1), (160, 2)),
    hidden=1280,
)
"""Channels as in table 3 of CHaNAS, strides as in MobileNetV3 (Howard et al., ICCV 2019)."""
SMALL = Skeleton(
    name="mbconv-small",
    sizes=(32,),
    stem=(16, 1),
    first=16,
    stages=((16, 2), (24, 1), (32, 2), (48, 1), (64, 2)),
    hidden=128,
)
"""A tenth of the multiply-adds at ImageNet size, so that it trains on two cores."""


@dataclass(frozen=True)
class _Tables:
    """The catalogue, and places in it by option."""

    catalogue: tuple[Block, ...]
    ends: Places
    """``[3, sizes]``: stem, fixed first block, head."""
    stages: Places
    """``[sizes, stages, first or other block, kernels, expansions, excite]``."""


class MBConvSpace(Space):
    """Five stages of one to four MBConv blocks (CHaNAS, sections 3.3 and 4.1).

    The encoding is the picture size, then for each stage its depth less one and, for each of four
    blocks, kernel (3, 5, 7), expansion (3, 4, 6) and squeeze-and-excitation (without, with): 66
    positions. Stem, first block (expansion 1) and head are fixed.

    As text: ``224:k5e6s-k3e3/k3e4/k7e6/k3e3/k3e3s``, stages parted by ``/``, blocks by ``-``, with
    ``s`` for squeeze-and-excitation.

    Parameters
    ----------
    width : float
        Multiplies channels, which are then rounded to multiples of 8; CHaNAS has 1.0 to 1.3.
    classes : int
        Outputs of the network.
    skeleton : Skeleton
        What is fixed; see also `small`.

    Raises
    ------
    ValueError
        If the width is not positive.
    """

    def __init__(
        self, width: float = 1.0, classes: int = 1000, *, skeleton: Skeleton = IMAGENET
    ) -> None:
        if not width > 0:
            raise ValueError(f"width is a positive factor, such as 1.0 to 1.3, not {width}")
        self.name = skeleton.name if width == 1 else f"{skeleton.name} x{width:g}"
        self.width, self.classes, self.skeleton = width, classes, skeleton
        self.input_shape = (1, 3, skeleton.sizes[-1], skeleton.sizes[-1])
        block = (len(KERNELS), len(EXPANSIONS), 2)
        self.choices = (len(skeleton.sizes), *(len(skeleton.stages) * (DEPTH, *(DEPTH * block))))

    @classmethod
    def small(cls, classes: int = 10) -> "MBConvSpace":
        """Make the variant for 32×32 pictures, of the same encoding but for one picture size."""
        return cls(1.0, classes, skeleton=SMALL)

    @property
    def catalogue(self) -> tuple[Block, ...]:
        """See `Space.catalogue`."""
        return self._tables.catalogue

    def slots(self, architectures: npt.ArrayLike) -> Places:
        """See `Space.slots`: stem, first block, four of each stage, head."""
        rows = self.validate(architectures)
        size, stages = rows[:, 0], len(self.skeleton.stages)
        slots = np.empty((len(rows), 3 + DEPTH * stages), np.int32)
        slots[:, [0, 1, -1]] = self._tables.ends[:, size].T
        stage, block, genes, depths = self._layout
        kernel, expansion, excite = np.moveaxis(rows[:, genes], 2, 0)
        places = self._tables.stages[
            size[:, None], stage, np.minimum(block, 1), kernel, expansion, excite
        ]
        slots[:, 2:-1] = np.where(block <= rows[:, depths], places, -1)
        return slots

    @cached_property
    def _layout(self) -> tuple[Integers, Integers, Integers, Integers]:
        """Of each searched block: its stage, place in it, positions of its genes and the depth."""
        stage, block = np.indices((len(self.skeleton.stages), DEPTH)).reshape(2, -1)
        positions = np.arange(len(self.choices))
        pairs = list(zip(stage.tolist(), block.tolist(), strict=True))
        genes = np.array([positions[_genes(s, b)] for s, b in pairs])
        return stage, block, genes, np.array([_depth(s) for s, _ in pairs])

    def canonical(self, architectures: npt.ArrayLike) -> Integers:
        """See `Space.canonical`: blocks beyond the depth of their stage have no effect."""
        rows: Integers = self.validate(architectures).copy()
        for stage in range(len(self.skeleton.stages)):
            for block in range(1, DEPTH):
                rows[rows[:, _depth(stage)] < block, _genes(stage, block)] = 0
        return rows

    def format(self, architecture: npt.ArrayLike) -> str:
        """See `Space.format`."""
        row = self.validate(np.asarray(architecture)[None])[0]
        stages = []
        for stage in range(len(self.skeleton.stages)):
            genes = (row[_genes(stage, block)] for block in range(row[_depth(stage)] + 1))
            stages.append("-".join(f"k{KERNELS[k]}e{EXPANSIONS[e]}{'s' * s}" for k, e, s in genes))
        return f"{self.skeleton.sizes[row[0]]}:{'/'.join(stages)}"

    def parse(self, text: str) -> Integers:
        """See `Space.parse`."""
        size, colon, rest = text.partition(":")
        stages, wanted = rest.split("/"), len(self.skeleton.stages)
        if not colon or not size.isdecimal() or len(stages) != wanted:
            raise ValueError(f"{text!r}: write a picture size, a colon and {wanted} stages with /")
        row = np.zeros(len(self.choices), np.int64)
        row[0] = option_of(int(size), self.skeleton.sizes, "picture size")
        for stage, listed in enumerate(stages):
            blocks = listed.split("-")
            if len(blocks) > DEPTH:
                raise ValueError(f"stage {stage}: {len(blocks)} blocks; use 1 to {DEPTH}")
            row[_depth(stage)] = len(blocks) - 1
            for block, written in enumerate(blocks):
                row[_genes(stage, block)] = _parse_block(written, f"stage {stage}, block {block}")
        return row

    @cached_property
    def _tables(self) -> _Tables:
        skeleton, builder = self.skeleton, CatalogueBuilder()
        shape = (len(skeleton.sizes), len(skeleton.stages), 2, len(KERNELS), len(EXPANSIONS), 2)
        ends = np.empty((3, len(skeleton.sizes)), np.int32)
        places = np.empty(shape, np.int32)
        stem, first = self._widened(skeleton.stem[0]), self._widened(skeleton.first)
        for option, pixels in enumerate(skeleton.sizes):
            ends[0, option] = builder.place(stem_block(stem, skeleton.stem[1], pixels))
            size, inputs = strided(pixels, skeleton.stem[1]), first
            block = mbconv_block((stem, first), 3, 1, 1, size, excite=False)
            ends[1, option] = builder.place(block)
            for stage, (channels, stride) in enumerate(skeleton.stages):
                outputs = self._widened(channels)
                places[option, stage, 0] = _place_all(builder, (inputs, outputs), stride, size)
                inputs, size = outputs, strided(size, stride)
                places[option, stage, 1] = _place_all(builder, (outputs, outputs), 1, size)
            # A narrower network keeps the head: it is what classes are told apart by.
            hidden = max(self._widened(skeleton.hidden), skeleton.hidden)
            ends[2, option] = builder.place(head_block(inputs, hidden, self.classes, size))
        return _Tables(builder.blocks, ends, places)

    def _widened(self, channels: int) -> int:
        wanted = channels * self.width
        rounded = max(8, int(wanted + 4) // 8 * 8)
        # MobileNetV2's rule: rounding must not take more than a tenth away.
        return rounded if rounded >= 0.9 * wanted else rounded + 8


def _depth(stage: int) -> int:
    return 1 + _STAGE * stage


def _genes(stage: int, block: int) -> slice:
    start = _depth(stage) + 1 + GENES * block
    return slice(start, start + GENES)


def _place_all(
    builder: CatalogueBuilder, channels: tuple[int, int], stride: int, size: int
) -> list[list[list[int]]]:
    def place(kernel: int, expansion: int, excite: bool) -> int:
        block = mbconv_block(channels, kernel, expansion, stride, size, excite=excite)
        return builder.place(block)

    return [[[place(k, e, s) for s in (False, True)] for e in EXPANSIONS] for k in KERNELS]


def _parse_block(text: str, where: str) -> tuple[int, int, int]:
    match = _BLOCK.fullmatch(text)
    if not match:
        raise ValueError(f"{where}: {text!r} is no block; write one such as k5e6 or k3e3s")
    kernel, expansion, excite = match.groups()
    return (
        option_of(int(kernel), KERNELS, f"{where}: kernel"),
        option_of(int(expansion), EXPANSIONS, f"{where}: expansion"),
        len(excite),
    )
