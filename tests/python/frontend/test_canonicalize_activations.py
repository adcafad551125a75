"""canonicalize_activations: every spelling is recognised, and what only looks like one is not."""

import math

import numpy as np
import pytest
from tvm import relax

from cosearch.frontend import normalize

OP = relax.op
SHAPE = (2, 5)


def const(value):
    return relax.const(value, "float32")


class Writer:
    """Emits ops; numbers become constants."""

    def __init__(self, builder):
        self.builder = builder

    def __getattr__(self, name):
        function = getattr(OP, name, None) or getattr(OP.nn, name)

        def emit(*args, **options):
            args = [const(arg) if isinstance(arg, float) else arg for arg in args]
            return self.builder.emit(function(*args, **options))

        return emit

    def relu6(self, x):
        return self.minimum(self.relu(x), 6.0)


def network(body):
    builder = relax.BlockBuilder()
    x, y = (relax.Var(name, relax.TensorType(SHAPE, "float32")) for name in "xy")
    with builder.function("main", [x, y]):
        with builder.dataflow():
            output = builder.emit_output(body(Writer(builder), x, y))
        builder.emit_func_output(output)
    return builder.finalize()


def tanh_gate(w, x, cube, scale=math.sqrt(2 / math.pi), curve=0.044715):
    inner = w.multiply(w.add(x, w.multiply(cube, curve)), scale)
    return w.add(w.tanh(inner), 1.0)


HARD = ["add", "nn.relu", "minimum", "multiply"]
SPELLINGS = {
    "silu": (lambda w, x, y: w.multiply(w.sigmoid(x), x), ["nn.silu"]),
    "relu": (lambda w, x, y: w.maximum(0.0, x), ["nn.relu"]),
    "relu of clip": (lambda w, x, y: OP.clip(x, 0, math.inf), ["nn.relu"]),
    "clip": (lambda w, x, y: OP.clip(x, -1, 2), ["maximum", "minimum"]),
    "hard sigmoid": (lambda w, x, y: w.divide(w.relu6(w.add(x, 3.0)), 6.0), HARD),
    "hard sigmoid, scaled": (
        lambda w, x, y: w.minimum(w.relu(w.add(w.multiply(x, 1 / 6), 0.5)), 1.0),
        HARD,
    ),
    "hard swish": (
        lambda w, x, y: w.divide(w.multiply(x, w.relu6(w.add(x, 3.0))), 6.0),
        [*HARD, "multiply"],
    ),
    "gelu": (
        lambda w, x, y: w.multiply(
            w.multiply(x, w.add(w.erf(w.divide(x, math.sqrt(2))), 1.0)), 0.5
        ),
        ["nn.gelu"],
    ),
    "gelu, half first": (
        lambda w, x, y: w.multiply(
            w.multiply(x, 0.5), w.add(1.0, w.erf(w.multiply(x, math.sqrt(0.5))))
        ),
        ["nn.gelu"],
    ),
    "gelu by tanh": (
        lambda w, x, y: w.multiply(w.multiply(x, 0.5), tanh_gate(w, x, w.power(x, 3.0))),
        ["nn.gelu_tanh"],
    ),
    "gelu by tanh, cube by hand": (
        lambda w, x, y: w.multiply(
            tanh_gate(w, x, w.multiply(w.multiply(x, x), x)), w.multiply(x, 0.5)
        ),
        ["nn.gelu_tanh"],
    ),
    "softplus": (lambda w, x, y: w.log(w.add(w.exp(x), 1.0)), ["nn.softplus"]),
    "softplus, linear above": (
        lambda w, x, y: w.where(w.greater(x, 20.0), x, w.log(w.add(1.0, w.exp(x)))),
        ["nn.softplus"],
    ),
    "softplus, stable": (
        lambda w, x, y: w.add(w.log(w.add(w.exp(w.negative(w.abs(x))), 1.0)), w.relu(x)),
        ["nn.softplus"],
    ),
    "root of squares": (
        lambda w, x, y: w.power(w.power(w.abs(x), 2.0), 0.5),
        ["multiply", "sqrt"],
    ),
}

LOOK_ALIKES = {
    "another tensor's sigmoid": lambda w, x, y: w.multiply(w.sigmoid(y), x),
    "silu, scaled": lambda w, x, y: w.multiply(w.multiply(w.sigmoid(x), x), 2.0),
    "hard sigmoid of 0.2": lambda w, x, y: w.minimum(w.relu(w.add(w.multiply(x, 0.2), 0.5)), 1.0),
    "hard swish by 5": lambda w, x, y: w.divide(w.multiply(x, w.relu6(w.add(x, 3.0))), 5.0),
    "hard swish of 2": lambda w, x, y: w.divide(w.multiply(x, w.relu6(w.add(x, 2.0))), 6.0),
    "hard swish of another": lambda w, x, y: w.divide(w.multiply(y, w.relu6(w.add(x, 3.0))), 6.0),
    "gelu by 0.4": lambda w, x, y: w.multiply(
        w.multiply(x, w.add(w.erf(w.divide(x, math.sqrt(2))), 1.0)), 0.4
    ),
    "gelu of 0.6": lambda w, x, y: w.multiply(
        w.multiply(x, w.add(w.erf(w.multiply(x, 0.6)), 1.0)), 0.5
    ),
    "gelu of another": lambda w, x, y: w.multiply(
        w.multiply(x, w.add(w.erf(w.multiply(y, math.sqrt(0.5))), 1.0)), 0.5
    ),
    "tanh of another curve": lambda w, x, y: w.multiply(
        w.multiply(x, 0.5), tanh_gate(w, x, w.power(x, 3.0), curve=0.05)
    ),
    "tanh of a square": lambda w, x, y: w.multiply(
        w.multiply(x, 0.5), tanh_gate(w, x, w.power(x, 2.0))
    ),
    "softplus plus 2": lambda w, x, y: w.log(w.add(w.exp(x), 2.0)),
    "softplus cut at 1": lambda w, x, y: w.where(w.greater(x, 1.0), x, w.log(w.add(w.exp(x), 1.0))),
    "cube": lambda w, x, y: w.power(x, 3.0),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings(name, ops):
    body, wanted = SPELLINGS[name]
    assert ops(normalize(network(body))) == wanted


def test_numbers_stay(run):
    """Recognised or not, each computes what it did."""
    bodies = [*(body for body, _ in SPELLINGS.values()), *LOOK_ALIKES.values()]
    names = [*SPELLINGS, *LOOK_ALIKES]
    mod = network(lambda w, x, y: relax.Tuple([w.builder.emit(body(w, x, y)) for body in bodies]))
    rng = np.random.default_rng(0)
    inputs = [rng.normal(scale=3, size=SHAPE).astype("float32") for _ in range(2)]
    for name, got, wanted in zip(
        names, run(normalize(mod), *inputs), run(mod, *inputs), strict=True
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5, err_msg=name)
