"""A workload without records gets the schedule of one that is like it, or the rules' own."""

import json
from dataclasses import replace
from itertools import islice

import pytest
from layers import OPS, conv, depthwise, layer, residual
from sampling import sample_trace
from tvm.ir import IRModule

from cosearch.blocks import Signature
from cosearch.schedules import (
    Conditions,
    Provenance,
    Record,
    ScheduleDatabase,
    resolve_target,
)
from cosearch.schedules.apply import apply_schedules
from cosearch.schedules.rules.design import Design, Designer, apply_design, rank_designs
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.similarity import Neighbour, WorkloadPoint
from cosearch.schedules.store.donors import Donor
from cosearch.schedules.store.traces import trace_text
from cosearch.schedules.tasks import workload_of
from cosearch.schedules.transfer.candidates import rank_candidates
from cosearch.schedules.transfer.design_cost import LEAST_RECORDS
from cosearch.schedules.transfer.knowledge import are_kindred
from cosearch.schedules.transfer.relatives import choose_relative


def pointwise(side, inputs, out, tail=OPS.nn.relu):
    return layer((1, side, side, inputs), conv, out=out, tail=tail)


def measured(mod, design, machine, conditions, latency_us, network="donor"):
    trace = json.loads(trace_text(apply_design(mod, design, machine).trace.as_json()))
    provenance = Provenance(network, trials=1, search="rules", design=design.text)
    return Record(workload_of(mod["main"]), trace, (latency_us,), conditions, provenance)


def sampled(mod, target, conditions, latency_us=10.0):
    trace = json.loads(trace_text(sample_trace(mod, target)))
    workload = workload_of(mod["main"])
    return Record(workload, trace, (latency_us,), conditions, Provenance("sampled", trials=1))


def apply(mod, database, conditions, verifier=None):
    func = mod["main"]
    scheduled, applied = apply_schedules(IRModule({"main": func}), database, conditions, verifier)
    return scheduled["main"], applied["main"]


@pytest.fixture
def unusual(machine):
    """A design that the rules would not rank first, for a workload and for its relatives."""
    donor = pointwise(14, 32, 96)
    return donor, rank_designs(donor, machine)[9]


def test_a_near_relative_lends_its_design(unusual, machine, conditions, verifier):
    donor, design = unusual
    mod = pointwise(14, 32, 96, residual)  # the same with another end
    with ScheduleDatabase.in_memory() as database:
        database.add(measured(donor, design, machine, conditions, 7.0))
        kernel, applied = apply(mod, database, conditions, verifier)
    assert applied.record is None
    assert applied.candidate.design.text == design.text
    assert applied.candidate.donor.network == "donor"
    assert applied.candidate.distance < 1.0
    assert verifier(mod["main"], kernel) == ""


def test_a_far_relative_gives_way_to_the_rules_while_nothing_was_learnt():
    # Nothing is run, so it need not be this machine: what is far depends on the vectors.
    conditions = Conditions.of(resolve_target("llvm -mcpu=znver4 -num-cores=2"))
    machine, donor = Machine.of(conditions), pointwise(14, 32, 96)
    design = rank_designs(donor, machine)[9]
    with ScheduleDatabase.in_memory() as database:
        database.add(measured(donor, design, machine, conditions, 7.0))
        _, applied = apply(pointwise(112, 16, 512), database, conditions)
    assert applied.candidate.donor is None


def test_what_was_learnt_decides(machine, conditions):
    """Records say that what the rules take for the worst is the best; then so it is elsewhere."""
    donors = [pointwise(*size) for size in ((14, 32, 96), (28, 16, 64), (7, 64, 128))]
    with ScheduleDatabase.in_memory() as database:
        for donor in donors:
            designs = list(islice(Designer(donor, machine).rank(), 48))
            database.add_many(
                measured(
                    donor,
                    design,
                    machine,
                    conditions,
                    design.cycles * (1e-5 if design.tiles[0].unroll == 2 else 1e-3),
                )
                for design in designs
            )
        assert len(database) >= LEAST_RECORDS
        _, applied = apply(pointwise(14, 48, 160), database, conditions)
        assert applied.candidate.design.tiles[0].unroll == 2
        cycles = applied.candidate.design.cycles
        assert applied.candidate.expected_us == pytest.approx(cycles * 1e-5, rel=0.3)
        cost = database.knowledge(conditions).cost
        again = database.knowledge(conditions).cost  # out of the database
        assert again.to_json() == cost.to_json()


def test_a_trace_without_a_design_moves_to_workloads_of_its_structure(
    target, machine, conditions, verifier
):
    donor = layer((4, 32), OPS.nn.softmax)  # no rule fits it
    mod = layer((4, 48), OPS.nn.softmax)
    with ScheduleDatabase.in_memory() as database:
        _, before = apply(mod, database, conditions)
        assert before.candidate is None
        database.add(sampled(donor, target, conditions))
        kernel, applied = apply(mod, database, conditions)
    assert applied.candidate.design is None
    assert applied.candidate.donor.network == "sampled"
    assert verifier(mod["main"], kernel) == ""


@pytest.mark.parametrize(
    "trace",
    [
        [[["NoSuchInstruction", [], [], []]], []],
        [[["GetSBlock", [], ["no_such_block", "main"], ["b0"]]], []],
        [[["Split", ["l0", 1, 10**12], [1, 0], ["l1", "l2"]]], []],
    ],
)
def test_a_damaged_donor_is_counted_and_not_tried_again(trace, target, conditions):
    donor, mod = layer((4, 32), OPS.nn.softmax), layer((4, 48), OPS.nn.softmax)
    with ScheduleDatabase.in_memory() as database:
        database.add(replace(sampled(donor, target, conditions), trace=trace))
        _, first = apply(mod, database, conditions)
        _, second = apply(mod, database, conditions)
    assert first.candidate is None
    assert [entry.donor for entry in first.rejected] == ["sampled"]
    assert "does not apply" in first.rejected[0].reason
    assert second.candidate is None
    assert second.rejected == ()


