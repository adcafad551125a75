"""Cells of NAS-Bench-101: which encodings are one cell, and a number for each of the 423,624.

Ying et al. (ICML 2019, section 2.1) drop vertices that lie on no path from input to output, and
call two cells equal if an iterated hash of their graphs is; they checked that only isomorphic
cells have equal hashes. Here isomorphism itself decides, and of equal cells the benchmark's own
representative is kept. It matters which: where channels do not divide evenly, isomorphic cells
differ in the vertex that has one more.
"""

from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
import numpy.typing as npt

from cosearch.spaces.space import Integers, Places

VERTICES = 7
"""The first is the input and the last the output of a cell."""
MAX_EDGES = 9
EDGES = tuple((source, target) for target in range(VERTICES) for source in range(target))
"""Source and target vertex of each edge, in the order of the bits of the benchmark's own code."""
OPERATIONS = ("conv3x3", "conv1x1", "maxpool3x3")
"""Of the inner vertices, in the benchmark's order; convolutions have batch-norm and ReLU."""
INNER = VERTICES - 2

_BITS = 1 << np.arange(len(EDGES), dtype=np.int32)
_POWERS = len(OPERATIONS) ** np.arange(INNER)[::-1]
_LABELS = len(OPERATIONS) ** INNER
_DIGITS = np.indices((len(OPERATIONS),) * INNER).reshape(INNER, -1).T
"""Operation of each inner vertex by the number of a labelling, ``[243, 5]``."""
_ORDERS = [(0, *inner, VERTICES - 1) for inner in permutations(range(1, VERTICES - 1))]
"""New number of each vertex, in every order of the inner ones."""

Codes = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.int16]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cells:
    """Every cell once, ordered by its edges and then by its operations.

    Attributes
    ----------
    wirings : numpy.ndarray
        int32 ``[wirings]``: the edges of cells as bits, each set of edges once.
    wiring : numpy.ndarray
        int16 ``[cells]``: place in `wirings` of each cell.
    labels : numpy.ndarray
        int16 ``[cells]``: its operations as the digits of a number.
    graph_of : numpy.ndarray
        int16 ``[2 ** 21]``: by the edges of an encoding, its graph without what is extraneous; -1
        if the edges make no cell.
    cell_of : numpy.ndarray
        int32 ``[graphs, 243]``: by graph and operations, the cell.
    """

    wirings: Codes
    wiring: Numbers
    labels: Numbers
    graph_of: Numbers
    cell_of: Places

    def __len__(self) -> int:
        """Count cells."""
        return len(self.wiring)

    def find(self, rows: Integers) -> Places:
        """Find the cell of each encoding, int64 ``[count, 26]``; -1 where the edges make none."""
        graphs = self.graph_of[rows[:, : len(EDGES)] @ _BITS]
        cells = self.cell_of[graphs, rows[:, len(EDGES) :] @ _POWERS]
        found: Places = np.where(graphs < 0, np.int32(-1), cells)
        return found

    def rows(self, cells: npt.NDArray[np.integer]) -> Integers:
        """Give the encodings of cells by number, int64 ``[count, 26]``."""
        edges = edge_bits(self.wirings[self.wiring[cells]])
        return np.concatenate([edges, self.operations(cells)], 1).astype(np.int64)

    def operations(self, cells: npt.NDArray[np.integer]) -> Integers:
        """Give the operations of the inner vertices of cells by number, int64 ``[count, 5]``."""
        operations: Integers = _DIGITS[self.labels[cells]]
        return operations


def edge_bits(codes: npt.NDArray[np.integer]) -> Truths:
    """Say which edges are in sets of edges, bool ``[count, 21]``."""
    present: Truths = (codes[:, None] & _BITS) != 0
    return present


