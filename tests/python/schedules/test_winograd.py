"""Convolutions by minimal filtering: what they compute, and which convolutions become them."""

import numpy as np
import pytest
import torch
import tvm
from tvm import relax, te
from tvm.target import Target

from cosearch.pipeline import finish
from cosearch.relay import GraphModule, build
from cosearch.schedules import (
    Conditions,
    ScheduleDatabase,
    apply_schedules,
    lower_to_workloads,
    resolve_target,
)
from cosearch.schedules.call_sites import CallSites
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.rules.tile import rank_tiles
from cosearch.schedules.rules.winograd import Winograd
from cosearch.schedules.winograd.definition import winograd_conv2d, winograd_weight
from cosearch.schedules.winograd.transforms import Transforms, transform_weight
from cosearch.schedules.winograd.weights import WEIGHT

TARGET = resolve_target("llvm -mcpu=native -num-cores=1")
RANDOM = np.random.default_rng(0)


def convolution(shape, weights, *, dtype="float32", **options):
    """A network of one convolution whose weights are constants."""
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType(shape, dtype))
    values = RANDOM.standard_normal(weights) / np.sqrt(np.prod(weights[:3]))
    options = {"padding": 1, "data_layout": "NHWC", "kernel_layout": "HWIO", **options}
    with builder.function("main", [x]):
        with builder.dataflow():
            y = relax.op.nn.conv2d(x, relax.const(values.astype(dtype)), **options)
            y = builder.emit_output(builder.emit(relax.op.nn.relu(y)))
        builder.emit_func_output(y)
    mod = builder.get()
    return mod.with_attr("cosearch.normalized", "NHWC"), values


def transforms_weights(mod):
    return any(WEIGHT in (func.attrs or {}) for func in mod.functions.values())


def is_winograd(mod, target=TARGET, **options):
    return transforms_weights(lower_to_workloads(mod, target, **options))


@pytest.mark.parametrize("m", [2, 4])
def test_the_transforms_filter(m):
    transforms = Transforms.of_tile(m)
    data, taps = RANDOM.standard_normal(m + 2), RANDOM.standard_normal(3)
    products = (transforms.weight @ taps) * (transforms.data @ data)
    np.testing.assert_allclose(transforms.result @ products, np.correlate(data, taps, "valid"))


