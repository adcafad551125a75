"""The space of NAS-Bench-201 (Dong and Yang, ICLR 2020)."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cosearch.spaces.block import Block
from cosearch.spaces.catalogue import CellCatalogue
from cosearch.spaces.nasbench201_blocks import (
    STAGES,
    cell_block,
    fixed_blocks,
    operation_counts,
)
from cosearch.spaces.nasbench201_cells import (
    EDGES,
    OPERATIONS,
    format_cell,
    parse_cell,
    without_dead_edges,
)
from cosearch.spaces.space import Integers, Places, Space

CELLS = 5
"""Of each stage."""


class NASBench201Space(Space):
    """Cells of 6 edges and 5 operations, 15,625 in all, for 32×32 pictures.

    The encoding is the operation of each edge, in the order of the benchmark's strings, which are
    the text: ``|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|``. The
    network is the benchmark's: a stem of 16 channels, three stages of five equal cells with 16, 32
    and 64 channels, a residual block of stride 2 between them, and a linear classifier.

    A cell without its dead edges (see `canonical`) is one block: a compiler drops them. The
    benchmark runs and counts them, so that its own counts are higher for architectures with some.

    Parameters
    ----------
    classes : int
        Outputs of the network.
    """

    name = "nasbench201"
    input_shape = (1, 3, 32, 32)
    choices = (len(OPERATIONS),) * len(EDGES)

    def __init__(self, classes: int = 10) -> None:
        self.classes = classes

    @cached_property
    def catalogue(self) -> Sequence[Block]:
        """See `Space.catalogue`; each block is made when it is asked for, as there are many."""
        cells = self._cells[0]
        return CellCatalogue(
            self._fixed, len(cells), len(STAGES), lambda stage, cell: cell_block(cells[cell], stage)
        )

    @cached_property
    def counts(self) -> Integers:
        """See `Space.counts`."""
        fixed = np.array([(b.multiply_adds, b.parameters) for b in self._fixed], np.int64)
        cells = [operation_counts(stage)[self._cells[0]].sum(1) for stage in range(len(STAGES))]
        counts: Integers = np.concatenate([fixed, *cells]).T
        return counts

    def slots(self, architectures: npt.ArrayLike) -> Places:
        """See `Space.slots`: stem, five cells a stage with reductions between, head."""
        rows = self.validate(architectures)
        cells, numbers = self._cells
        cell = numbers[_number(rows)]
        # Stem, reductions and head stand in the catalogue in this order, before the cells.
        slots = np.empty((len(rows), len(STAGES), CELLS + 1), np.int32)
        slots[:, :, 0] = range(len(STAGES))
        slots[:, :, 1:] = len(self._fixed) + cell[:, None, None]
        slots[:, :, 1:] += len(cells) * np.arange(len(STAGES), dtype=np.int32)[:, None]
        head = np.full((len(rows), 1), len(self._fixed) - 1, np.int32)
        return np.concatenate([slots.reshape(len(rows), len(STAGES) * (CELLS + 1)), head], 1)

    def canonical(self, architectures: npt.ArrayLike) -> Integers:
        """See `Space.canonical`: dead edges become ``none``.

        Dead are a skip or a pooling of a node that nothing enters, and all that enters a node
        which leads to the output by no edge. A convolution of a node that nothing enters stays,
        as its batch-norm gives a constant. Cells that are equal only when nodes are swapped stay
        different, as their weights are in different places.
        """
        return without_dead_edges(self.validate(architectures))

    def format(self, architecture: npt.ArrayLike) -> str:
        """See `Space.format`; dead edges are written as they are."""
        return format_cell(self.validate(np.asarray(architecture)[None])[0])

    def parse(self, text: str) -> Integers:
        """See `Space.parse`; dead edges are dropped."""
        cell: Integers = without_dead_edges(parse_cell(text)[None])[0]
        return cell

    @cached_property
    def _fixed(self) -> tuple[Block, ...]:
        return fixed_blocks(self.classes)

    @cached_property
    def _cells(self) -> tuple[Integers, Places]:
        """Canonical cells ``[n, 6]``, and by `_number` of any cell the one that it comes to."""
        grid = np.indices(self.choices).reshape(len(EDGES), -1).T.astype(np.int64)
        kept, numbers = np.unique(_number(without_dead_edges(grid)), return_inverse=True)
        return grid[kept], numbers.astype(np.int32)


def _number(cells: Integers) -> Integers:
    """Give cells numbers from 0 to 15,624, in the order of `numpy.indices`."""
    powers = len(OPERATIONS) ** np.arange(len(EDGES))[::-1]
    number: Integers = cells @ powers
    return number
