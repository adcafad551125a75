"""The hot paths of a transfer: describing a workload, finding donors, refitting a split.

Run with ``pytest benchmarks/micro/test_transfer.py``.
"""

from typing import Any

import numpy as np
import pytest
from tvm import relax
from tvm.tirx import PrimFunc

from cosearch.schedules import extract_workloads, lower_to_workloads, resolve_target
from cosearch.schedules.similarity import (
    COORDINATES,
    SimilarityIndex,
    WorkloadPoint,
    describe_workload,
    refit_split,
)

WORKLOADS = 100_000


@pytest.fixture(scope="module")
def pointwise() -> PrimFunc:
    """Make a pointwise convolution with an epilogue."""
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType((1, 14, 14, 96), "float32"))
    weights = relax.const(np.ones((1, 1, 96, 576), "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            conv = relax.op.nn.conv2d(x, weights, data_layout="NHWC", kernel_layout="HWIO")
            out = builder.emit_output(builder.emit(relax.op.nn.relu(builder.emit(conv))))
        builder.emit_func_output(out)
    lowered = lower_to_workloads(builder.get(), resolve_target("llvm -mcpu=native -num-cores=2"))
    return extract_workloads(lowered)[0].workload.mod["main"]


@pytest.fixture(scope="module")
def index() -> SimilarityIndex:
    """Index workloads of one kind, and of 200 structures."""
    random = np.random.default_rng(0)
    points = [
        WorkloadPoint("kind", tuple(row)) for row in random.uniform(0, 12, (WORKLOADS, COORDINATES))
    ]
    structures = [str(number) for number in random.integers(0, 200, WORKLOADS)]
    return SimilarityIndex(structures, points)


def test_describe_workload(benchmark: Any, pointwise: PrimFunc) -> None:
    """Find where a workload lies among its kind."""
    assert benchmark(describe_workload, pointwise).kind


def test_find_eight_donors_among_100000_workloads_of_one_kind(
    benchmark: Any, index: SimilarityIndex
) -> None:
    """Take the worst case: other kinds are not even looked at."""
    point = WorkloadPoint("kind", (6.0,) * COORDINATES)
    assert len(benchmark(index.query, "7", point, 8)) == 8


def test_refit_split(benchmark: Any) -> None:
    """Refit four factors, as MetaSchedule's tiles have."""
    assert benchmark(refit_split, [14, 2, 3, 16], 672, max_innermost=64, lanes=16)
