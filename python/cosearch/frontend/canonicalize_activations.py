"""One form of each activation, whichever chain of ops an exporter wrote it as."""

import math

from tvm import relax
from tvm.ir import Call
from tvm.relax import Expr

from cosearch.frontend.canonicalize import Canonicalizer, rule

_GELU_CUBE = 0.044715
_GELU_SCALE = math.sqrt(2 / math.pi)


def _near(value: float | None, wanted: float) -> bool:
    return value is not None and math.isclose(value, wanted, rel_tol=1e-4)


def _with_scalar(cz: Canonicalizer, value: Expr, name: str) -> tuple[Expr, float] | None:
    """Split ``name(operand, scalar)`` into the operand and the scalar."""
    call = cz.graph.call(value, name)
    scalar = cz.graph.scalar(call.args[1]) if call is not None else None
    return None if call is None or scalar is None else (call.args[0], scalar)


def _factors(cz: Canonicalizer, value: Expr, depth: int = 3) -> tuple[list[Expr], float]:
    """List the tensors and multiply the scalars that a value is the product of."""
    scalar = cz.graph.scalar(value)
    if scalar is not None:
        return [], scalar
    call = cz.graph.call(value, "multiply") if depth else None
    if call is None:
        return [value], 1.0
    left, right = (_factors(cz, arg, depth - 1) for arg in call.args)
    return left[0] + right[0], left[1] * right[1]


@rule("minimum")
def _hard_sigmoid(cz: Canonicalizer, call: Call) -> Expr | None:
    """``min(relu(x / 6 + 1 / 2), 1)`` is ``min(relu(x + 3), 6) / 6``, torch's form."""
    relu = cz.graph.call(call.args[0], "nn.relu")
    if relu is None or not _near(cz.graph.scalar(call.args[1]), 1):
        return None
    shifted = _with_scalar(cz, relu.args[0], "add")
    scaled = _with_scalar(cz, shifted[0], "multiply") if shifted else None
    if shifted is None or scaled is None:
        return None
    if not (_near(scaled[1], 1 / 6) and _near(shifted[1], 1 / 2)):
        return None
    x = scaled[0]
    moved = cz.apply(relax.op.add(x, cz.graph.number(3, x)))
    clipped = relax.op.minimum(cz.apply(relax.op.nn.relu(moved)), cz.graph.number(6, x))
    return cz.apply(relax.op.multiply(cz.apply(clipped), cz.graph.number(1 / 6, x)))


@rule("multiply")
def _product(cz: Canonicalizer, call: Call) -> Expr | None:
    """Hard-swish, SiLU and both forms of GELU are products of ``x`` and a gate of ``x``."""
    left, right = (_factors(cz, arg) for arg in call.args)
    tensors, scale = left[0] + right[0], left[1] * right[1]
    if len(tensors) != 2:
        return None
    for x, gate in (tensors, tensors[::-1]):
        sigmoid = cz.graph.call(gate, "sigmoid")
        if sigmoid is not None and sigmoid.args[0] == x and scale == 1:
            return cz.apply(relax.op.nn.silu(x))
        if _near(scale, 1 / 6) and _is_relu6_of(cz, gate, x):
            gated = cz.graph.emit(relax.op.multiply(gate, cz.graph.number(1 / 6, x)))
            return cz.graph.emit(relax.op.multiply(gated, x))
        one_more = _with_scalar(cz, gate, "add")
        if _near(scale, 0.5) and one_more and _near(one_more[1], 1):
            gelu = _gelu(cz, one_more[0], x)
            if gelu is not None:
                return gelu
    return None


def _is_relu6_of(cz: Canonicalizer, gate: Expr, x: Expr) -> bool:
    """Whether a gate is ``min(relu(x + 3), 6)``."""
    clipped = _with_scalar(cz, gate, "minimum")
    relu = cz.graph.call(clipped[0], "nn.relu") if clipped and _near(clipped[1], 6) else None
    moved = _with_scalar(cz, relu.args[0], "add") if relu is not None else None
    return moved is not None and moved[0] == x and _near(moved[1], 3)


