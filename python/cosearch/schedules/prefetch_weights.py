"""Fetch weights from memory before a kernel needs them.

At batch 1 each run of a network reads all its weights once, mostly from the last cache or from
memory. A core follows a stream by itself, but begins anew at each page of 4 KiB, and a loop that
multiplies as fast as a core can does not wait for it.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import tvm_ffi
from tvm import tirx
from tvm.ir import IRModule
from tvm.s_tir.stmt import SBlockRealize
from tvm.s_tir.transform import RemoveWeightLayoutRewriteBlock
from tvm.sym import Analyzer
from tvm.tirx import For, ForKind, IntImm, PrimFunc, SeqStmt, Var
from tvm.tirx.analysis import undefined_vars

from cosearch.schedules.rules.anatomy import REDUCTION

LEAST_BYTES = 64 << 10
"""Weights that the caches of a core may hold from one run of a network to the next."""
AHEAD_BYTES = 4096
"""How far ahead of its use a line is fetched."""
MAX_LINES = 32
"""Lines that are fetched in a step of a loop; a kernel that reads more has other troubles."""
_READ, _INTO_ALL_CACHES, _DATA = 0, 3, 1

Replacements = Sequence[tuple[Var, Any]]


def prefetch_weights(mod: IRModule) -> IRModule:
    """Make kernels fetch large weights ahead of the loop that reads them.

    ::

        for c in range(512):                          for c in range(512):
            y[0:16] += x[c] * w[16 * c : 16 * c + 16]     prefetch(&w[16 * c + 1024])
                                                          y[0:16] += x[c] * w[16 * c : 16 * c + 16]

    Weights are known by the way they are read: an argument of which each step of the innermost
    loop of a reduction reads the next vectors, none twice.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A module of scheduled kernels, among other functions; it is left as it was.
    """
    result: IRModule = mod.clone()
    for var, func in mod.functions.items():
        if isinstance(func, PrimFunc):
            found = [stream for nest in _nests(func.body) for stream in _streams(func, nest)]
            if found:
                result.update_func(var, func.with_body(_with_prefetches(func.body, found)))
    return result


def as_in_networks(mod: IRModule) -> IRModule:
    """Return a kernel that stands alone as it is in a network: weights come packed, and early.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A scheduled workload, whose layout rewrites are blocks of it; it is left as it was.
    """
    return prefetch_weights(RemoveWeightLayoutRewriteBlock(skip_tensor_rewrite=True)(mod))


@dataclass(frozen=True)
class _Nest:
    """A block that reduces, and the loops around it, outermost first."""

    realize: SBlockRealize
    loops: tuple[For, ...]


@dataclass(frozen=True)
class _Stream:
    """Lines of weights that a step of a loop reads."""

    loop: For
    weights: Var
    lines: tuple[tuple[Any, ...], ...]
    """Indices of the first value of each."""


def _nests(stmt: Any, loops: tuple[For, ...] = ()) -> Iterator[_Nest]:
    if isinstance(stmt, SeqStmt):
        for part in stmt.seq:
            yield from _nests(part, loops)
    elif isinstance(stmt, For):
        yield from _nests(stmt.body, (*loops, stmt))
    elif isinstance(stmt, SBlockRealize):
        if any(iterator.iter_type == REDUCTION for iterator in stmt.block.iter_vars):
            yield _Nest(stmt, loops)
        yield from _nests(stmt.block.body, loops)


def _streams(func: PrimFunc, nest: _Nest) -> Iterator[_Stream]:
    """Find the weights that a nest reads one vector after another."""
    places = [
        place
        for place, loop in enumerate(nest.loops)
        if loop.kind == ForKind.SERIAL and isinstance(loop.extent, IntImm) and int(loop.extent) > 1
    ]
    if not places:
        return
    loop, inner = nest.loops[places[-1]], nest.loops[places[-1] + 1 :]
    lanes = [int(each.extent) for each in inner if each.kind == ForKind.VECTORIZED]
    block = nest.realize.block
    values = [
        (iterator.var, value)
        for iterator, value in zip(block.iter_vars, nest.realize.iter_values, strict=True)
    ]
    for region in block.reads:
        weights = next((param for param in func.params if param.same_as(region.source)), None)
        if weights is None or not lanes or not _is_large(weights):
            continue
        indices = [_replace(dimension.min, values) for dimension in region.region]
        lines = _lines(indices, inner)
        if lines and _step(weights, lines[0], loop) == len(lines) * lanes[-1]:
            yield _Stream(loop, weights, lines)


def _is_large(weights: Var) -> bool:
    if not all(isinstance(extent, IntImm) for extent in weights.shape):
        return False
    size = math.prod(int(extent) for extent in weights.shape)
    return bool(size * weights.dtype.itemsize >= LEAST_BYTES)


def _lines(indices: Sequence[Any], inner: Sequence[For]) -> tuple[tuple[Any, ...], ...]:
    """Return where each vector begins that unrolled loops read, each once; none where too many."""
    analyzer = Analyzer()
    used = [var for index in indices for var in undefined_vars(index)]
    inner = [loop for loop in inner if any(loop.loop_var.same_as(var) for var in used)]
    unrolled = [int(loop.extent) if loop.kind == ForKind.UNROLLED else 1 for loop in inner]
    if math.prod(unrolled) > MAX_LINES:
        return ()
    found: dict[str, tuple[Any, ...]] = {}
    for steps in itertools.product(*map(range, unrolled)):
        values = [
            (loop.loop_var, IntImm(loop.loop_var.ty.dtype, step))
            for loop, step in zip(inner, steps, strict=True)
        ]
        line = tuple(analyzer.simplify(_replace(index, values)) for index in indices)
        found.setdefault(str(line), line)
    return tuple(found.values())


def _step(weights: Var, line: Sequence[Any], loop: For) -> int | None:
    """Return by how many values the next step of a loop is further on."""
    following = [(loop.loop_var, loop.loop_var + 1)]
    moved = [_replace(index, following) - index for index in line]
    strides = [
        math.prod(int(extent) for extent in weights.shape[place + 1 :])
        for place in range(len(moved))
    ]
    total = sum(difference * stride for difference, stride in zip(moved, strides, strict=True))
    step = Analyzer().simplify(total)
    return int(step) if isinstance(step, IntImm) else None


def _replace(expr: Any, values: Replacements) -> Any:
    def value_of(var: Var) -> Any:
        return next((value for known, value in values if known.same_as(var)), var)

    return tvm_ffi.structural_map(expr, (Var, value_of))


def _with_prefetches(body: Any, streams: Sequence[_Stream]) -> Any:
    def extend(loop: For) -> For:
        added = [
            _prefetch(stream.weights, line)
            for stream in streams
            if stream.loop.loop_var.same_as(loop.loop_var)
            for line in stream.lines
        ]
        if not added:
            return loop
        return For(
            *(loop.loop_var, loop.min, loop.extent, loop.kind, SeqStmt([*added, loop.body])),
            *(loop.thread_binding, loop.annotations, loop.step, loop.span),
        )

    return tvm_ffi.structural_map(body, (For, extend))


def _prefetch(weights: Var, line: Sequence[Any]) -> tirx.Evaluate:
    ahead = AHEAD_BYTES // weights.dtype.itemsize
    address = tirx.address_of(tirx.BufferLoad(weights, [*line[:-1], line[-1] + ahead]))
    return tirx.Evaluate(
        tirx.call_intrin("void", "tirx.prefetch", address, _READ, _INTO_ALL_CACHES, _DATA)
    )
