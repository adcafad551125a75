"""The rules' designs serve MetaSchedule's own search."""

import pytest
from layers import OPS, conv, layer
from tvm.s_tir import meta_schedule as ms

from cosearch.schedules import Conditions, resolve_target
from cosearch.schedules.rules.design import follow_design, rank_designs
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.rules.space import design_space
from cosearch.schedules.tensor_intrinsics import cpu_intrinsics
from cosearch.schedules.verify_kernel import KernelVerifier
from cosearch.schedules.workers.pool import MAX_STORES
from cosearch.schedules.workers.process import TooManyStoresError, compile_candidate

TARGET = resolve_target("llvm -mcpu=native -num-cores=2")


def context_of(mod, generator):
    with cpu_intrinsics():
        return ms.TuneContext(
            mod,
            target=TARGET,
            space_generator=generator,
            search_strategy=ms.search_strategy.EvolutionarySearch(population_size=16),
            task_name="layer",
            rand_state=1,
            num_threads=1,
        )


def test_designs_lie_in_the_space_beside_the_default_ones():
    mod = layer((1, 14, 14, 32), conv, out=64, tail=OPS.nn.relu)
    default = context_of(mod, "post-order-apply").generate_design_space()
    spaces = context_of(mod, design_space(TARGET, 3)).generate_design_space()
    assert len(spaces) == len(default) + 3
    machine = Machine.of(Conditions.of(TARGET))
    best = follow_design(mod, rank_designs(mod, machine)[0], machine)
    assert str(spaces[0].trace) == str(best.trace)


def test_what_no_rule_fits_keeps_the_default_space():
    mod = layer((4, 32), OPS.nn.softmax)
    default = context_of(mod, "post-order-apply").generate_design_space()
    assert len(context_of(mod, design_space(TARGET)).generate_design_space()) == len(default)


@pytest.mark.parametrize("kernel", [1, 3])
def test_the_search_mutates_designs_into_right_kernels(kernel):
    mod = layer((1, 14, 14, 16), conv, out=32, kernel=kernel, tail=OPS.nn.relu)
    context = context_of(mod, design_space(TARGET, 2))
    spaces = context.generate_design_space()[:2]
    database = ms.database.MemoryDatabase()
    database.commit_workload(mod)
    model = ms.cost_model.RandomModel()
    context.pre_tuning(64, 8, spaces, database, model)
    candidates = context.generate_measure_candidates()
    assert len({str(candidate.sch.trace) for candidate in candidates}) > 1
    # As in the tuner, those that unroll to a lot of code are left out: LLVM takes minutes for some.
    chosen = [c.sch.mod for c in candidates if is_worth_compiling(c.sch.mod)][:4]
    assert chosen
    with KernelVerifier(TARGET) as verifier:
        for scheduled in chosen:
            assert verifier(mod["main"], scheduled["main"]) == ""


def is_worth_compiling(mod) -> bool:
    try:
        compile_candidate(mod, TARGET, MAX_STORES)
    except TooManyStoresError:
        return False
    return True
