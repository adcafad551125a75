"""Random networks: lifting is well-formed and idempotent, and inlining gives the network back."""

import hypothesis.strategies as st
from hypothesis import given, settings
from tvm import relax
from tvm.ir import assert_structural_equal

from cosearch.blocks import InlineBlocks, LiftBlocks, block_signature, find_blocks

from .conftest import NetworkBuilder

CHANNELS = 8


def add_layer(network, kind, values, pick):
    """Emit one random layer on already computed values; all of them have one shape."""
    x = values[pick(len(values))]
    if kind == "conv":
        return network.conv(x, CHANNELS, (1, 3)[pick(2)], act=(None, "relu", "relu6")[pick(3)])
    if kind == "depthwise":
        return network.conv(x, CHANNELS, 3, groups=CHANNELS)
    if kind == "add":
        return network.emit(relax.op.add(x, values[pick(len(values))]))
    if kind == "concat":
        y = network.emit(relax.op.concat([x, values[pick(len(values))]], axis=3))
        return network.conv(y, CHANNELS, 1)
    if kind == "split":
        parts = network.emit(relax.op.split(x, 2, axis=3))
        y, z = (network.emit(relax.TupleGetItem(parts, i)) for i in (0, 1))
        return network.emit(relax.op.concat([z, y], axis=3))
    return network.emit(relax.op.multiply(x, network.emit(relax.op.sigmoid(x))))


@st.composite
def networks(draw):
    kinds = ["conv", "conv", "depthwise", "add", "concat", "split", "silu"]
    network = NetworkBuilder()
    inputs = [
        relax.Var(f"x{i}", relax.TensorType((1, 8, 8, CHANNELS), "float32"))
        for i in range(draw(st.integers(1, 2)))
    ]
    values = list(inputs)
    builder = network.builder
    with builder.function("main", inputs):
        with builder.dataflow():
            for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=12)):
                # Mostly the newest value, so that the network is deep.
                def pick(n):
                    return max(0, n - 1 - draw(st.sampled_from([0, 0, 0, 1, 2])))

                values.append(add_layer(network, kind, values, pick))
            results = [values[-1], *draw(st.lists(st.sampled_from(values), max_size=1))]
            result = builder.emit_output(relax.Tuple(results))
        builder.emit_func_output(result)
    mod = builder.finalize()
    return relax.transform.DeadCodeElimination()(mod)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_lift_and_inline(mod):
    lifted = LiftBlocks()(mod)
    relax.analysis.well_formed(lifted)
    assert_structural_equal(LiftBlocks()(lifted), lifted)
    assert find_blocks(lifted) == find_blocks(mod)
    inlined = InlineBlocks()(lifted)
    relax.analysis.well_formed(inlined)
    # The signature knows every operator, operand and constant, and no order.
    assert block_signature(inlined["main"]) == block_signature(mod["main"])
