"""Which convolutions gain by minimal filtering, as the rules expect."""

import functools
import math
from dataclasses import dataclass

from cosearch.schedules.rules.anatomy import Axes
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.rules.register_tile import Product
from cosearch.schedules.rules.tile import Study, rank_tiles
from cosearch.schedules.rules.winograd import Winograd
from cosearch.schedules.winograd.transforms import TAPS

TILES = (4, 2)
"""Rows and columns of results that are computed at once; larger tiles lose too many digits."""
MARGIN = 0.95
"""Share of the cycles of the direct convolution that are worth a rounding error."""


@dataclass(frozen=True)
class Convolution:
    """A 3 × 3 convolution of stride 1.

    Attributes
    ----------
    data : tuple of int
        Batch, height, width and channels of its input.
    outputs : int
        Channels of its result.
    groups : int
        Into which channels are divided.
    padding : tuple of int
        Zeros above, to the left, below and to the right.
    """

    data: tuple[int, int, int, int]
    outputs: int
    groups: int
    padding: tuple[int, int, int, int]

    @property
    def extents(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        _, height, width, _ = self.data
        top, left, bottom, right = self.padding
        return height + top + bottom - TAPS + 1, width + left + right - TAPS + 1

    @property
    def depth(self) -> int:
        """Inputs of an output."""
        return self.data[3] // self.groups

    def direct(self, machine: Machine) -> Product:
        """Return the stage that computes it directly."""
        batch, _, _, inputs = self.data
        rows, columns = self.extents
        return Product(
            Axes((batch, rows, columns, self.outputs), (TAPS, TAPS, self.depth)),
            self.outputs // self.groups,
            4 * math.prod(self.data),
            4 * TAPS**2 * self.depth * self.outputs,
            self.data,
            batch * (rows + TAPS - 1) * (columns + TAPS - 1) * inputs,
            inputs,
            machine,
        )

    def filtered(self, m: int, machine: Machine) -> Winograd:
        """Return the stage that computes m × m results at once."""
        rows, columns = self.extents
        tiles = (self.data[0], -(-rows // m), -(-columns // m))
        return Winograd(m, tiles, self.data[3], self.outputs, self.groups, machine)


@functools.lru_cache(maxsize=4096)
def choose_tile(convolution: Convolution, machine: Machine) -> int | None:
    """Return the rows and columns of results that should be computed at once; None for none.

    The inputs, and the outputs of a group, must fill halves of vectors: the transforms do not pay
    where values are handled one by one.

    Parameters
    ----------
    convolution : Convolution
    machine : Machine
        Only one of its threads counts, so that their number changes no network.
    """
    group = convolution.outputs // convolution.groups
    if any(channels % (machine.lanes // 2) for channels in (convolution.data[3], group)):
        return None
    pairs = convolution.depth * convolution.outputs
    limit = MARGIN * _cycles(convolution.direct(machine), TAPS**2 * pairs, machine)
    cycles = {}
    for m in TILES:
        study = convolution.filtered(m, machine)
        cycles[m] = _cycles(study, study.places * pairs, machine)
    best = min(cycles, key=lambda m: cycles[m])
    return best if cycles[best] < limit else None


def _cycles(study: Study, weights: int, machine: Machine) -> float:
    """Return the cycles of the best tile on one thread.

    Weights that the second cache does not hold are taken to come from memory: the other layers of a
    network push them out of the third.
    """
    size = 4 * weights
    fetched = size / machine.DRAM_BYTES_PER_CYCLE if size > machine.kept_bytes else 0.0
    return rank_tiles(study, machine.alone)[0].cycles + fetched
