"""Exponentials and their kin as polynomials, which a kernel evaluates in vectors.

TVM lowers ``exp`` to a call of the C library for each value: in an EfficientNet these calls take
longer than all multiply-adds together. TOPI's ``fast_`` forms (Cephes' and Eigen's polynomials) are
accurate to a few units of the seventh digit in float32.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

from tvm import relax, te, tirx, topi
from tvm.ir import GenericConst, Op

from cosearch.schedules.kernel_memo import Legalizer

MAX_QUARTERS = 16
"""Quarters in an exponent that is taken by multiplications and square roots."""


def polynomial_legalizers() -> dict[str, Legalizer]:
    """Return functions for `relax.transform.LegalizeOps`, by name of the operator.

    Operators on other types than float32 are legalised as TVM does.
    """
    forms: dict[str, tuple[str, Callable[..., te.Tensor]]] = {
        "relax.exp": ("exp", topi.fast_exp),
        "relax.tanh": ("tanh", topi.fast_tanh),
        "relax.erf": ("erf", topi.fast_erf),
        "relax.sigmoid": ("sigmoid", _sigmoid),
        "relax.nn.silu": ("silu", _silu),
        "relax.nn.gelu": ("gelu", _gelu),
        "relax.nn.gelu_tanh": ("gelu_tanh", _gelu_tanh),
    }
    legalizers = {name: _legalizer(name, *form) for name, form in forms.items()}
    return {**legalizers, "relax.power": _legalize_power}


def _legalizer(name: str, hint: str, function: Callable[..., te.Tensor]) -> Legalizer:
    otherwise = Op.get(name).get_attr("FLegalize")

    def legalize(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
        if str(call.args[0].ty.dtype) != "float32":
            return otherwise(builder, call)
        return builder.call_te(function, call.args[0], primfunc_name_hint=hint)

    return legalize


def _legalize_power(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
    """Take constant powers by square roots where they are quarters, as in response norms."""
    base, exponent = call.args
    quarters = _quarters(exponent)
    if quarters is None or str(base.ty.dtype) != "float32":
        return Op.get("relax.power").get_attr("FLegalize")(builder, call)
    return builder.call_te(lambda x: _power(x, quarters), base, primfunc_name_hint="power")


def _quarters(exponent: relax.Expr) -> int | None:
    """Return four times a constant scalar, where that is a whole number from 1 to 16."""
    if not isinstance(exponent, GenericConst) or exponent.value.numpy().size != 1:
        return None
    quarters = 4 * float(exponent.value.numpy().reshape(()))
    return int(quarters) if quarters.is_integer() and 1 <= quarters <= MAX_QUARTERS else None


def _power(x: te.Tensor, quarters: int) -> te.Tensor:
    root = topi.sqrt(x) if quarters % 4 else None
    factors = [x] * (quarters // 4)
    if quarters % 4 >= 2:
        factors.append(root)
    if quarters % 2:
        factors.append(topi.sqrt(root))
    return functools.reduce(topi.multiply, factors)


def _sigmoid(x: te.Tensor) -> te.Tensor:
    one = _constant(1.0)
    return topi.divide(one, topi.add(one, topi.fast_exp(topi.negative(x))))


def _silu(x: te.Tensor) -> te.Tensor:
    return topi.divide(x, topi.add(_constant(1.0), topi.fast_exp(topi.negative(x))))


def _gelu(x: te.Tensor) -> te.Tensor:
    half = _constant(0.5)
    return topi.multiply(
        x, topi.add(half, topi.multiply(half, topi.fast_erf(topi.multiply(x, _constant(0.5**0.5)))))
    )


def _gelu_tanh(x: te.Tensor) -> te.Tensor:
    half, cubic = _constant(0.5), _constant(0.044715)
    inner = topi.add(x, topi.multiply(cubic, topi.multiply(x, topi.multiply(x, x))))
    scaled = topi.multiply(_constant(math.sqrt(2.0 / math.pi)), inner)
    return topi.multiply(x, topi.add(half, topi.multiply(half, topi.fast_tanh(scaled))))


def _constant(value: float) -> Any:
    return tirx.const(value, "float32")
