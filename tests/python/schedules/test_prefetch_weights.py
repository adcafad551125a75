"""Weights that are fetched ahead: only those, each line once a step, and no result changes."""

import numpy as np
import pytest
import tvm
from tvm import relax
from tvm.ir import IRModule
from tvm.s_tir.transform import RemoveWeightLayoutRewriteBlock

from cosearch.pipeline import finish
from cosearch.schedules import (
    Conditions,
    ScheduleDatabase,
    apply_schedules,
    extract_workloads,
    lower_to_workloads,
    resolve_target,
)
from cosearch.schedules.prefetch_weights import prefetch_weights
from cosearch.schedules.rules.design import apply_design, rank_designs
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.workers.process import compile_candidate

TARGET = resolve_target("llvm -mcpu=x86-64-v3 -num-cores=1")
MACHINE = Machine.of(Conditions.of(TARGET))


def convolution(height, weights, **options):
    builder = relax.BlockBuilder()
    kernel, groups = weights[0], options.get("groups", 1)
    x = relax.Var("x", relax.TensorType((1, height, height, weights[2] * groups), "float32"))
    values = np.random.default_rng(0).standard_normal(weights, dtype="float32")
    with builder.function("main", [x]):
        with builder.dataflow():
            y = relax.op.nn.conv2d(
                x,
                relax.const(values),
                padding=kernel // 2,
                data_layout="NHWC",
                kernel_layout="HWIO",
                **options,
            )
            y = builder.emit_output(builder.emit(y))
        builder.emit_func_output(y)
    return builder.get().with_attr("cosearch.normalized", "NHWC")


def scheduled(*args, place=0, **options):
    """The schedule of a convolution's kernel that the rules rank at a place."""
    (task,) = extract_workloads(lower_to_workloads(convolution(*args, **options), TARGET))
    mod = task.workload.mod
    return apply_design(mod, rank_designs(mod, MACHINE)[place], MACHINE).mod


def packed(*args, **options):
    """The kernel of a convolution as it is with its weights packed."""
    return RemoveWeightLayoutRewriteBlock(skip_tensor_rewrite=True)(scheduled(*args, **options))


def prefetches(mod):
    return [line for line in mod.script().splitlines() if "T.prefetch(" in line]


@pytest.mark.parametrize("place", [0, 5, 20])
def test_lines_of_large_weights_are_fetched_each_once(place):
    mod = packed(7, (1, 1, 256, 512), place=place)
    lines = prefetches(prefetch_weights(mod))
    assert lines
    assert len(set(lines)) == len(lines)
    name = mod["main"].params[1].name
    assert all(name in line for line in lines)


@pytest.mark.parametrize(
    ("args", "options"),
    [
        ((14, (1, 1, 16, 64)), {}),  # small
        ((56, (3, 3, 1, 512)), {"groups": 512}),  # the data is large, the weights are not
    ],
)
def test_nothing_else_is_fetched(args, options):
    mod = packed(*args, **options)
    assert prefetches(prefetch_weights(mod)) == []


def test_weights_of_minimal_filtering_are_fetched():
    mod = packed(14, (3, 3, 64, 64))
    assert "cosearch.winograd" in mod.script()
    assert prefetches(prefetch_weights(mod))


def test_the_module_is_left_as_it_was():
    mod = packed(7, (1, 1, 256, 512))
    before = tvm.ir.save_json(mod)
    prefetch_weights(mod)
    assert tvm.ir.save_json(mod) == before


def test_no_result_changes():
    mod = packed(7, (1, 1, 256, 512))
    rng = np.random.default_rng(0)
    shapes = [tuple(int(e) for e in p.shape) for p in mod["main"].params]
    arrays = [rng.standard_normal(shape, dtype="float32") for shape in shapes[:-1]]
    results = []
    for each in (mod, prefetch_weights(mod)):
        out = tvm.runtime.empty(shapes[-1], "float32")
        run = tvm.tirx.build(each, target=TARGET)["main"]
        run(*(tvm.runtime.tensor(array) for array in arrays), out)
        results.append(out.numpy())
    np.testing.assert_array_equal(*results)


def test_candidates_are_timed_with_their_prefetches():
    built = compile_candidate(scheduled(7, (1, 1, 256, 512)), TARGET, 1000)
    assert "llvm.prefetch" in built.inspect_source("ll")


@pytest.mark.parametrize("keep_blocks", [False, True])
def test_networks_are_built_with_prefetches(keep_blocks):
    lowered = lower_to_workloads(convolution(7, (1, 1, 256, 512)), TARGET)
    with ScheduleDatabase.in_memory() as database:
        kernels, _ = apply_schedules(lowered, database, Conditions.of(TARGET))
    finished = finish(kernels, TARGET, keep_blocks=keep_blocks)
    own = {v: f for v, f in finished.functions.items() if isinstance(f, tvm.tirx.PrimFunc)}
    assert prefetches(IRModule(own))
