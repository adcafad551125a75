"""From a Relax module to a module of blocks whose kernels are unscheduled workloads."""

import functools
import json
from collections.abc import Sequence

import tvm
from tvm import relax
from tvm.ir import IRModule
from tvm.target import Target

from cosearch.blocks import LiftBlocks
from cosearch.frontend import Normalize
from cosearch.schedules.kernel_memo import KernelMemo, Legalizer, legalized_operators
from cosearch.schedules.vector_math import polynomial_legalizers
from cosearch.schedules.winograd.legalize import winograd_legalizers
from cosearch.schedules.winograd.weights import free_weight_layouts


def lower_to_workloads(
    mod: IRModule,
    target: Target,
    patterns: Sequence[str] | None = None,
    *,
    winograd: bool | None = None,
) -> IRModule:
    """Normalise a network, lift its blocks and fuse each block's ops into workloads.

    Every PrimFunc of the result is one workload: what a tuner schedules and a database is asked
    for. Fusion stays inside a block, so that equal blocks of different networks have equal
    workloads.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A Relax module; it is left as it was.
    target : tvm.target.Target
        The target, which the legalisation of some operators asks for.
    patterns : sequence of str, optional
        Patterns of blocks to lift, by default all.
    winograd : bool, optional
        Whether convolutions may be computed by minimal filtering (see `winograd_conv2d`), where it
        is expected to be faster. Its results differ from the direct form's by a few units of the
        sixth digit. By default what the pass context says in `relax.cosearch.winograd`, or else
        true.
    """
    if winograd is None:
        config = tvm.transform.PassContext.current().config
        winograd = bool(config.get("relax.cosearch.winograd", True))
    passes = [
        Normalize(),
        LiftBlocks(patterns),
        relax.transform.LegalizeOps(_legalizers(str(target), winograd)),
        relax.transform.AnnotateTIROpPattern(),
        relax.transform.FuseOps(),
        relax.transform.FuseTIR(),
        relax.transform.RewriteDataflowReshape(),  # a view is no kernel
        relax.transform.CanonicalizeBindings(),
        relax.transform.DeadCodeElimination(),
        relax.transform.AttachAttrLayoutFreeBuffers(),
    ]
    with target:
        lowered = tvm.transform.Sequential(passes, name="cosearch.LowerToWorkloads")(mod)
    return free_weight_layouts(lowered)


@functools.lru_cache(maxsize=8)
def _legalizers(target: str, winograd: bool) -> dict[str, Legalizer]:
    """Return what makes kernels of operators, and remembers them for the target."""
    memo = KernelMemo()
    own = polynomial_legalizers()
    found = {name: memo.legalizer(name, own.get(name)) for name in legalized_operators()}
    return found | (winograd_legalizers(Target(json.loads(target)), memo) if winograd else {})
