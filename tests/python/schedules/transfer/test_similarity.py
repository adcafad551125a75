"""Workloads are described by what decides on their schedules, and the nearest ones are found."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import conv, depthwise, layer

from cosearch.blocks import workload_signature
from cosearch.schedules.similarity import (
    COORDINATES,
    SimilarityIndex,
    WorkloadPoint,
    describe_workload,
    refit_split,
)


def describe(*shape, build=conv, **options):
    return describe_workload(layer(shape, build, **options)["main"])


def test_a_point_says_extents_strides_and_bytes():
    point = describe(1, 14, 14, 24, out=96)
    data, weights, results = 14 * 14 * 24, 24 * 96, 14 * 14 * 96
    nbytes = 4 * (data + weights + results)
    expected = [1, 14, 14, 96, 1, 1, 24, 1, 1, 2 * results * 24 / nbytes, nbytes, 4 * weights]
    assert [2.0**value for value in point.coordinates[:12]] == pytest.approx(expected)
    assert point.coordinates[12] == 1.0  # larger than a first cache, smaller than a second


def test_strides_are_seen():
    assert describe(1, 15, 15, 24, build=depthwise, kernel=5, stride=2).coordinates[7] == 1.0
    assert describe(1, 15, 15, 24, build=depthwise, kernel=5).coordinates[7] == 0.0


def test_the_end_of_a_workload_does_not_change_its_kind():
    from layers import OPS, residual

    plain = describe(1, 14, 14, 24, out=96, bias=False)
    for tail in (OPS.nn.relu, OPS.nn.silu, residual):
        assert describe(1, 7, 9, 32, out=16, tail=tail).kind == plain.kind
    assert describe(1, 14, 14, 24, build=depthwise, kernel=3).kind != plain.kind
    assert describe(1, 14, 14, 24, out=96, kernel=3).kind != plain.kind


def test_structures_come_before_kinds_and_near_before_far():
    from layers import OPS

    made = [
        layer((1, side, side, inputs), conv, out=out, tail=tail)["main"]
        for side, inputs, out, tail in (
            (14, 24, 96, OPS.nn.silu),
            (56, 8, 16, OPS.nn.relu),
            (14, 32, 96, OPS.nn.relu),
            (14, 24, 96, OPS.nn.relu),
        )
    ]
    points = [describe_workload(func) for func in made]
    structures = [workload_signature(func).shape_agnostic for func in made]
    found = SimilarityIndex(structures, points).query(structures[3], points[3], 4)
    assert [neighbour.row for neighbour in found] == [3, 2, 1, 0]
    assert [neighbour.same_structure for neighbour in found] == [True, True, True, False]
    assert found[0].distance == 0.0


def test_what_has_no_point_is_not_found():
    index = SimilarityIndex(["a", "b"], [WorkloadPoint(), WorkloadPoint("k", (0.0,) * COORDINATES)])
    assert index.query("a", WorkloadPoint(), 3) == []
    near = WorkloadPoint("k", (1.0,) * COORDINATES)
    assert [neighbour.row for neighbour in index.query("a", near, 3)] == [1]


def test_an_empty_index_finds_nothing():
    point = WorkloadPoint("k", (1.0,) * COORDINATES)
    assert SimilarityIndex([], []).query("a", point, 3) == []


@settings(max_examples=200, deadline=None)
@given(
    factors=st.lists(st.integers(1, 64), min_size=1, max_size=4),
    extent=st.integers(1, 4096),
    lanes=st.sampled_from([1, 4, 8, 16]),
    threads=st.integers(1, 8),
)
def test_refitted_factors_multiply_to_the_extent(factors, extent, lanes, threads):
    refitted = refit_split(factors, extent, max_innermost=64, lanes=lanes, threads=threads)
    assert len(refitted) == len(factors)
    assert math.prod(refitted) == extent
    assert len(factors) == 1 or refitted[-1] <= 64


@pytest.mark.parametrize("bad", [([], 4), ([2, 0], 4), ([2, 2], 0)])
def test_what_is_no_split_is_refused(bad):
    with pytest.raises(ValueError, match="at least"):
        refit_split(*bad, max_innermost=64)


def test_coordinates_are_finite(workloads):
    for mod in workloads:
        assert np.isfinite(describe_workload(mod["main"]).coordinates).all()


@pytest.fixture(scope="module")
def workloads():
    from layers import WORKLOADS

    return [layer(shape, build, **options) for shape, build, options in WORKLOADS.values()]
