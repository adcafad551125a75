"""Signatures: what makes two blocks, or two workloads, the same to a schedule."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tvm_ffi
from tvm import relax, tirx
from tvm.ir import IRModule


@dataclass(frozen=True)
class Signature:
    """Two 128-bit hashes of one block or workload, each as 32 lower-case hex digits.

    Both are stable across processes, machines and import paths, and blind to names and to the order
    of independent operations and of parameters. They are hashes: tell collisions apart by
    structural equality.

    Attributes
    ----------
    shape_aware : str
        Equal for computations that are the same, shapes included.
    shape_agnostic : str
        Equal for computations that differ in extents only, so that a schedule of one can be
        refitted to the other.
    """

    shape_aware: str
    shape_agnostic: str


def block_signature(func: relax.Function, mod: IRModule | None = None) -> Signature:
    """Signature of a block: a Relax function.

    Sensitive to operators, their attributes, dtypes, layouts and to how values are shared;
    shape-agnostic, extents are dropped, while strides, dilations, none / grouped / depthwise and
    unit against non-unit kernels stay.

    Parameters
    ----------
    func : tvm.relax.Function
        The block. Of its attributes only ``num_input`` counts: parameters beyond it are weights.
    mod : tvm.ir.IRModule, optional
        The module it lives in. Functions that it calls by name then count by what they compute,
        else by their names.

    Returns
    -------
    Signature
        The pair of hashes.
    """
    return Signature(*_ffi("cosearch.blocks.BlockSignature")(func, mod))


def workload_signature(func: tirx.PrimFunc) -> Signature:
    """Signature of a workload: one PrimFunc that no schedule has touched yet.

    Shape-agnostic, extents, paddings and bounds are dropped, while dtypes, ranks, iteration types,
    unit extents of reductions, operators, constants of the computation, strides and dilations stay.

    Parameters
    ----------
    func : tvm.tirx.PrimFunc
        The workload, as TE or FuseTIR makes it; of its attributes only ``layout_free_buffers``
        counts, since a schedule may rewrite those buffers.

    Returns
    -------
    Signature
        The pair of hashes.
    """
    return Signature(*_ffi("cosearch.blocks.WorkloadSignature")(func))


@functools.cache
def _ffi(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = tvm_ffi.get_global_func(name)
    return function
