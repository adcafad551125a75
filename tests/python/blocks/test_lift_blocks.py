"""LiftBlocks: what it makes of a network, and what it leaves alone."""

import numpy as np
import pytest
import tvm
from tvm import relax
from tvm.ir import GenericConst, assert_structural_equal
from tvm.ir.instrument import pass_instrument
from tvm.ir.transform import PassContext, Sequential
from tvm.relax.utils import copy_with_new_vars
from tvm.script import ir as I
from tvm.script import relax as R
from tvm.script import tirx as T

from cosearch.blocks import LiftBlocks, block_signature


@I.ir_module
class Before:
    I.module_attrs({"cosearch.model": "tiny"})

    @R.function
    def main(
        x: R.Tensor((1, 8, 8, 4), "float32"),
        w: R.Tensor((8, 3, 3, 4), "float32"),
        b: R.Tensor((1, 1, 1, 8), "float32"),
    ) -> R.Tensor((1, 8, 8, 8), "float32"):
        R.func_attr({"num_input": 1})
        with R.dataflow():
            lv = R.nn.conv2d(x, w, padding=1, data_layout="NHWC", kernel_layout="OHWI")
            lv1 = R.add(lv, b)
            lv2 = R.nn.relu(lv1)
            lv3 = R.minimum(lv2, R.const(6.0, "float32"))
            R.output(lv3)
        return lv3


@I.ir_module
class Expected:
    I.module_attrs({"cosearch.model": "tiny"})

    @R.function(private=True)
    def conv_norm_act_8534ea0e(
        x0: R.Tensor((1, 8, 8, 4), "float32"),
        w0: R.Tensor((8, 3, 3, 4), "float32"),
        w1: R.Tensor((1, 1, 1, 8), "float32"),
    ) -> R.Tensor((1, 8, 8, 8), "float32"):
        R.func_attr(
            {
                "cosearch.block": "conv_norm_act",
                "cosearch.children": [],
                "cosearch.model": "tiny",
                "cosearch.positions": [0],
                "cosearch.signature": "8534ea0eb3edaaec59a2c01c7057bb8b",
                "cosearch.signature_agnostic": "05646766ac8c2e9d5ed3c5b0a9c395c7",
                "cosearch.stage": 0,
                "num_input": 1,
            }
        )
        with R.dataflow():
            lv0 = R.nn.conv2d(x0, w0, padding=1, data_layout="NHWC", kernel_layout="OHWI")
            lv1 = R.add(lv0, w1)
            lv2 = R.nn.relu(lv1)
            gv = R.minimum(lv2, R.const(6.0, "float32"))
            R.output(gv)
        return gv

    @R.function
    def main(
        x: R.Tensor((1, 8, 8, 4), "float32"),
        w: R.Tensor((8, 3, 3, 4), "float32"),
        b: R.Tensor((1, 1, 1, 8), "float32"),
    ) -> R.Tensor((1, 8, 8, 8), "float32"):
        R.func_attr({"num_input": 1})
        cls = Expected
        with R.dataflow():
            lv3 = cls.conv_norm_act_8534ea0e(x, w, b)
            R.output(lv3)
        return lv3


def lifted_functions(mod):
    return {
        name.name_hint: function
        for name, function in mod.functions.items()
        if function.attrs and "cosearch.block" in function.attrs
    }


def test_before_and_after():
    assert_structural_equal(LiftBlocks()(Before), Expected)


def test_input_stays_as_it_was(mbconv_network):
    mod = mbconv_network()
    copy = tvm.ir.load_json(tvm.ir.save_json(mod))
    LiftBlocks()(mod)
    assert_structural_equal(mod, copy)


def test_result_is_well_formed_and_survives_json(mbconv_network):
    lifted = LiftBlocks()(mbconv_network())
    relax.analysis.well_formed(lifted)
    assert_structural_equal(tvm.ir.load_json(tvm.ir.save_json(lifted)), lifted)


def test_a_second_time_changes_nothing(mbconv_network):
    lifted = LiftBlocks()(mbconv_network())
    assert_structural_equal(LiftBlocks()(lifted), lifted)


def test_a_network_of_lifted_blocks_is_left_alone(mbconv_network):
    # Else what the first patterns left would be lifted by and by, and no run would be the last.
    lifted = LiftBlocks(["mbconv"])(mbconv_network())
    assert LiftBlocks()(lifted).same_as(lifted)