@pytest.mark.parametrize("m", [2, 4])
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 1, 1, 1), (2, 0, 1, 3)])
@pytest.mark.parametrize("groups", [1, 2])
def test_the_definition_is_a_convolution(m, padding, groups):
    """Run as TE defines it, without any schedule, on extents that no tile divides."""
    batch, height, width, inputs, outputs = 2, 9, 7, 4, 6
    top, left, bottom, right = padding
    x = te.placeholder((batch, height, width, inputs), "float32", "x")
    w = te.placeholder((3, 3, inputs // groups, outputs), "float32", "w")
    y = winograd_conv2d(x, winograd_weight(w, m), padding, m, groups)
    run = tvm.compile(te.create_prim_func([x, w, y]), target=Target({"kind": "llvm"}))
    data = RANDOM.standard_normal((batch, height, width, inputs), dtype="float32")
    weight = RANDOM.standard_normal((3, 3, inputs // groups, outputs), dtype="float32")
    shape = (batch, height + top + bottom - 2, width + left + right - 2, outputs)
    result = tvm.runtime.empty(shape, "float32")
    run["main"](tvm.runtime.tensor(data), tvm.runtime.tensor(weight), result)
    padded = np.pad(data, [(0, 0), (top, bottom), (left, right), (0, 0)])
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(padded).permute(0, 3, 1, 2),
        torch.from_numpy(weight).permute(3, 2, 0, 1),
        groups=groups,
    ).permute(0, 2, 3, 1)
    np.testing.assert_allclose(result.numpy(), expected.numpy(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("m", [2, 4])
def test_weights_are_transformed_alike_by_numpy_and_by_the_kernel(m):
    w = te.placeholder((3, 3, 4, 6), "float32", "w")
    kernel = te.create_prim_func([w, winograd_weight(w, m)])
    run = tvm.compile(kernel, target=Target({"kind": "llvm"}))["main"]
    weight = RANDOM.standard_normal((3, 3, 4, 6), dtype="float32")
    result = tvm.runtime.empty((m + 2, m + 2, 4, 6), "float32")
    run(tvm.runtime.tensor(weight), result)
    np.testing.assert_allclose(result.numpy(), transform_weight(weight, m), rtol=0, atol=1e-6)


def test_wide_convolutions_are_chosen_and_may_be_refused():
    grouped, _ = convolution((1, 56, 56, 128), (3, 3, 64, 128), groups=2)
    assert is_winograd(grouped)
    mod, _ = convolution((1, 56, 56, 64), (3, 3, 64, 64))
    assert is_winograd(mod)
    assert not is_winograd(mod, winograd=False)
    with tvm.transform.PassContext(config={"relax.cosearch.winograd": False}):
        assert not is_winograd(mod)


@pytest.mark.parametrize(
    ("shape", "weights", "options"),
    [
        ((1, 56, 56, 64), (1, 1, 64, 64), {"padding": 0}),
        ((1, 56, 56, 64), (5, 5, 64, 64), {"padding": 2}),
        ((1, 56, 56, 64), (3, 3, 64, 64), {"strides": 2}),
        ((1, 56, 56, 64), (3, 3, 64, 64), {"dilation": 2, "padding": 2}),
        ((1, 56, 56, 64), (3, 3, 1, 64), {"groups": 64}),
        ((1, 56, 56, 64), (3, 3, 4, 48), {"groups": 16}),  # three outputs of each
        ((1, 56, 56, 3), (3, 3, 3, 64), {}),  # hardly a matrix product
        ((1, 2, 2, 512), (3, 3, 512, 512), {}),  # nothing but weights
        ((1, 56, 56, 64), (3, 3, 64, 64), {"dtype": "float16"}),
    ],
    ids=str,
)
def test_other_convolutions_stay_as_they_are(shape, weights, options):
    mod, _ = convolution(shape, weights, **options)
    assert not is_winograd(mod)


def test_threads_do_not_change_what_a_convolution_becomes():
    mod, _ = convolution((1, 14, 14, 256), (3, 3, 256, 256))
    one, many = (resolve_target(f"llvm -mcpu=native -num-cores={cores}") for cores in (1, 64))
    assert is_winograd(mod, one) == is_winograd(mod, many)


def test_what_transforms_weights_is_no_kernel_of_the_network():
    lowered = lower_to_workloads(convolution((1, 56, 56, 64), (3, 3, 64, 64))[0], TARGET)
    (name,) = CallSites.of(lowered).kernels
    assert list(lowered[name].attrs["layout_free_buffers"]) == [1]


@pytest.mark.parametrize("keep_blocks", [False, True])
def test_weights_are_transformed_while_compiling(keep_blocks):
    mod, _ = convolution((1, 20, 20, 32), (3, 3, 32, 48))
    lowered = lower_to_workloads(mod, TARGET)
    assert transforms_weights(lowered)
    with ScheduleDatabase.in_memory() as database:
        scheduled, _ = apply_schedules(lowered, database, Conditions.of(TARGET))
    finished = finish(scheduled, TARGET, keep_blocks=keep_blocks)
    assert not transforms_weights(finished)


def test_a_network_computes_what_torch_does():
    mod, weight = convolution((1, 20, 20, 32), (3, 3, 32, 48))
    with (
        ScheduleDatabase.in_memory(),
        tvm.transform.PassContext(config={"relax.cosearch.enable": True}),
    ):
        module = GraphModule(build(mod, target=TARGET))
    x = RANDOM.standard_normal((1, 20, 20, 32), dtype="float32")
    module.set_input("x", x)
    module.run()
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(x).permute(0, 3, 1, 2),
        torch.from_numpy(weight.astype("float32")).permute(3, 2, 0, 1),
        padding=1,
    ).relu()
    np.testing.assert_allclose(
        module.get_output(0).numpy(), expected.permute(0, 2, 3, 1).numpy(), rtol=0, atol=2e-5
    )


def test_more_rows_go_together_where_weights_are_large():
    """Each pass over rows of tiles reads all weights again."""
    machine = Machine(lanes=16, registers=32)
    few = rank_tiles(Winograd(4, (1, 14, 14), 64, 64, 1, machine), machine)[0]
    many = rank_tiles(Winograd(4, (1, 14, 14), 256, 256, 1, machine), machine)[0]
    assert many.height > few.height