def _gelu(cz: Canonicalizer, gate: Expr, x: Expr) -> Expr | None:
    erf = cz.graph.call(gate, "erf")
    if erf is not None:
        tensors, scale = _factors(cz, erf.args[0])
        exact = tensors == [x] and _near(scale, math.sqrt(0.5))
        return cz.apply(relax.op.nn.gelu(x)) if exact else None
    tanh = cz.graph.call(gate, "tanh")
    if tanh is None:
        return None
    tensors, scale = _factors(cz, tanh.args[0])
    total = cz.graph.call(tensors[0], "add") if len(tensors) == 1 else None
    if total is None:
        return None
    for linear, cube in (total.args, list(total.args)[::-1]):
        slope, curve = _factors(cz, linear), _factors(cz, cube)
        if slope[0] != [x] or not _near(slope[1] * scale, _GELU_SCALE):
            continue
        if _is_cube(cz, curve[0], x) and _near(curve[1] * scale, _GELU_SCALE * _GELU_CUBE):
            return cz.apply(relax.op.nn.gelu_tanh(x))
    return None


def _is_cube(cz: Canonicalizer, tensors: list[Expr], x: Expr) -> bool:
    power = _with_scalar(cz, tensors[0], "power") if len(tensors) == 1 else None
    return tensors == [x, x, x] or (power is not None and power[0] == x and power[1] == 3)


@rule("log")
def _softplus(cz: Canonicalizer, call: Call) -> Expr | None:
    """``log(exp(x) + 1)``, which overflows, is the ``softplus`` that does not."""
    one_more = _with_scalar(cz, call.args[0], "add")
    exp = cz.graph.call(one_more[0], "exp") if one_more and one_more[1] == 1 else None
    return cz.apply(relax.op.nn.softplus(exp.args[0])) if exp is not None else None


@rule("where")
def _linear_softplus(cz: Canonicalizer, call: Call) -> Expr | None:
    """``where(x > 20, x, softplus(x))`` is ``softplus(x)``."""
    condition, x, otherwise = call.args
    linear, softplus = cz.graph.call(condition, "greater"), cz.graph.call(otherwise, "nn.softplus")
    if linear is None or softplus is None or linear.args[0] != x or softplus.args[0] != x:
        return None
    return otherwise if _near(cz.graph.scalar(linear.args[1]), 20) else None


@rule("add")
def _stable_softplus(cz: Canonicalizer, call: Call) -> Expr | None:
    """``relu(x) + softplus(-abs(x))`` is ``softplus(x)``."""
    for left, right in (call.args, list(call.args)[::-1]):
        relu, softplus = cz.graph.call(left, "nn.relu"), cz.graph.call(right, "nn.softplus")
        if relu is None or softplus is None:
            continue
        negative = cz.graph.call(softplus.args[0], "negative")
        size = cz.graph.call(negative.args[0], "abs") if negative is not None else None
        if size is not None and size.args[0] == relu.args[0]:
            return cz.apply(relax.op.nn.softplus(relu.args[0]))
    return None


@rule("nn.prelu")
def _prelu(cz: Canonicalizer, call: Call) -> Expr | None:
    """PReLU as torch's exporter writes it: ``where(x > 0, x, x * slope)``."""
    x, slope = call.args
    array, rank = cz.graph.array(slope), len(x.ty.shape)
    if array is None:
        return None
    shape = [1] * rank
    shape[int(call.attrs.axis) % rank] = -1
    shaped = cz.graph.constant(array.reshape(() if array.size == 1 else shape))
    positive = cz.apply(relax.op.greater(x, cz.graph.number(0, x)))
    scaled = cz.apply(relax.op.multiply(x, shaped))
    return cz.apply(relax.op.where(positive, x, scaled))