def test_a_donor_whose_kernel_is_wrong_gives_way(unusual, machine, conditions):
    donor, design = unusual
    mod = pointwise(14, 32, 96, residual)
    verdicts = iter(["computes something else", ""])
    with ScheduleDatabase.in_memory() as database:
        database.add(measured(donor, design, machine, conditions, 7.0))
        _, applied = apply(mod, database, conditions, lambda *_: next(verdicts))
        assert applied.candidate.donor is None
        assert [entry.reason for entry in applied.rejected] == ["computes something else"]
        assert (
            database.knowledge(conditions).donors(
                applied.signature, Designer(mod, machine).point, 4
            )
            == []
        )


def test_a_text_that_is_no_design_is_passed_over(unusual, machine, conditions):
    donor, design = unusual
    record = measured(donor, design, machine, conditions, 7.0)
    for text in (
        "nonsense",
        "9x9x9x9 rows inline unroll1 serial; 1x1x1x1 rows tile unroll9 serial",
    ):
        damaged = replace(record, provenance=replace(record.provenance, design=text))
        with ScheduleDatabase.in_memory() as database:
            database.add(damaged)
            kernel, applied = apply(pointwise(14, 32, 96, residual), database, conditions)
        assert applied.candidate is not None
        assert kernel.attrs["tirx.is_scheduled"]


def test_candidates_come_once_and_best_first(unusual, machine, conditions):
    donor, design = unusual
    mod = pointwise(14, 32, 96, residual)
    with ScheduleDatabase.in_memory() as database:
        database.add(measured(donor, design, machine, conditions, 7.0))
        workload = workload_of(mod["main"])
        knowledge = database.knowledge(conditions)
        candidates = list(rank_candidates(mod, workload.signature, machine, knowledge))
    texts = [candidate.design.text for candidate in candidates]
    assert len(set(texts)) == len(texts)
    assert set(texts) == {design.text for design in rank_designs(mod, machine)}


def test_records_of_another_kind_are_no_donors(machine, conditions):
    donor = layer((1, 14, 14, 32), depthwise, kernel=3)
    with ScheduleDatabase.in_memory() as database:
        best = rank_designs(donor, machine)[0]
        database.add(measured(donor, best, machine, conditions, 7.0))
        _, applied = apply(pointwise(14, 32, 96), database, conditions)
    assert applied.candidate.donor is None


def test_kindred_conditions(conditions):
    assert are_kindred(conditions, replace(conditions, threads=conditions.threads + 2))
    assert not are_kindred(conditions, replace(conditions, threads=1))
    assert not are_kindred(conditions, replace(conditions, tvm_version="0.1"))
    assert not are_kindred(conditions, replace(conditions, features="neon"))
    other = json.dumps({**json.loads(conditions.target), "mcpu": "another"})
    assert are_kindred(conditions, replace(conditions, target=other))


def test_records_of_another_cpu_are_donors_and_no_hits(unusual, machine, conditions):
    donor, design = unusual
    other = replace(conditions, threads=conditions.threads + 2)
    with ScheduleDatabase.in_memory() as database:
        database.add(measured(donor, design, machine, other, 7.0))
        _, applied = apply(donor, database, conditions)
    assert applied.record is None
    assert applied.candidate.donor.conditions == other
    assert applied.candidate.distance == 0.0
    assert Design.parse(design.text).text == applied.candidate.design.text


def test_a_block_takes_the_schedules_of_one_relative(conditions):
    def donor(block, place):
        return Donor(
            record_id=place,
            uid=f"{block}{place}",
            signature=Signature("0" * 32, "1" * 32),
            point=WorkloadPoint(),
            latency_us=1.0,
            network="net",
            block=block,
            design="",
            conditions=conditions,
            storage=None,
        )

    def near(distance, same=True):
        return Neighbour(0, same, distance)

    near_once = [(donor("near", 1), near(0.1)), (donor("both", 2), near(1.0))]
    other = [(donor("both", 3), near(1.0)), (donor("alien", 4), near(0.0, same=False))]
    third = [(donor("both", 5), near(2.0)), (donor("far", 6), near(9.0))]
    assert choose_relative([near_once, other, third]) == "both"
    assert choose_relative([near_once]) == ""  # no block has more than one
    far = [[(donor("far", 1), near(5.0))], [(donor("far", 2), near(5.0))]]
    assert choose_relative([a + b for a, b in zip(far, [near_once, other], strict=True)]) == "both"


def test_the_relative_is_preferred_among_equals(unusual, machine, conditions):
    donor, design = unusual
    other = rank_designs(donor, machine)[7]
    mod = pointwise(14, 32, 96, residual)
    records = [
        measured(pointwise(14, 32, 96), other, machine, conditions, 7.0),
        measured(pointwise(14, 36, 96), design, machine, conditions, 7.0),
    ]
    with ScheduleDatabase.in_memory() as database:
        for name, record in zip("ab", records, strict=True):
            provenance = replace(record.provenance, block=name)
            database.add(replace(record, provenance=provenance))
        knowledge = database.knowledge(conditions)
        signature = workload_of(mod["main"]).signature
        nearest = next(rank_candidates(mod, signature, machine, knowledge))
        preferred = next(rank_candidates(mod, signature, machine, knowledge, relative="b"))
    assert nearest.donor.block == "a"
    assert preferred.donor.block == "b"
