"""Cells of NAS-Bench-201: edges, operations, text, and which edges are dead."""

import re

import numpy as np

from cosearch.spaces.space import Integers

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""In the order of the benchmark's own code."""
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""Source and target node of each edge, in the order of the benchmark's strings."""
NONE, CONVOLUTIONS = 0, (2, 3)
_EDGE = re.compile(r"(\w+)~(\d+)")


def without_dead_edges(cells: Integers) -> Integers:
    """Set edges that cannot influence the output to ``none``.

    Two kinds are dead, because of a ``none`` elsewhere:

    - a skip or a pooling of a node that is zero, since nothing enters it. A convolution of such a
      node stays: its batch-norm makes a constant of zero, which a trained network uses;
    - whatever enters a node that leads to the output by no edge.

    Parameters
    ----------
    cells : numpy.ndarray
        int64 ``[count, 6]``, operations by edge; left as it is.

    Returns
    -------
    numpy.ndarray
        int64 ``[count, 6]``.
    """
    live = cells != NONE
    makes_constant = np.isin(cells, CONVOLUTIONS)
    nonzero = np.zeros((4, len(cells)), np.bool_)
    nonzero[0] = True
    # Edges are ordered by target: a source is complete before it is read.
    for edge, (source, target) in enumerate(EDGES):
        live[:, edge] &= nonzero[source] | makes_constant[:, edge]
        nonzero[target] |= live[:, edge]
    used = np.zeros((4, len(cells)), np.bool_)
    used[3] = True
    for edge, (source, target) in reversed(list(enumerate(EDGES))):
        live[:, edge] &= used[target]
        used[source] |= live[:, edge]
    kept: Integers = np.where(live, cells, NONE)
    return kept


def format_cell(cell: Integers) -> str:
    """Write a cell, int64 ``[6]``, as the benchmark does."""
    nodes: dict[int, str] = {}
    for (source, target), operation in zip(EDGES, cell.tolist(), strict=True):
        nodes[target] = f"{nodes.get(target, '|')}{OPERATIONS[operation]}~{source}|"
    return "+".join(nodes.values())


def parse_cell(text: str) -> Integers:
    """Read a cell, int64 ``[6]``, as it is written.

    Raises
    ------
    ValueError
        Naming the node or the edge that is wrong.
    """
    nodes = text.strip().split("+")
    if len(nodes) != 3:
        raise ValueError(f"{text!r}: {len(nodes)} nodes; write three, joined by +")
    cell = []
    for target, node in enumerate(nodes, 1):
        edges = node[1:-1].split("|")
        if node[:1] != "|" or node[-1:] != "|" or len(edges) != target:
            raise ValueError(f"node {target}: {node!r} needs {target} edges between bars |")
        cell += [_parse_edge(edge, source, target) for source, edge in enumerate(edges)]
    return np.array(cell, np.int64)


def _parse_edge(text: str, source: int, target: int) -> int:
    match = _EDGE.fullmatch(text)
    if not match or match[2] != str(source):
        raise ValueError(f"node {target}: {text!r} is not an operation and ~{source}")
    if match[1] not in OPERATIONS:
        raise ValueError(
            f"node {target}: unknown operation {match[1]!r}; use {', '.join(OPERATIONS)}"
        )
    return OPERATIONS.index(match[1])
