"""Which workloads are alike: what a donor of schedules is chosen by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tvm_ffi
from tvm.tirx import PrimFunc

COORDINATES = 14
"""Coordinates of a workload."""

_WEIGHTS = np.array(
    # spatial extents, reductions, stride, dilation, intensity, bytes, weight, caches, nests
    [0.3, 0.5, 0.7, 1.0, 0.7, 0.7, 1.0, 2.0, 2.0, 0.5, 0.3, 0.3, 0.5, 0.3],
    dtype="float32",
)
"""How much a factor of two counts in each of them. The last axis decides on the vectors, reductions
on the depth of the inner loop, strides on the way the data is read; rows only make more of the
same. Every other number follows from these for workloads of one kind, and counts less."""


@dataclass(frozen=True)
class WorkloadPoint:
    """Where a workload lies among those of its kind.

    Attributes
    ----------
    kind : str
        Shape-agnostic signature of its main nest, 32 hex digits; empty where there is none.
    coordinates : tuple of float
        See ``describe_workload.h``: logarithms of extents, strides, operations per byte and bytes.
    """

    kind: str = ""
    coordinates: tuple[float, ...] = ()


def describe_workload(func: PrimFunc) -> WorkloadPoint:
    """Describe a workload; one with a symbolic extent, or without blocks, is of no kind."""
    try:
        kind, coordinates = tvm_ffi.get_global_func("cosearch.schedules.DescribeWorkload")(func)
    except ValueError:
        return WorkloadPoint()
    return WorkloadPoint(str(kind), tuple(float(value) for value in coordinates))


@dataclass(frozen=True)
class Neighbour:
    """A workload that is like another one.

    Attributes
    ----------
    row : int
        Its place in the index.
    same_structure : bool
        Whether it differs in extents only, or else has the same kind of main nest.
    distance : float
        How far its extents are away; 1 is about a factor of two in one that matters.
    """

    row: int
    same_structure: bool
    distance: float


class SimilarityIndex:
    """Finds the workloads that are most like a given one, among many, in less than a millisecond.

    Parameters
    ----------
    structures : sequence of str
        Shape-agnostic signature of each workload.
    points : sequence of WorkloadPoint
        Each workload's; one of no kind is never found.
    """

    def __init__(self, structures: Sequence[str], points: Sequence[WorkloadPoint]) -> None:
        table = np.zeros((len(points), COORDINATES), dtype="float32")
        for row, point in zip(table, points, strict=True):
            if point.kind:
                row[:] = point.coordinates
        build = tvm_ffi.get_global_func("cosearch.schedules.SimilarityIndex")
        kinds = [point.kind for point in points]
        self._query: Any = build(list(structures), kinds, _tensor(table * _WEIGHTS))

    def query(self, structure: str, point: WorkloadPoint, k: int) -> list[Neighbour]:
        """Return the `k` nearest workloads: those of equal structure first, then those of its kind.

        Parameters
        ----------
        structure : str
            Shape-agnostic signature of the workload.
        point : WorkloadPoint
            Where it lies.
        k : int
            How many to return at most.
        """
        if not point.kind:
            return []
        coordinates = np.asarray(point.coordinates, dtype="float32") * _WEIGHTS
        found = self._query(structure, point.kind, _tensor(coordinates), k)
        return [Neighbour(int(row), bool(same), float(distance)) for row, same, distance in found]


def refit_split(
    factors: Sequence[int], extent: int, *, max_innermost: int, lanes: int = 1, threads: int = 1
) -> list[int]:
    """Return the factors of an extent that are nearest to those tuned for another one.

    Parameters
    ----------
    factors : sequence of int
        Outermost first.
    extent : int
        What the new ones multiply to.
    max_innermost : int
        Largest innermost factor.
    lanes : int
        Values in a vector: an innermost factor that fills vectors goes on filling them.
    threads : int
        Threads that the outermost factor is spread over.

    Raises
    ------
    ValueError
        When a number is less than 1, or there are no factors.
    """
    refit = tvm_ffi.get_global_func("cosearch.schedules.RefitSplit")
    return [int(f) for f in refit(list(factors), extent, max_innermost, lanes, threads)]


def _tensor(values: npt.NDArray[np.float32]) -> Any:
    return tvm_ffi.from_dlpack(np.ascontiguousarray(values, dtype="float32"))
