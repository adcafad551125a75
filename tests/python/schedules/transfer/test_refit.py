"""Schedules of one workload, refitted to another one, compute what that one does."""

import json

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st
from layers import OPS, conv, depthwise, layer, residual
from sampling import sample_trace

from cosearch.blocks import workload_signature
from cosearch.schedules.rules.design import Design, Designer, apply_design, rank_designs
from cosearch.schedules.rules.tile import Tile
from cosearch.schedules.store.traces import trace_text
from cosearch.schedules.transfer.refit_trace import refit_trace

extents = st.tuples(st.integers(3, 20), st.integers(1, 70), st.integers(1, 70))
kinds = st.sampled_from(["pointwise", "direct", "depthwise"])
few = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def make(kind, size, tail=OPS.nn.relu):
    side, inputs, out = size
    if kind == "depthwise":
        return layer((1, side, side, inputs + 1), depthwise, kernel=3, tail=tail)
    return layer(
        (1, side, side, inputs), conv, out=out, kernel=1 if kind == "pointwise" else 3, tail=tail
    )


def structure_of(mod):
    return workload_signature(mod["main"]).shape_agnostic


@few
@given(kind=kinds, there=extents, here=extents, place=st.integers(0, 40))
def test_designs_of_other_extents(kind, there, here, place, machine, verifier):
    donors = rank_designs(make(kind, there), machine)
    mod = make(kind, here, residual)  # with another end
    design = Designer(mod, machine).fit([donors[place % len(donors)]])[0]
    kernel = apply_design(mod, design, machine).mod["main"]
    assert verifier(mod["main"], kernel) == ""


@few
@given(kind=kinds, there=extents, here=extents)
def test_traces_of_other_extents(kind, there, here, target, machine, verifier):
    donor, mod = make(kind, there), make(kind, here)
    assume(structure_of(donor) == structure_of(mod))  # an extent of 1 makes another structure
    trace = json.loads(trace_text(sample_trace(donor, target)))
    try:
        kernel = refit_trace(trace, donor, mod, machine).mod["main"]
    except Exception:
        # TVM refuses some: hypothesis fails the test if they are more than a few.
        reject()
    assert verifier(mod["main"], kernel) == ""


def test_a_refitted_trace_keeps_its_tile(machine):
    donor, mod = make("pointwise", (14, 32, 96)), make("pointwise", (28, 64, 192))
    (tile,) = (best := rank_designs(donor, machine)[0]).tiles
    trace = json.loads(trace_text(apply_design(donor, best, machine).trace.as_json()))
    schedule = refit_trace(trace, donor, mod, machine)
    decisions = [
        [int(factor) for factor in schedule.trace.get_decision(instruction)]
        for instruction in schedule.trace.insts
        if str(instruction.kind.name) == "SamplePerfectTile"
    ]
    assert [tile.vectors, tile.lanes] in [decision[1:] for decision in decisions]
    assert [192 // tile.width, tile.vectors, tile.lanes] in decisions


def test_a_workload_with_other_blocks_is_refused(machine):
    donor = make("pointwise", (14, 32, 96))
    trace = apply_design(donor, rank_designs(donor, machine)[0], machine).trace.as_json()
    with pytest.raises(ValueError, match="blocks"):
        refit_trace(trace, donor, make("pointwise", (14, 32, 96), residual), machine)


@settings(max_examples=100, deadline=None)
@given(
    st.builds(
        Tile,
        *[st.integers(1, 128)] * 4,
        st.sampled_from(["rows", "columns"]),
        st.sampled_from(["inline", "tile", "root"]),
        st.integers(1, 8),
        *[st.booleans()] * 2,
    )
)
def test_a_design_is_read_back_from_its_text(tile):
    design = Design((tile, tile))
    assert Design.parse(design.text) == design


@pytest.mark.parametrize(
    "text", ["", "1x2x3 rows inline unroll1 serial", "0x1x1x8 rows inline unroll1 serial", "x; y"]
)
def test_what_is_no_design_is_refused(text):
    with pytest.raises(ValueError, match="no tile"):
        Design.parse(text)


def test_every_fitted_tile_fits_the_registers(machine):
    donor = Design((Tile(4, 7, 6, 16, parallel=True),))  # far more than any register file
    designer = Designer(make("pointwise", (14, 32, 96)), machine)
    (fitted,) = designer.fit([donor])[0].tiles
    assert designer.studies[0].holds(fitted)


def test_a_flat_tile_is_flat_where_it_can_be(machine):
    donor = Design((Tile(1, 5, 2, 8, flat=True),))

    def fitted(*size):
        return Designer(make("pointwise", size), machine).fit([donor])[0].tiles[0]

    assert (fitted(9, 32, 96).flat, fitted(9, 32, 96).rows) == (True, 5)
    assert fitted(2, 32, 96).rows == 4  # which are all that there are


def test_designs_are_fitted_together_as_each_alone(machine):
    designer = Designer(make("pointwise", (14, 32, 96)), machine)
    tiles = [Tile(4, 7, 6, 16, parallel=True), Tile(1, 2, 3, 8), Tile(2, 2, 1, 4)]
    donors = [Design((tiles[0],)), Design((tiles[1], tiles[2])), Design((tiles[2],))]
    assert designer.fit(donors) == [designer.fit([donor])[0] for donor in donors]
    assert designer.fit([]) == []
