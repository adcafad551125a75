"""Cells of NAS-Bench-101 as text."""

import re

import numpy as np

from cosearch.spaces.nasbench101_cells import EDGES, INNER, OPERATIONS, VERTICES
from cosearch.spaces.space import Integers

_VERTEX = re.compile(r"(\w+)~(\d+(?:,\d+)*)")
_OUTPUT = "output"


def format_cell(row: Integers) -> str:
    """Write a cell, int64 ``[26]``, whose used vertices stand in front, as in canonical cells."""
    sources = cell_sources(row)
    used = next(v for v in range(1, VERTICES) if not sources[v] or v == VERTICES - 1)
    names = [OPERATIONS[operation] for operation in row[len(EDGES) :][: used - 1]]
    vertices = zip([*names, _OUTPUT], [*sources[1:used], sources[-1]], strict=True)
    return "/".join(f"{name}~{','.join(map(str, entering))}" for name, entering in vertices)


def cell_sources(row: Integers) -> list[tuple[int, ...]]:
    """List the vertices that have an edge to each vertex of a cell, int64 ``[26]``."""
    ends = [edge for edge, present in zip(EDGES, row.tolist(), strict=False) if present]
    return [tuple(s for s, target in ends if target == v) for v in range(VERTICES)]


def parse_cell(text: str) -> Integers:
    """Read a cell, int64 ``[26]``, of up to five inner vertices.

    Raises
    ------
    ValueError
        Naming the vertex that is wrong.
    """
    *inner, output = text.strip().split("/")
    if len(inner) > INNER:
        raise ValueError(
            f"{text!r}: {len(inner)} vertices before the output; write at most {INNER}"
        )
    row = np.zeros(len(EDGES) + INNER, np.int64)
    for vertex, written in enumerate(inner, 1):
        name, sources = _parse_vertex(written, vertex)
        if name not in OPERATIONS:
            raise ValueError(
                f"vertex {vertex}: unknown operation {name!r}; use {', '.join(OPERATIONS)}"
            )
        row[len(EDGES) + vertex - 1] = OPERATIONS.index(name)
        row[[EDGES.index((source, vertex)) for source in sources]] = 1
    name, sources = _parse_vertex(output, len(inner) + 1)
    if name != _OUTPUT:
        raise ValueError(f"the last vertex is {name!r}; end with one such as {_OUTPUT}~1,2")
    row[[EDGES.index((source, VERTICES - 1)) for source in sources]] = 1
    return row


def _parse_vertex(text: str, vertex: int) -> tuple[str, list[int]]:
    match = _VERTEX.fullmatch(text)
    if not match:
        raise ValueError(
            f"vertex {vertex}: {text!r} is none; write one such as conv3x3~0,1, "
            "with the vertices that lead to it"
        )
    sources = [int(source) for source in match[2].split(",")]
    if max(sources) >= vertex:
        raise ValueError(f"vertex {vertex}: {max(sources)} leads to it, but is not before it")
    return match[1], sources
