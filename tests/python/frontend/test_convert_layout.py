"""convert_layout: permutations that move along, and where a transpose has to stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tvm import relax
from tvm import tirx as T

from cosearch.frontend import normalize
from cosearch.frontend.layout_reshape import regroup

RNG = np.random.default_rng(0)


def array(*shape):
    return RNG.normal(size=shape).astype("float32")


def network(body, *shapes):
    builder = relax.BlockBuilder()
    params = [
        relax.Var(f"x{i}", relax.TensorType(shape, "float32")) for i, shape in enumerate(shapes)
    ]
    with builder.function("main", params):
        with builder.dataflow():
            output = builder.emit_output(body(builder.emit, *params))
        builder.emit_func_output(output)
    return builder.finalize()


def conv(emit, x, channels=8):
    weight = relax.const(array(channels, int(x.ty.shape[1]), 1, 1))
    return emit(relax.op.nn.conv2d(x, weight))


OP = relax.op


def channel_softmax(emit, y):
    return emit(OP.nn.softmax(y, axis=1))


def reversed_operands(emit, y):
    return emit(OP.subtract(relax.const(array(8, 1, 1)), y))


def where_with_constant(emit, y):
    mask = relax.const(array(1, 8, 1, 6) > 0)
    return emit(OP.where(mask, y, relax.const(array(8, 4, 6))))


def padded_and_pooled(emit, y):
    y = emit(OP.nn.pad(y, [0, 0, 1, 2, 0, 1, 2, 0], "constant", 1.5))
    y = emit(OP.nn.max_pool2d(y, (2, 3), padding=(1, 0, 0, 1)))
    return emit(OP.nn.avg_pool2d(y, (2, 2), (1, 2), count_include_pad=True, padding=1))


def sliced(emit, y):
    y = emit(OP.strided_slice(y, [1, 3], [1, 0], [7, 6], [2, 3]))
    return emit(OP.concat([y, emit(OP.exp(y))], axis=1))


def split_by_sections(emit, y):
    parts = emit(OP.split(y, 2, axis=1))
    left, right = (emit(relax.TupleGetItem(parts, i)) for i in range(2))
    return emit(OP.multiply(left, right))


def squeezed_and_excited(emit, y):
    z = emit(OP.reshape(emit(OP.mean(y, axis=[2, 3])), (1, 8)))
    z = emit(OP.matmul(z, relax.const(array(8, 8))))
    return emit(OP.multiply(y, emit(OP.reshape(z, (1, 8, 1, 1)))))


def normed_in_nhwc(emit, y):
    z = emit(OP.permute_dims(y, [0, 2, 3, 1]))
    z = emit(OP.nn.layer_norm(z, relax.const(array(8)), relax.const(array(8)), [-1]))
    return emit(OP.permute_dims(z, [0, 3, 1, 2]))


def group_normed(emit, y):
    affine = relax.const(array(8)), relax.const(array(8))
    return emit(OP.nn.group_norm(y, *affine, num_groups=2, channel_axis=1, axes=[2, 3]))


def tokens(emit, y):
    z = emit(OP.permute_dims(emit(OP.reshape(y, (1, 8, 24))), [0, 2, 1]))
    z = emit(OP.matmul(z, relax.const(array(8, 8))))
    return emit(OP.reshape(emit(OP.permute_dims(z, [0, 2, 1])), (1, 8, 4, 6)))


def resized(emit, y):
    return emit(OP.image.resize2d(y, (8, 12), method="linear", layout="NCHW"))


def shuffled(emit, y):
    z = emit(OP.permute_dims(emit(OP.reshape(y, (1, 2, 4, 4, 6))), [0, 2, 1, 3, 4]))
    return emit(OP.reshape(z, (1, 8, 4, 6)))


def unknown_op(emit, y):
    return emit(OP.cumsum(y, axis=2))


def reduced_over_channels(emit, y):
    return emit(OP.multiply(y, emit(OP.max(y, axis=[1], keepdims=True))))


INSIDE = {
    **dict.fromkeys((channel_softmax, reversed_operands, where_with_constant), 0),
    **dict.fromkeys((padded_and_pooled, sliced, split_by_sections, squeezed_and_excited), 0),
    **dict.fromkeys((normed_in_nhwc, group_normed, tokens, resized, reduced_over_channels), 0),
    shuffled: 1,
    unknown_op: 2,
}


@pytest.mark.parametrize("middle", INSIDE, ids=lambda middle: middle.__name__)
def test_between_convolutions(middle, ops, run_both):
    """What the network computes stays; inside it are as many transposes as there have to be."""
    mod = network(lambda emit, x: conv(emit, middle(emit, conv(emit, x))), (1, 3, 4, 6))
    result = normalize(mod)
    relax.analysis.well_formed(result)
    assert ops(result).count("permute_dims") == 2 + INSIDE[middle]
    x = array(1, 3, 4, 6)
    np.testing.assert_allclose(*run_both(mod, result, x), rtol=1e-4, atol=1e-4)


def test_flattened_picture_moves_the_weight(ops, run_both):
    def body(emit, x):
        flat = emit(OP.reshape(conv(emit, x), (2, 8 * 4 * 6)))
        return emit(OP.matmul(flat, relax.const(array(8 * 4 * 6, 5))))

    mod = network(body, (2, 3, 4, 6))
    result = normalize(mod)
    assert ops(result).count("permute_dims") == 1
    x = array(2, 3, 4, 6)
    np.testing.assert_allclose(*run_both(mod, result, x), rtol=1e-4, atol=1e-4)


def test_nhwc_network_needs_no_transpose(ops):
    def body(emit, x):
        weight = relax.const(array(8, 3, 3, 1))
        layouts = {"data_layout": "NHWC", "kernel_layout": "OHWI"}
        return emit(OP.nn.conv2d(x, weight, groups=8, padding=1, **layouts))

    mod = network(body, (1, 4, 6, 8))
    assert ops(normalize(mod)) == ["nn.conv2d", "add"]
    attrs = normalize(mod)["main"].body.blocks[0].bindings[0].value.attrs
    assert (attrs.data_layout, attrs.kernel_layout) == ("NHWC", "HWOI")


@st.composite
def reshapes(draw):
    """A shape, another of as many elements, and an order of the first."""
    factors = draw(st.lists(st.sampled_from([1, 2, 3]), min_size=2, max_size=6))

    def grouped():
        shape, extent = [], 1
        for factor in factors:
            extent *= factor
            if draw(st.booleans()):
                shape, extent = [*shape, extent], 1
        shape += [extent]
        if draw(st.booleans()):
            shape.insert(draw(st.integers(0, len(shape))), 1)
        return shape

    source, target = grouped(), grouped()
    return source, target, tuple(draw(st.permutations(range(len(source)))))


@settings(max_examples=300, deadline=None)
@given(reshapes())
def test_regroup_is_a_reshape_in_memory(case):
    source, target, order = case
    plan = regroup(source, target, order)
    assert plan is not None
    before, after = plan
    tensor = np.arange(np.prod(source)).reshape(source)
    moved = tensor.transpose(before).reshape([target[axis] for axis in after])
    np.testing.assert_array_equal(moved, tensor.reshape(target).transpose(after))


def test_regroup_with_a_symbolic_batch():
    n, m = T.Var("n", "int64"), T.Var("m", "int64")
    assert regroup([n, 8, 4, 4], [n, 2, 4, 4, 4], (0, 2, 3, 1)) == ((0, 2, 3, 1), (0, 3, 4, 1, 2))
    assert regroup([n, 8], [n * 2, 4], (0, 1)) is None
    assert regroup([n, 8], [m, 8], (0, 1)) is None
