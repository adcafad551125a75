"""find_blocks: the blocks of a network, nested ones included, lifted or not."""

import tvm_ffi
from tvm import relax

from cosearch.blocks import PATTERNS, LiftBlocks, block_signature, find_blocks


def test_outermost_blocks_in_program_order(mbconv_network):
    blocks = find_blocks(mbconv_network())
    assert [b.pattern for b in blocks] == ["conv_norm_act"] + ["mbconv"] * 4
    assert [b.position for b in blocks] == [0, 1, 2, 3, 4]
    assert [b.output_shape for b in blocks[1:]] == [
        (1, 8, 8, 8), (1, 8, 8, 8), (1, 4, 4, 16), (1, 4, 4, 16),
    ]  # fmt: skip
    assert blocks[3].input_shapes == ((1, 8, 8, 8),)
    assert blocks[1].signature == blocks[2].signature != blocks[3].signature
    stages = [b.stage for b in blocks]
    assert stages == sorted(stages)
    assert stages[3] == stages[2] + 1


def test_nested_blocks(mbconv_network):
    block = find_blocks(mbconv_network())[4]
    assert [c.pattern for c in block.children] == ["conv_norm_act"] * 3
    assert [c.position for c in block.children] == [0, 1, 2]
    assert [b.pattern for b in block.walk()] == ["mbconv"] + ["conv_norm_act"] * 3
    assert all(set(c.ops) <= set(block.ops) for c in block.children)


def test_names_are_those_of_the_functions(mbconv_network):
    mod = mbconv_network()
    lifted = LiftBlocks()(mod)
    assert {b.name for b in find_blocks(mod)} == {
        name.name_hint for name, f in lifted.functions.items() if "cosearch.block" in f.attrs
    }


def test_the_same_before_and_after_lifting(mbconv_network):
    mod = mbconv_network()
    assert find_blocks(LiftBlocks()(mod)) == find_blocks(mod)


def test_signature_of_a_nested_block_is_that_of_its_function(mbconv_network):
    # Lifted with its own pattern alone, the child is a function, with the signature it had inside.
    mod = mbconv_network()
    (child, *_) = find_blocks(mod)[1].children
    lifted = LiftBlocks(["conv_norm_act"])(mod)
    assert block_signature(lifted[child.name]) == child.signature


def test_symbolic_extents(mbconv_network):
    from tvm import tirx

    blocks = find_blocks(mbconv_network(batch=tirx.Var("n", "int64")))
    assert blocks[1].output_shape == (-1, 8, 8, 8)


def test_known_patterns():
    assert list(PATTERNS) == list(tvm_ffi.get_global_func("cosearch.blocks.PatternNames")())


def test_weights_that_are_parameters(mbconv_network):
    # The same network, its weights passed: the same blocks.
    mod = mbconv_network()
    passed = relax.transform.LiftTransformParams()(mod)
    assert [b.signature for b in find_blocks(passed)] == [b.signature for b in find_blocks(mod)]
