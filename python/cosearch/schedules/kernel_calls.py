"""The kernel calls of a function, in order."""

from collections.abc import Iterator

from tvm import relax
from tvm.ir import Op


def kernel_calls(func: relax.Function) -> Iterator[relax.VarBinding]:
    """Yield the bindings of a function whose values are calls of kernels (``call_tir``)."""
    call_tir = Op.get("relax.call_tir")
    for block in func.body.blocks:
        for binding in block.bindings:
            value = getattr(binding, "value", None)
            if isinstance(value, relax.Call) and value.op == call_tir:
                yield binding