@cache
def all_cells() -> Cells:
    """Enumerate the cells, once a process; takes about a third of a second.

    Returns
    -------
    Cells
        Its arrays are read-only, as all spaces share them.
    """
    codes = np.arange(1 << len(EDGES), dtype=np.int32)
    codes = codes[np.bitwise_count(codes) <= MAX_EDGES]
    pruned = _without_extraneous(codes)
    graphs, numbers = np.unique(pruned[pruned > 0], return_inverse=True)
    graph_of = np.full(1 << len(EDGES), -1, np.int16)
    graph_of[codes[pruned > 0]] = numbers
    # The benchmark lists graphs by their code, and of isomorphic ones keeps the first: the
    # smallest. Edges into the output are the last bits, so that a graph of fewer vertices has them
    # in front, as there.
    orders = _renumbered(graphs)
    wirings, wiring_of = np.unique(orders.min(1), return_inverse=True)
    kept = _smallest_labels(wirings)
    own = kept == np.arange(_LABELS)
    number = np.cumsum(own.ravel(), dtype=np.int32).reshape(own.shape) - 1
    cell_of_wiring = number[np.arange(len(wirings))[:, None], kept]
    cell_of = cell_of_wiring[wiring_of[:, None], _renumbered_labels()[orders.argmin(1)]]
    wiring, labels = (found.astype(np.int16) for found in np.nonzero(own))
    cells = Cells(wirings, wiring, labels, graph_of, cell_of)
    for array in vars(cells).values():
        array.flags.writeable = False
    return cells


def _without_extraneous(codes: Codes) -> Codes:
    """Drop edges of vertices that are on no path; no edge is left where there is no path at all."""
    present = [(codes & bit) != 0 for bit in _BITS]
    reached = np.zeros((VERTICES, len(codes)), np.bool_)
    reached[0] = True
    for edge, (source, target) in enumerate(EDGES):  # a source is complete before it is read
        reached[target] |= reached[source] & present[edge]
    used = np.zeros_like(reached)
    used[-1] = True
    for edge, (source, target) in reversed(list(enumerate(EDGES))):
        used[source] |= used[target] & present[edge]
    alive = reached & used
    kept: Codes = np.zeros_like(codes)
    for edge, (source, target) in enumerate(EDGES):
        kept |= np.where(present[edge] & alive[source] & alive[target], _BITS[edge], 0)
    return kept


def _renumbered(graphs: Codes) -> Codes:
    """Give the codes of graphs with their vertices in each order, int32 ``[graphs, 120]``.

    Orders in which an edge would lead backwards have larger codes than all others.
    """
    weights = np.full((len(_ORDERS), len(EDGES)), 1 << len(EDGES))
    for row, order in zip(weights, _ORDERS, strict=True):
        for edge, (source, target) in enumerate(EDGES):
            if order[source] < order[target]:
                row[edge] = 1 << EDGES.index((order[source], order[target]))
    # Exact: no sum reaches 2 ** 53.
    sums = edge_bits(graphs).astype(np.float64) @ weights.T.astype(np.float64)
    codes: Codes = sums.astype(np.int32)
    return codes


def _renumbered_labels() -> Integers:
    """Say what each labelling becomes in each order of the vertices, int64 ``[120, 243]``."""
    digits = np.empty((len(_ORDERS), *_DIGITS.shape), np.int64)
    for row, order in zip(digits, _ORDERS, strict=True):
        row[:, np.array(order[1:-1]) - 1] = _DIGITS
    numbers: Integers = digits @ _POWERS
    return numbers


def _smallest_labels(wirings: Codes) -> Integers:
    """Give the smallest of the equal labellings of graphs, int64 ``[wirings, 243]``.

    Labellings are equal if they differ on unused vertices only, or a symmetry of the graph leads
    from one to the other.
    """
    present = edge_bits(wirings)
    sources = np.array([source for source, _ in EDGES])
    used = np.stack([present[:, sources == v].any(1) for v in range(1, VERTICES - 1)], 1)
    labels: Integers = (used * _POWERS) @ _DIGITS.T
    smallest: Integers = labels.copy()
    symmetries = _renumbered(wirings) == wirings[:, None]
    for symmetric, renumbered in zip(symmetries.T, _renumbered_labels(), strict=True):
        equal = renumbered[labels[symmetric]]
        smallest[symmetric] = np.minimum(smallest[symmetric], equal)
    return smallest