def test_match_cast_stays_with_its_readers():
    # It names an extent for all that follows: no function can do that for its caller.
    @I.ir_module
    class Cast:
        @R.function
        def main(x: R.Tensor(ndim=4, dtype="float32"), w: R.Tensor((4, 3, 3, 4), "float32")):
            n = T.int64()
            R.func_attr({"num_input": 1})
            with R.dataflow():
                a = R.match_cast(x, R.Tensor((n, 8, 8, 4), "float32"))
                b = R.nn.conv2d(a, w, padding=1, data_layout="NHWC", kernel_layout="OHWI")
                c = R.match_cast(b, R.Tensor((n, 8, 8, 4), "float32"))
                d = R.nn.relu(c)
                e = R.nn.conv2d(d, w, padding=1, data_layout="NHWC", kernel_layout="OHWI")
                f = R.nn.relu(e)
                R.output(f)
            return f

    lifted = LiftBlocks()(Cast)
    relax.analysis.well_formed(lifted)
    assert lifted["main"].script().count("R.match_cast") == 2
    assert len(lifted_functions(lifted)) == 1


def test_nothing_to_lift():
    @I.ir_module
    class Plain:
        @R.function
        def main(x: R.Tensor((2, 3), "float32")) -> R.Tensor((3, 2), "float32"):
            with R.dataflow():
                lv = R.permute_dims(x)
                R.output(lv)
            return lv

    assert LiftBlocks()(Plain).same_as(Plain)


def test_equal_blocks_share_one_function(mbconv_network):
    lifted = LiftBlocks()(mbconv_network(((8,), (8,), (8,))))
    shared = [
        f for f in lifted_functions(lifted).values() if len(f.attrs["cosearch.positions"]) > 1
    ]
    assert [list(f.attrs["cosearch.positions"]) for f in shared] == [[1, 2, 3]]


def test_blocks_of_other_scalars_are_apart(mbconv_network):
    # The scalar 6 of a ReLU6 stays inside; were it a parameter, other clips would share it.
    @I.ir_module
    class TwoClips:
        @R.function
        def main(x: R.Tensor((1, 8, 8, 4), "float32"), w: R.Tensor((4, 3, 3, 4), "float32")):
            R.func_attr({"num_input": 1})
            with R.dataflow():
                a = R.nn.conv2d(x, w, padding=1, data_layout="NHWC", kernel_layout="OHWI")
                b = R.minimum(R.nn.relu(a), R.const(6.0, "float32"))
                c = R.nn.conv2d(b, w, padding=1, data_layout="NHWC", kernel_layout="OHWI")
                d = R.minimum(R.nn.relu(c), R.const(5.0, "float32"))
                R.output(d)
            return d

    lifted = LiftBlocks(["conv_norm_act"])(TwoClips)
    assert len(lifted_functions(lifted)) == 2


def test_program_order_inside_a_block_does_not_matter():
    def branches(swapped: bool):
        builder = relax.BlockBuilder()
        x = relax.Var("x", relax.TensorType((1, 8, 8, 4), "float32"))
        kernels = [relax.const(np.full((4, k, k, 4), 0.1, "float32")) for k in (1, 3)]
        with builder.function("main", [x]):
            with builder.dataflow():
                order = (1, 0) if swapped else (0, 1)
                parts = {
                    i: builder.emit(
                        relax.op.nn.conv2d(
                            x, kernels[i], padding=i, data_layout="NHWC", kernel_layout="OHWI"
                        )
                    )
                    for i in order
                }
                y = builder.emit(relax.op.concat([parts[0], parts[1]], axis=3))
                y = builder.emit_output(relax.op.nn.relu(y))
            builder.emit_func_output(y)
        return builder.finalize()

    one, other = (
        LiftBlocks(["inception", "region"])(branches(swapped)) for swapped in (False, True)
    )
    (a,), (b,) = lifted_functions(one).values(), lifted_functions(other).values()
    assert_structural_equal(a, b)


def test_weights_become_parameters_behind_the_data(mbconv_network):
    for function in lifted_functions(LiftBlocks()(mbconv_network())).values():
        assert int(function.attrs["num_input"]) == 1
        assert len(function.params) > 1
        calls = [binding.value for binding in function.body.blocks[0].bindings]
        constants = [a for c in calls for a in c.args if isinstance(a, GenericConst)]
        assert all(len(constant.ty.shape) == 0 for constant in constants)


def test_signature_attribute_is_that_of_the_function(mbconv_network):
    for function in lifted_functions(LiftBlocks()(mbconv_network())).values():
        signature = block_signature(function)
        assert function.attrs["cosearch.signature"] == signature.shape_aware
        assert function.attrs["cosearch.signature_agnostic"] == signature.shape_agnostic


