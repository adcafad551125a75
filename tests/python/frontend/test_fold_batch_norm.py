"""fold_batch_norm: scales and shifts go into the layer before, where there is one."""

import numpy as np
import pytest
from tvm import relax

from cosearch.frontend import normalize

OP = relax.op
RNG = np.random.default_rng(0)


def array(*shape):
    return RNG.normal(size=shape).astype("float32")


def batch_norm(emit, x, channels, axis=1):
    stats = [array(channels), array(channels), array(channels), np.abs(array(channels)) + 0.1]
    constants = [relax.const(value) for value in stats]
    norm = emit(OP.nn.batch_norm(x, *constants, axis=axis, epsilon=1e-3, training=False))
    return emit(relax.TupleGetItem(norm, 0))


def network(body, shape):
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType(shape, "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            output = builder.emit_output(body(builder.emit, x))
        builder.emit_func_output(output)
    return builder.finalize()


def conv(emit, x, groups=1, bias=False):
    y = emit(OP.nn.conv2d(x, relax.const(array(8, 4 // groups, 3, 3)), groups=groups))
    return emit(OP.add(y, relax.const(array(1, 8, 1, 1)))) if bias else y


def plain(emit, x):
    return batch_norm(emit, conv(emit, x), 8)


def with_bias(emit, x):
    return batch_norm(emit, conv(emit, x, bias=True), 8)


def depthwise(emit, x):
    return batch_norm(emit, conv(emit, x, groups=4), 8)


def grouped(emit, x):
    return batch_norm(emit, conv(emit, x, groups=2), 8)


def twice(emit, x):
    return batch_norm(emit, batch_norm(emit, conv(emit, x), 8), 8)


def nhwc(emit, x):
    y = emit(OP.permute_dims(x, [0, 2, 3, 1]))
    weight = relax.const(array(3, 3, 4, 8))
    y = emit(OP.nn.conv2d(y, weight, data_layout="NHWC", kernel_layout="HWIO"))
    return batch_norm(emit, y, 8, axis=3)


FOLDED = ["permute_dims", "nn.conv2d", "add"]


@pytest.mark.parametrize("body", [plain, with_bias, depthwise, grouped, twice, nhwc])
def test_folded(body, ops, run_both):
    mod = network(body, (1, 4, 5, 5))
    result = normalize(mod)
    assert [name for name in ops(result) if name != "permute_dims"] == FOLDED[1:]
    x = array(1, 4, 5, 5)
    np.testing.assert_allclose(*run_both(mod, result, x), rtol=1e-4, atol=1e-4)


def test_linear(ops, run_both):
    def body(emit, x):
        y = emit(OP.matmul(x, relax.const(array(4, 8))))
        return batch_norm(emit, emit(OP.add(y, relax.const(array(8)))), 8)

    mod = network(body, (3, 4))
    result = normalize(mod)
    assert ops(result) == ["matmul", "add"]
    x = array(3, 4)
    np.testing.assert_allclose(*run_both(mod, result, x), rtol=1e-4, atol=1e-4)


def test_tokens(ops, run_both):
    def body(emit, x):
        y = emit(OP.matmul(x, relax.const(array(4, 8))))
        y = emit(OP.reshape(emit(OP.add(y, relax.const(array(8)))), (6, 8)))
        return emit(OP.reshape(batch_norm(emit, y, 8), (2, 3, 2, 4)))

    mod = network(body, (2, 3, 4))
    result = normalize(mod)
    assert ops(result) == ["matmul", "add", "reshape"]
    x = array(2, 3, 4)
    np.testing.assert_allclose(*run_both(mod, result, x), rtol=1e-4, atol=1e-4)


def before_the_layer(emit, x):
    return conv(emit, emit(OP.nn.relu(batch_norm(emit, x, 4))))


def layer_read_elsewhere(emit, x):
    y = conv(emit, x)
    return emit(OP.add(batch_norm(emit, y, 8), emit(OP.exp(y))))


@pytest.mark.parametrize("body", [before_the_layer, layer_read_elsewhere])
def test_not_folded(body, ops, run_both):
    mod = network(body, (1, 4, 5, 5))
    result = normalize(mod)
    found = ops(result)
    assert found.count("nn.conv2d") == 1
    assert found.count("multiply") == 1
    x = array(1, 4, 5, 5)
    np.testing.assert_allclose(*run_both(mod, result, x), rtol=1e-4, atol=1e-4)


def test_a_scale_per_pixel_is_no_batch_norm(ops):
    def body(emit, x):
        return emit(OP.multiply(conv(emit, x), relax.const(array(1, 8, 3, 3))))

    assert "multiply" in ops(normalize(network(body, (1, 4, 5, 5))))


def test_a_layer_without_bias_gets_a_zero_one(ops):
    """A bias that is zero before training is left out by torch's exporters: one signature."""
    mod = normalize(network(conv, (1, 4, 5, 5)))
    assert ops(mod)[:3] == FOLDED
    bias = mod["main"].body.blocks[0].bindings[2].value.args[1].value.numpy()
    np.testing.assert_array_equal(bias, np.zeros((1, 1, 1, 8), "float32"))
