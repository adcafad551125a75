"""A space of ResNet-like networks."""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cosearch.spaces.block import Block
from cosearch.spaces.catalogue import CatalogueBuilder
from cosearch.spaces.options import option_of
from cosearch.spaces.resnet_blocks import halved, head_block, residual_block, stem_block
from cosearch.spaces.space import Integers, Places, Space

STEM = 64
WIDTHS = ((32, 48, 64), (64, 96, 128), (128, 192, 256), (256, 384, 512))
"""Channels of each stage: those of ResNet-18 and less, wider from stage to stage, as Radosavovic
et al. find good."""
RATIOS = (1, 2, 4)
"""Channels of a bottleneck's ends for each one inside: those of AnyNetX."""
DEPTH = 4
"""Most blocks of a stage; the fewest are 1."""
GENES = 4
"""Positions of a stage: depth, kind, width, bottleneck ratio."""
_KINDS = (0, *RATIOS)
_STAGE = re.compile(r"(basic|bottleneck)(\d*)-(\d+)x(\d+)")


@dataclass(frozen=True)
class _Tables:
    """The catalogue, and places in it by option."""

    catalogue: tuple[Block, ...]
    stem: int
    first: Places
    """``[stages, widths before, widths, kinds]``: the first block of a stage."""
    others: Places
    """``[stages, widths, kinds]``: its other blocks."""
    heads: Places
    """``[widths]``."""


class ResNetSpace(Space):
    """Four stages of one to four residual blocks.

    Basic and bottleneck blocks are those of He et al. (CVPR 2016), without groups; the choices of
    width and bottleneck ratio a stage are those of Radosavovic et al., "Designing network design
    spaces" (CVPR 2020). The encoding of a stage is its depth less one, the kind of its blocks
    (basic, bottleneck), its width, and the bottleneck ratio (1, 2, 4): 16 positions.

    As text: ``basic-64x2/bottleneck4-128x3/bottleneck1-192x1/basic-512x2``, each stage its kind
    with the bottleneck ratio, width, and depth.

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
        self.name = "resnet"
        self.size, self.classes = size, classes
        self.input_shape = (1, 3, size, size)
        self.choices = (DEPTH, 2, len(WIDTHS[0]), len(RATIOS)) * len(WIDTHS)

    @property
    def catalogue(self) -> tuple[Block, ...]:
        """See `Space.catalogue`."""
        return self._tables.catalogue

    def slots(self, architectures: npt.ArrayLike) -> Places:
        """See `Space.slots`: stem, four of each stage, head."""
        rows, tables = self.validate(architectures), self._tables
        slots = np.empty((len(rows), 2 + DEPTH * len(WIDTHS)), np.int32)
        slots[:, 0] = tables.stem
        before = np.zeros(len(rows), np.int64)
        for stage in range(len(WIDTHS)):
            depth, bottleneck, width, ratio = rows[:, _genes(stage)].T
            kind = bottleneck * (1 + ratio)
            start = 1 + DEPTH * stage
            slots[:, start] = tables.first[stage, before, width, kind]
            other = tables.others[stage, width, kind][:, None]
            used = np.arange(1, DEPTH) <= depth[:, None]
            slots[:, start + 1 : start + DEPTH] = np.where(used, other, -1)
            before = width
        slots[:, -1] = tables.heads[before]
        return slots

    def canonical(self, architectures: npt.ArrayLike) -> Integers:
        """See `Space.canonical`: the bottleneck ratio of basic blocks has no effect."""
        rows: Integers = self.validate(architectures).copy()
        rows[:, 3::GENES] *= rows[:, 1::GENES]
        return rows

    def format(self, architecture: npt.ArrayLike) -> str:
        """See `Space.format`."""
        row = self.validate(np.asarray(architecture)[None])[0]
        stages = []
        for stage, widths in enumerate(WIDTHS):
            depth, bottleneck, width, ratio = row[_genes(stage)].tolist()
            kind = f"bottleneck{RATIOS[ratio]}" if bottleneck else "basic"
            stages.append(f"{kind}-{widths[width]}x{depth + 1}")
        return "/".join(stages)

    def parse(self, text: str) -> Integers:
        """See `Space.parse`."""
        stages = text.split("/")
        if len(stages) != len(WIDTHS):
            raise ValueError(f"{text!r}: {len(stages)} stages; write {len(WIDTHS)}, parted by /")
        return np.array([gene for s, stage in enumerate(stages) for gene in _parse_stage(stage, s)])

    @cached_property
    def _tables(self) -> _Tables:
        builder, size = CatalogueBuilder(), halved(halved(self.size))
        stem = builder.place(stem_block(STEM, self.size))
        widths, kinds = len(WIDTHS[0]), len(_KINDS)
        first = np.empty((len(WIDTHS), widths, widths, kinds), np.int32)
        others = np.empty((len(WIDTHS), widths, kinds), np.int32)
        # The first stage has one width before it, whichever of the three is asked for.
        before = (STEM,) * widths
        for stage, channels in enumerate(WIDTHS):
            stride = 2 if stage else 1
            first[stage] = _place_all(builder, before, channels, stride, size)
            size = halved(size) if stage else size
            for width, outputs in enumerate(channels):
                others[stage, width] = _place_all(builder, (outputs,), (outputs,), 1, size)[0][0]
            before = channels
        heads = [builder.place(head_block(inputs, self.classes, size)) for inputs in before]
        return _Tables(builder.blocks, stem, first, others, np.array(heads, np.int32))


def _genes(stage: int) -> slice:
    return slice(GENES * stage, GENES * (stage + 1))


def _place_all(
    builder: CatalogueBuilder,
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
    stride: int,
    size: int,
) -> list[list[list[int]]]:
    def place(before: int, after: int, ratio: int) -> int:
        return builder.place(residual_block(before, after, stride, ratio, size))

    return [[[place(i, o, ratio) for ratio in _KINDS] for o in outputs] for i in inputs]


def _parse_stage(text: str, stage: int) -> tuple[int, int, int, int]:
    match = _STAGE.fullmatch(text)
    if not match or (match[1] == "basic") == bool(match[2]):
        raise ValueError(
            f"stage {stage}: {text!r} is none; write one such as basic-64x2 or bottleneck4-128x3"
        )
    kind, ratio, width, depth = match.groups()
    return (
        option_of(int(depth), range(1, DEPTH + 1), f"stage {stage}: depth"),
        int(kind == "bottleneck"),
        option_of(int(width), WIDTHS[stage], f"stage {stage}: width"),
        option_of(int(ratio), RATIOS, f"stage {stage}: bottleneck ratio") if ratio else 0,
    )
