"""The space of NAS-Bench-101 (Ying et al., ICML 2019)."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cosearch.spaces.block import Block
from cosearch.spaces.catalogue import CellCatalogue
from cosearch.spaces.counts import Counts
from cosearch.spaces.nasbench101_blocks import (
    KINDS,
    STACKS,
    cell_block,
    cell_counts,
    fixed_blocks,
)
from cosearch.spaces.nasbench101_cells import (
    EDGES,
    INNER,
    MAX_EDGES,
    OPERATIONS,
    VERTICES,
    all_cells,
)
from cosearch.spaces.nasbench101_text import format_cell, parse_cell
from cosearch.spaces.space import Integers, Places, Space

ATTEMPTS = 20
"""How often a change that makes no cell is drawn anew, before the edges are left as they were."""


class NASBench101Space(Space):
    """Cells of at most seven vertices and nine edges, 423,624 in all, for 32×32 pictures.

    The encoding is, for each pair of vertices, whether there is an edge (``0->1``, ``0->2``,
    ``1->2``, ``0->3`` ...; vertex 0 is the input and vertex 6 the output), and then the operation
    of each of the five inner vertices: 3×3 convolution, 1×1 convolution, 3×3 max-pooling; 26
    positions. Not all encodings are cells: there are at most nine edges, and a path leads from the
    input to the output. What `sample`, `mutate` and `crossover` make is always a cell; `validate`
    refuses what is none.

    As text: ``conv3x3~0/conv1x1~0,1/maxpool3x3~2/output~1,3``, each vertex with those that lead to
    it.

    The network is the benchmark's: a stem of 128 channels, three stacks of three equal cells,
    with a pooling that halves the picture and twice the channels from stack to stack, and a linear
    classifier. A cell is one block.

    Parameters
    ----------
    classes : int
        Outputs of the network.
    """

    name = "nasbench101"
    input_shape = (1, 3, 32, 32)
    choices = (2,) * len(EDGES) + (len(OPERATIONS),) * INNER

    def __init__(self, classes: int = 10) -> None:
        self.classes = classes

    @cached_property
    def catalogue(self) -> Sequence[Block]:
        """See `Space.catalogue`; each block is made when it is asked for, as there are many."""
        cells, counts, before = all_cells(), self.counts, len(self._fixed)

        def make(kind: int, cell: int) -> Block:
            (row,) = cells.rows(np.array([cell]))
            place = before + kind * len(cells) + cell
            return cell_block(row, kind, Counts(*counts[:, place].tolist()))

        return CellCatalogue(self._fixed, len(cells), len(KINDS), make)

    @cached_property
    def counts(self) -> Integers:
        """See `Space.counts`."""
        fixed = np.array([(b.multiply_adds, b.parameters) for b in self._fixed], np.int64)
        cells = [cell_counts(all_cells(), kind) for kind in range(len(KINDS))]
        counts: Integers = np.concatenate([fixed, *cells]).T
        return counts

    def slots(self, architectures: npt.ArrayLike) -> Places:
        """See `Space.slots`: stem, three cells a stack with poolings between, head."""
        _, cells = self._found(architectures)
        length = len(STACKS[0]) + 1
        slots = np.empty((len(cells), len(STACKS), length), np.int32)
        # Stem, poolings and head stand in the catalogue in this order, before the cells.
        slots[:, :, 0] = range(len(STACKS))
        kinds = np.array(STACKS, np.int32)
        slots[:, :, 1:] = cells[:, None, None] + (len(self._fixed) + len(all_cells()) * kinds)
        head = np.full((len(cells), 1), len(self._fixed) - 1, np.int32)
        return np.concatenate([slots.reshape(len(cells), len(STACKS) * length), head], 1)

    def canonical(self, architectures: npt.ArrayLike) -> Integers:
        """See `Space.canonical`: of isomorphic cells the one that the benchmark holds.

        Vertices on no path from input to output are dropped, those left are put in front, and of
        all their orders the one with the smallest code is taken.
        """
        _, cells = self._found(architectures)
        return all_cells().rows(cells)

    def format(self, architecture: npt.ArrayLike) -> str:
        """See `Space.format`; isomorphic cells have one text."""
        return format_cell(self.canonical(np.asarray(architecture)[None])[0])

    def parse(self, text: str) -> Integers:
        """See `Space.parse`."""
        row: Integers = self.canonical(parse_cell(text)[None])[0]
        return row

    def sample(self, count: int, rng: np.random.Generator) -> Integers:
        """Draw canonical cells, each as likely as another; int64.

        Encodings drawn at random, as in the benchmark's own random search, would mostly be small
        cells: one in a hundred has all seven vertices on a path, but 85 of a hundred cells do.
        """
        cells = all_cells()
        return cells.rows(rng.integers(0, len(cells), count))

    def mutate(
        self, architectures: npt.ArrayLike, rng: np.random.Generator, rate: float
    ) -> Integers:
        """See `Space.mutate`; changes are drawn again until they make a cell.

        After `ATTEMPTS` in vain, as at a rate that would turn almost every edge around, only
        operations change.
        """
        old = self.validate(architectures)
        mutate = super().mutate
        new = mutate(old, rng, rate)
        return _until_cells(new, lambda rows: mutate(old[rows], rng, rate), old)

    def crossover(
        self, one: npt.ArrayLike, other: npt.ArrayLike, rng: np.random.Generator
    ) -> Integers:
        """See `Space.crossover`; children are drawn again until they are cells.

        After `ATTEMPTS` in vain a child has the edges of `one`.
        """
        first, second = self.validate(one), self.validate(other)
        cross = super().crossover
        new = cross(first, second, rng)
        return _until_cells(new, lambda rows: cross(first[rows], second[rows], rng), first)

    def validate(self, architectures: npt.ArrayLike) -> Integers:
        """See `Space.validate`; also refused are too many edges, and no path to the output."""
        return self._found(architectures)[0]

    def _found(self, architectures: npt.ArrayLike) -> tuple[Integers, Places]:
        """Check encodings; give them, and the cell of each."""
        rows = super().validate(architectures)
        cells = all_cells().find(rows)
        if (cells < 0).any():
            row = int(np.argmax(cells < 0))
            edges = int(rows[row, : len(EDGES)].sum())
            wrong = (
                f"it has {edges} edges; use at most {MAX_EDGES}"
                if edges > MAX_EDGES
                else f"no edges lead from vertex 0 to vertex {VERTICES - 1}; add some that do"
            )
            raise ValueError(f"row {row} is no cell of {self.name}: {wrong}")
        return rows, cells

    @cached_property
    def _fixed(self) -> tuple[Block, ...]:
        return fixed_blocks(self.classes)


def _until_cells(
    new: Integers, draw: Callable[[npt.NDArray[np.intp]], Integers], old: Integers
) -> Integers:
    """Draw rows that are no cells again; at last they have the edges of the old ones."""
    cells = all_cells()
    for _ in range(ATTEMPTS):
        wrong = np.flatnonzero(cells.find(new) < 0)
        if not len(wrong):
            return new
        new[wrong] = draw(wrong)
    wrong = np.flatnonzero(cells.find(new) < 0)
    new[wrong, : len(EDGES)] = old[wrong, : len(EDGES)]
    return new