def test_numerics_are_exactly_kept(mbconv_network, compile_network):
    mod = mbconv_network(batch=2)
    x = np.random.default_rng(1).standard_normal((2, 16, 16, 3), "float32")
    before, after = compile_network(mod)(x), compile_network(LiftBlocks()(mod))(x)
    assert np.ptp(before) > 0.01
    np.testing.assert_array_equal(after, before)


def test_symbolic_batch(mbconv_network, compile_network):
    mod = mbconv_network(((8,), (8,)), batch=tvm.tirx.Var("n", "int64"))
    lifted = LiftBlocks()(mod)
    relax.analysis.well_formed(lifted)
    assert len(lifted_functions(lifted)) == 2
    assert_structural_equal(LiftBlocks()(lifted), lifted)
    before, after = compile_network(mod), compile_network(lifted)
    for batch in (1, 2):
        x = np.random.default_rng(1).standard_normal((batch, 16, 16, 3), "float32")
        np.testing.assert_array_equal(after(x), before(x))


def test_symbols_that_no_operand_names_are_handed_in():
    # Inside the block the extent is 2n, and none of its operands has an extent n.
    @I.ir_module
    class Doubled:
        @R.function
        def main(
            x: R.Tensor(("n", 8, 8, 4), "float32"),
            z: R.Tensor(("n", 8, 8, 4), "float32"),
            w: R.Tensor((4, 1, 1, 4), "float32"),
        ) -> R.Tensor(("n * 2", 8, 8, 4), "float32"):
            R.func_attr({"num_input": 2})
            with R.dataflow():
                y = R.concat((x, z), axis=0)
                a = R.nn.conv2d(y, w, data_layout="NHWC", kernel_layout="OHWI")
                b = R.nn.relu(a)
                R.output(b)
            return b

    lifted = LiftBlocks(["conv_norm_act"])(Doubled)
    relax.analysis.well_formed(lifted)
    (function,) = lifted_functions(lifted).values()
    assert [type(p.ty).__name__ for p in function.params] == [
        "TensorType",
        "ShapeType",
        "TensorType",
    ]
    assert int(function.attrs["num_input"]) == 2


def test_sequential_instruments_and_disabled_pass(mbconv_network):
    ran = []

    @pass_instrument
    class Names:
        def run_before_pass(self, _mod, info):
            ran.append(info.name)

    mod = mbconv_network()
    with PassContext(instruments=[Names()]):
        Sequential([LiftBlocks()])(mod)
    assert "cosearch.blocks.LiftBlocks" in ran
    with PassContext(disabled_pass=["cosearch.blocks.LiftBlocks"]):
        assert Sequential([LiftBlocks()])(mod).same_as(mod)


def test_opt_level(mbconv_network):
    mod = mbconv_network()
    passes = Sequential([LiftBlocks(opt_level=3)])
    with PassContext(opt_level=2):
        assert not lifted_functions(passes(mod))
    with PassContext(opt_level=3):
        assert lifted_functions(passes(mod))


def test_patterns_come_from_the_call_or_else_from_the_config(mbconv_network):
    def patterns_of(mod):
        return {str(f.attrs["cosearch.block"]) for f in lifted_functions(mod).values()}

    mod = mbconv_network()
    with PassContext(config={"relax.cosearch.patterns": ["mbconv"]}):
        assert patterns_of(LiftBlocks()(mod)) == {"mbconv"}
        assert patterns_of(LiftBlocks(["conv_norm_act"])(mod)) == {"conv_norm_act"}


def test_no_patterns_lift_nothing(mbconv_network):
    mod = mbconv_network()
    assert LiftBlocks([])(mod).same_as(mod)
    with PassContext(config={"relax.cosearch.patterns": []}):
        assert LiftBlocks()(mod).same_as(mod)


def test_unknown_pattern(mbconv_network):
    with pytest.raises(ValueError, match=r"mbconw.*known are.*mbconv"):
        LiftBlocks(["mbconw"])(mbconv_network())


def test_name_that_is_taken():
    (name,) = lifted_functions(LiftBlocks()(Before))
    mod = tvm.IRModule(dict(Before.functions.items()))
    mod[name] = copy_with_new_vars(Before["main"]).with_attr("global_symbol", name)
    lifted = LiftBlocks()(mod)
    relax.analysis.well_formed(lifted)
    assert f"{name}_1" in lifted_functions(lifted)
