"""Designs of the rules: right for any extents and CPU, and what they are meant to be."""

import math

import pytest
import tvm
from layers import OPS, WORKLOADS, conv, depthwise, layer
from tvm.s_tir import Schedule

from cosearch.schedules import Conditions, resolve_target
from cosearch.schedules.rules.anatomy import NotScheduled, find_stages
from cosearch.schedules.rules.design import apply_design, rank_designs
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.store.replay import replay
from cosearch.schedules.verify_kernel import KernelVerifier

CPUS = {"native": 2, "haswell": 1, "x86-64": 1}
"""Designs of each workload that are compiled for each CPU."""
AVX512 = Machine(16, 32, vectors_per_cycle=2.0)


def target_of(cpu, threads=2):
    return resolve_target(f"llvm -mcpu={cpu} -num-cores={threads}")


def machine_of(cpu, threads=2):
    return Machine.of(Conditions.of(target_of(cpu, threads)))


def some(designs, count):
    """The first, and some of all the others."""
    return designs[:: max(1, -(-len(designs) // count))]


@pytest.fixture(scope="module")
def checker(request):
    with KernelVerifier(target_of(request.param)) as verifier:
        yield machine_of(request.param), verifier, CPUS[request.param]


# Each compilation takes a second or more: the CPUs that are not this machine's take turns.
TURNS = [
    (name, cpu)
    for place, name in enumerate(WORKLOADS)
    for cpu in ("native", ("haswell", "x86-64")[place % 2])
]


@pytest.mark.parametrize(("workload", "checker"), TURNS, indirect=True)
def test_every_design_computes_what_the_workload_does(workload, checker):
    machine, verifier, count = checker
    designs = rank_designs(workload, machine)
    for design in some(designs, count):
        scheduled = apply_design(workload, design, machine)
        assert verifier(workload["main"], scheduled.mod["main"]) == "", design


FLAT = [
    "pointwise",
    "pointwise, prime extents",
    "pointwise, residual",
    "batch of two",
    "dense, rows",
]


@pytest.mark.parametrize("name", FLAT)
@pytest.mark.parametrize("threads", [1, 2])
def test_the_last_of_flat_tiles_may_have_fewer_rows(name, threads):
    workload = layer(*WORKLOADS[name][:2], **WORKLOADS[name][2])
    target = target_of("native", threads)
    machine = Machine.of(Conditions.of(target))
    flat = [d for d in rank_designs(workload, machine) if any(tile.flat for tile in d.tiles)]
    positions = math.prod(int(e) for e in workload["main"].params[-1].shape[:-1])
    ragged = [d for d in flat if all(positions % t.rows for t in d.tiles if t.flat)]
    with KernelVerifier(target) as verifier:
        for design in ragged[:1]:
            schedule = apply_design(workload, design, machine)
            assert verifier(workload["main"], schedule.mod["main"]) == "", design
            again = replay(schedule.trace.as_json(), workload)
            tvm.ir.assert_structural_equal(again.mod, schedule.mod)
    assert ragged


@pytest.mark.parametrize("name", ["pointwise, stride", "direct", "depthwise", "winograd"])
def test_windows_and_strides_leave_nothing_flat(name):
    workload = layer(*WORKLOADS[name][:2], **WORKLOADS[name][2])
    designs = rank_designs(workload, machine_of("native"))
    assert not any(tile.flat for design in designs for tile in design.tiles)


def test_a_design_is_a_trace_that_can_be_replayed(workload):
    machine = machine_of("native")
    design = rank_designs(workload, machine)[0]
    schedule = apply_design(workload, design, machine)
    again = replay(schedule.trace.as_json(), workload)
    tvm.ir.assert_structural_equal(again.mod, schedule.mod)


def test_designs_are_ranked_and_differ(workload):
    designs = rank_designs(workload, machine_of("native"))
    assert len(set(designs)) == len(designs)
    assert designs[0].cycles == min(design.cycles for design in designs)


@pytest.mark.parametrize("cpu", CPUS)
def test_the_tile_fits_the_registers(cpu):
    mod = layer((1, 14, 14, 64), conv, out=128)
    machine = machine_of(cpu)
    for design in rank_designs(mod, machine):
        (tile,) = design.tiles
        assert (tile.points + 1) * tile.vectors < machine.registers


def test_values_of_the_data_that_serve_one_vector_take_registers():
    mod = layer((1, 14, 14, 64), conv, out=128)

    def most_points(machine):
        (tiles,) = zip(*(design.tiles for design in rank_designs(mod, machine)), strict=True)
        return max(tile.points for tile in tiles if tile.vectors == 1)

    assert most_points(Machine(8, 16)) == 14
    assert most_points(Machine(8, 16, broadcasts_operands=False)) == 7


def test_the_first_tile_hides_latency_and_loads():
    (tile,) = rank_designs(layer((1, 14, 14, 64), conv, out=384), AVX512)[0].tiles
    assert tile.lanes == AVX512.lanes
    assert tile.points * tile.vectors >= AVX512.latency * AVX512.vectors_per_cycle


def test_rows_that_share_lines_of_the_cache_are_kept_few():
    """28 rows of 512 channels are 14 in each set of the first cache, which holds 8."""
    (tile,) = rank_designs(layer((1, 14, 14, 512), conv, out=512), AVX512)[0].tiles
    assert tile.points <= 16
    assert AVX512.is_crowded([2048 * row for row in range(28)])
    assert not AVX512.is_crowded([2048 * row for row in range(14)])


def test_small_layers_stay_serial_and_large_ones_do_not():
    machine = machine_of("native", threads=2)
    small = layer((1, 1, 1, 32), conv, out=8)
    large = layer((1, 56, 56, 64), conv, out=64)
    assert not rank_designs(small, machine)[0].tiles[0].parallel
    assert rank_designs(large, machine)[0].tiles[0].parallel
    one = machine_of("native", threads=1)
    assert not any(tile.parallel for design in rank_designs(large, one) for tile in design.tiles)


def test_a_kernel_has_no_loop_that_is_not_of_its_nest():
    """Padding is decided at each load, and the tail is in the nest of the convolution."""
    mod = layer((1, 14, 14, 32), depthwise, kernel=3, tail=OPS.nn.relu)
    machine = machine_of("native", threads=1)
    schedule = apply_design(mod, rank_designs(mod, machine)[0], machine)
    root = schedule.get_child_blocks(schedule.get_sblock("root"))
    names = {schedule.get(block).name_hint for block in root}
    assert not any("pad" in name for name in names)
    packed = {name for name in names if name.endswith("_global")}
    assert {name.removesuffix("_init").removesuffix("_update") for name in names - packed} == {
        "group_conv2d_nhwc",
        "compute",
    }


def test_the_module_is_left_as_it_was(workload):
    before = tvm.ir.save_json(workload)
    machine = machine_of("native")
    apply_design(workload, rank_designs(workload, machine)[0], machine)
    assert tvm.ir.save_json(workload) == before


def test_what_no_rule_fits_is_said():
    with pytest.raises(NotScheduled, match="no rule"):
        rank_designs(layer((4, 32), OPS.nn.softmax), machine_of("native"))


def test_activation_of_a_bias_is_one_stage():
    """SiLU reads the biased sum twice; both are inlined into one tail."""
    schedule = Schedule(layer((1, 7, 7, 16), conv, out=32, tail=OPS.nn.silu))
    (stage,) = find_stages(schedule)
    assert schedule.get(stage.anchor).name_hint.startswith("conv2d")
    assert not stage.pads
