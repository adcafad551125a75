"""Normalisation: one canonical form of a network, whichever way it came in."""

from typing import Any

import tvm
from tvm import relax
from tvm.ir import GlobalVar, IRModule

from cosearch.frontend import (
    canonicalize_activations,
    canonicalize_arithmetic,
    canonicalize_nn,
    canonicalize_pools,
    canonicalize_shapes,
    fold_batch_norm,
    layout_rules,
)
from cosearch.frontend.canonicalize import Canonicalizer, is_straight_line
from cosearch.frontend.convert_layout import LayoutConverter
from cosearch.frontend.errors import FrontendError
from cosearch.frontend.graph import Graph

RULES_FROM = (
    canonicalize_arithmetic,
    canonicalize_shapes,
    canonicalize_nn,
    canonicalize_pools,
    fold_batch_norm,
    canonicalize_activations,
    layout_rules,
)
"""The modules that register the rewritings, in the order in which these are tried."""

LAYOUTS = ("NHWC", "NCHW")


def normalize(mod: IRModule, *, layout: str = "NHWC") -> IRModule:
    """Bring a Relax module to the one form that the passes after it expect.

    Every function that is a straight line of pure ops is rewritten, unless it is a lifted block;
    others stay as they are. The input module is left as it was, and a module that has been
    normalised is returned itself::

        lv  = R.nn.conv2d(x, w, data_layout="NCHW")      lv  = R.permute_dims(x, [0, 2, 3, 1])
        lv1 = R.nn.batch_norm(lv, ...)              →    lv1 = R.nn.conv2d(lv, w', "NHWC", "HWIO")
        lv2 = lv1[0]                                     lv2 = R.add(lv1, b')
        lv3 = R.clip(lv2, 0, 6)                          lv3 = R.nn.relu(lv2)
                                                         lv4 = R.minimum(lv3, R.const(6.0))

    Afterwards a function is one dataflow block in A-normal form without dead ops and without equal
    ones; constants are folded and scalars are rank-0 constants; a layer with constant weights is
    followed by the addition of its bias, batch-norm in it; convolutions and pools are in the
    layout, with no transposes between them.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        The module; weights may be constants or parameters. Functions with the attribute
        `cosearch.mark` are inlined where they are called, the mark in their variables' names.
    layout : str
        ``"NHWC"`` or ``"NCHW"``.

    Returns
    -------
    tvm.ir.IRModule
        The module, with the attributes `cosearch.normalized`, the layout, and `cosearch.model`,
        the network's name, empty where it is not known.

    Raises
    ------
    FrontendError
        For another layout.
    """
    if layout not in LAYOUTS:
        raise FrontendError(f"layout={layout!r}: normalize knows the layouts {LAYOUTS}")
    attrs = dict(mod.attrs.items()) if mod.attrs is not None else {}
    if attrs.get("cosearch.normalized") == layout:
        return mod
    mod = relax.transform.Normalize()(mod)
    functions = dict(mod.functions.items())
    made = {var: _normalized(func, functions, layout) for var, func in functions.items()}
    attrs["cosearch.normalized"] = layout
    attrs.setdefault("cosearch.model", "")
    result = IRModule(made, attrs=attrs)
    return relax.transform.DeadCodeElimination()(result)


def named(mod: IRModule, name: str) -> IRModule:
    """Give the module the name of its network."""
    return mod.with_attr("cosearch.model", name)


def _normalized(func: Any, functions: dict[GlobalVar, Any], layout: str) -> Any:
    if not isinstance(func, relax.Function) or not is_straight_line(func):
        return func
    if func.attrs is not None and "cosearch.block" in func.attrs:
        return func
    graph = Graph()
    canonicalizer = Canonicalizer(graph, functions)
    result = canonicalizer.run(func)
    result = LayoutConverter(canonicalizer, layout).run(result)
    return graph.build(list(func.params), result, func)


def Normalize(layout: str = "NHWC") -> tvm.transform.Pass:
    """Make a pass of `normalize`.

    Parameters
    ----------
    layout : str
        The layout of convolutions and pools, ``"NHWC"`` or ``"NCHW"``.
    """

    def run(mod: IRModule, _: tvm.transform.PassContext) -> IRModule:
        return normalize(mod, layout=layout)

    return tvm.transform.module_pass(run, opt_level=0, name="cosearch.frontend.Normalize")
