"""``cosearch.relay.install``: let a script find this package as ``tvm.relay``."""

import sys
import types

import tvm

RELAX_WAYS = {
    "Function": "tvm.relax.Function",
    "TensorType": "tvm.relax.TensorType",
    "analysis": "tvm.relax.analysis",
    "annotation": "tvm.relax.op",
    "backend": "tvm.relax.backend",
    "build_config": "tvm.transform.PassContext",
    "create_executor": "tvm.relax.VirtualMachine(tvm.compile(mod, target), device)",
    "dataflow_pattern": "tvm.relax.dpl",
    "expr": "tvm.relax.expr",
    "expr_functor": "tvm.relax.expr_functor",
    "image": "tvm.relax.op.image",
    "nn": "tvm.relax.op.nn",
    "op": "tvm.relax.op",
    "optimize": "tvm.relax.get_pipeline",
    "quantize": "tvm.relax.op.quantize",
    "testing": "tvm.relax.testing",
    "transform": "tvm.relax.transform",
    "ty": "tvm.relax.ty",
    "var": "tvm.relax.Var",
    "vm": "tvm.relax.VirtualMachine",
}
"""Names that Relay had, and where Relax has the like."""


def explain_missing(name: str) -> str:
    """Return the text of the error for a name of Relay's that cosearch does not keep."""
    kept = "build, frontend.from_onnx, frontend.from_pytorch, GraphModule, load_library"
    way = RELAX_WAYS.get(name)
    hint = f"use {way} instead" if way else "see tvm.relax for what replaced it"
    return f"cosearch.relay has no {name!r}: Relay left TVM in 0.20, so {hint} (kept here: {kept})."


def install() -> None:
    """Make ``from tvm import relay`` and ``tvm.contrib.graph_executor`` mean this package.

    Only a call does this: nothing is installed by importing cosearch. Calls it again at no cost.

    Raises
    ------
    RuntimeError
        When TVM has a Relay of its own.
    """
    from cosearch import relay
    from cosearch.relay.graph_module import GraphModule

    present = sys.modules.get("tvm.relay", getattr(tvm, "relay", None))
    if present is relay:
        return
    if present is not None:
        raise RuntimeError(
            "this TVM has a relay of its own: use it, or call cosearch.relay's by name"
        )
    executor = types.ModuleType("tvm.contrib.graph_executor", "Relay's graph executor, over Relax.")
    executor.GraphModule = GraphModule  # type: ignore[attr-defined]
    sys.modules["tvm.relay"] = relay
    sys.modules["tvm.relay.frontend"] = relay.frontend
    sys.modules["tvm.contrib.graph_executor"] = executor
    tvm.relay = relay
    tvm.contrib.graph_executor = executor
