"""Run kernels that only move elements by numpy; to compile one takes longer than to run it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from tvm import tirx
from tvm.ir import TensorLoad
from tvm.s_tir.stmt import SBlockRealize
from tvm.tirx import For, IntImm, PrimFunc, Var

from cosearch.schedules.element_copies import Copy, copy_elements

_Values = dict[Var, np.ndarray]

_OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    tirx.Add: np.add,
    tirx.Sub: np.subtract,
    tirx.Mul: np.multiply,
    tirx.FloorDiv: np.floor_divide,
    tirx.FloorMod: np.mod,
}


class _NotACopy(Exception):
    """A kernel does something else than moving elements, or not in a way that is known here."""


@dataclass(frozen=True)
class CopyPlan:
    """The copies that a kernel consists of.

    Attributes
    ----------
    outputs : tuple of (tuple of int, numpy.dtype)
        Shape and type of each result.
    copies : tuple of callable
        Each moves elements among the kernel's arguments, flat and inputs first.
    """

    outputs: tuple[tuple[tuple[int, ...], np.dtype[Any]], ...]
    copies: tuple[Copy, ...]

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the kernel's results; what it does not write is zero.

        Parameters
        ----------
        inputs : sequence of numpy.ndarray
            Contiguous arrays of the shapes and types that the kernel declares.
        """
        results = [np.zeros(shape, dtype) for shape, dtype in self.outputs]
        arrays = [array.reshape(-1) for array in (*inputs, *results)]
        for copy in self.copies:
            copy(arrays)
        return results


def plan_copies(func: PrimFunc, num_outputs: int) -> CopyPlan | None:
    """Read a kernel that only moves elements, such as one that packs weights.

    ::

        for i, j in T.grid(4, 32):
            with T.sblock("packed"):
                vi, vj = T.axis.remap("SS", [i, j])
                packed[vj // 16, vi, vj % 16] = w[vi, vj]

    is ``packed = w.reshape(4, 2, 16).transpose(1, 0, 2)``. The indices are evaluated over the range
    of each iterator, not matched, so that any way to write them is understood.

    Parameters
    ----------
    func : tvm.tirx.PrimFunc
        A kernel of block nests.
    num_outputs : int
        How many of its parameters, the last ones, are results.

    Returns
    -------
    CopyPlan or None
        None for a kernel that does anything else.
    """
    try:
        arguments = [_argument(param) for param in func.params]
        first_output = len(arguments) - num_outputs
        reader = _Reader(list(func.params), first_output)
        reader.read(func.body, _Nest())
    except _NotACopy:
        return None
    return CopyPlan(tuple(arguments[first_output:]), tuple(reader.copies))


def _argument(param: Var) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if not isinstance(param.ty, tirx.BufferType) or param.strides or param.layout is not None:
        raise _NotACopy
    if not _is_int(param.elem_offset, 0) or not all(isinstance(e, IntImm) for e in param.shape):
        raise _NotACopy
    try:
        dtype = np.dtype(str(param.dtype))
    except TypeError as error:  # such as bfloat16
        raise _NotACopy from error
    if dtype.isbuiltin != 1:  # elements of a registered type may be packed
        raise _NotACopy
    return tuple(int(extent) for extent in param.shape), dtype


def _is_int(value: Any, expected: int) -> bool:
    return isinstance(value, IntImm) and int(value) == expected


@dataclass(frozen=True)
class _Nest:
    """The loops around a statement, and the iterators of the blocks around it."""

    loops: tuple[For, ...] = ()
    iterators: tuple[tuple[Var, Any], ...] = ()

    def values(self) -> tuple[tuple[int, ...], _Values]:
        """Return the extents of the nest, and each variable over it, of extent 1 where constant."""
        # The first axis is there for constants alone, in a nest of any depth.
        extents = (1, *(int(loop.extent) for loop in self.loops))
        values: _Values = {}
        for axis, loop in enumerate(self.loops, start=1):
            shape = [1] * len(extents)
            shape[axis] = -1
            values[loop.loop_var] = (int(loop.min) + np.arange(extents[axis])).reshape(shape)
        for var, value in self.iterators:
            values[var] = _evaluate(value, values)
        return extents, values


class _Reader:
    """Walks over a kernel and collects its copies."""

    def __init__(self, params: list[Var], first_output: int) -> None:
        self.params = {param: position for position, param in enumerate(params)}
        self.first_output = first_output
        self.copies: list[Copy] = []

    def read(self, stmt: Any, nest: _Nest) -> None:
        """Collect the copies of a statement, which run in the order of the kernel's text."""
        if isinstance(stmt, tirx.SeqStmt):
            for part in stmt.seq:
                self.read(part, nest)
        elif isinstance(stmt, For):
            if stmt.thread_binding is not None or not (stmt.step is None or _is_int(stmt.step, 1)):
                raise _NotACopy
            if not isinstance(stmt.min, IntImm) or not isinstance(stmt.extent, IntImm):
                raise _NotACopy
            self.read(stmt.body, replace(nest, loops=(*nest.loops, stmt)))
        elif isinstance(stmt, SBlockRealize):
            block = stmt.block
            if not _is_int(stmt.predicate, 1) or block.init is not None or block.match_buffers:
                raise _NotACopy
            bound = zip((i.var for i in block.iter_vars), stmt.iter_values, strict=True)
            self.read(block.body, replace(nest, iterators=(*nest.iterators, *bound)))
        elif isinstance(stmt, tirx.BufferStore) and isinstance(stmt.value, TensorLoad):
            self._read_store(stmt, nest)
        else:
            raise _NotACopy

    def _read_store(self, store: tirx.BufferStore, nest: _Nest) -> None:
        load = store.value
        source, target = self.params.get(load.source), self.params.get(store.buffer)
        if source is None or target is None or source == target or target < self.first_output:
            raise _NotACopy
        extents, values = nest.values()
        if prod(extents) == 0:
            return
        places = [
            _address(load.source, load.indices, values),
            _address(store.buffer, store.indices, values),
        ]
        copy = copy_elements(source, target, extents, places)
        if copy is None:
            raise _NotACopy
        self.copies.append(copy)


def _evaluate(expr: Any, values: _Values) -> np.ndarray:
    if isinstance(expr, IntImm):
        return np.asarray(int(expr))
    if isinstance(expr, tirx.Cast) and str(expr.ty.dtype) in ("int32", "int64"):
        return _evaluate(expr.value, values)
    if isinstance(expr, Var) and expr in values:
        return values[expr]
    if type(expr) not in _OPERATIONS:
        raise _NotACopy
    a, b = _evaluate(expr.a, values), _evaluate(expr.b, values)
    if type(expr) in (tirx.FloorDiv, tirx.FloorMod) and not b.all():
        raise _NotACopy
    return np.asarray(_OPERATIONS[type(expr)](a, b))


def _address(buffer: Var, indices: Sequence[Any], values: _Values) -> list[np.ndarray]:
    """Return summands of the position in a flat buffer, one for each of its dimensions."""
    terms, stride = [], 1
    for index, size in reversed(list(zip(indices, buffer.shape, strict=True))):
        places = _evaluate(index, values)
        if places.min() < 0 or places.max() >= int(size):
            raise _NotACopy
        terms.append(places * stride)
        stride *= int(size)
    return terms
