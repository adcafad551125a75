"""Polynomial forms agree with the C library, and only where they apply."""

import math

import numpy as np
import pytest
import tvm
from scipy.special import erf
from tvm import relax

from cosearch.schedules import lower_to_workloads, resolve_target
from cosearch.schedules.vector_math import polynomial_legalizers

OPS = relax.op
X = np.concatenate([np.linspace(-90, 90, 20001), np.linspace(-3, 3, 20001)]).astype("float32")
X64 = X.astype("float64")


def evaluate(build, x):
    """Run an operator as lowered with the polynomial forms."""
    builder = relax.BlockBuilder()
    var = relax.Var("x", relax.TensorType(x.shape, str(x.dtype)))
    with builder.function("main", [var]):
        with builder.dataflow():
            out = builder.emit_output(builder.emit(build(var)))
        builder.emit_func_output(out)
    target = resolve_target("llvm -mcpu=native")
    mod = lower_to_workloads(builder.get(), target)
    machine = relax.VirtualMachine(tvm.compile(mod, target), tvm.cpu())
    return machine["main"](tvm.runtime.tensor(x)).numpy(), mod


@pytest.mark.parametrize(
    ("build", "expected", "intrinsic"),
    [
        (OPS.tanh, np.tanh, "T.tanh"),
        (OPS.erf, erf, "T.erf"),
        (OPS.sigmoid, lambda x: 1 / (1 + np.exp(-x)), "T.sigmoid"),
        (OPS.nn.silu, lambda x: x / (1 + np.exp(-x)), "T.exp"),
        (OPS.nn.gelu, lambda x: x * (0.5 + 0.5 * erf(x / math.sqrt(2))), "T.erf"),
    ],
)
def test_activations_are_accurate(build, expected, intrinsic):
    found, mod = evaluate(build, X)
    np.testing.assert_allclose(found, expected(X64), rtol=2e-6, atol=2e-6)
    assert intrinsic not in str(mod)


def test_exponential_is_accurate_relative_to_its_value():
    x = np.linspace(-80, 80, 40001).astype("float32")
    found, mod = evaluate(OPS.exp, x)
    np.testing.assert_allclose(found, np.exp(x.astype("float64")), rtol=1e-6)
    assert "T.exp(" not in str(mod)


@pytest.mark.parametrize("exponent", [0.25, 0.5, 0.75, 1.5, 2.0, 3.75])
def test_quarter_powers_are_square_roots(exponent):
    x = np.linspace(0, 50, 5001).astype("float32")
    found, mod = evaluate(lambda v: OPS.power(v, relax.const(exponent, "float32")), x)
    np.testing.assert_allclose(found, x.astype("float64") ** exponent, rtol=1e-6)
    assert "T.pow" not in str(mod)


@pytest.mark.parametrize("exponent", [0.3, -1.0, 5.0])
def test_other_powers_stay_as_they_are(exponent):
    x = np.linspace(0.5, 5, 101).astype("float32")
    found, _ = evaluate(lambda v: OPS.power(v, relax.const(exponent, "float32")), x)
    np.testing.assert_allclose(found, x.astype("float64") ** exponent, rtol=1e-5)


def test_double_precision_is_left_to_the_library():
    x = np.linspace(-30, 30, 1001)
    found, _ = evaluate(OPS.exp, x)
    np.testing.assert_allclose(found, np.exp(x), rtol=1e-14)


def test_every_form_names_an_operator_of_relax():
    for name in polynomial_legalizers():
        assert tvm.ir.Op.get(name) is not None
