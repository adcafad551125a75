"""Look-ups in a database of 100,000 records: one is to take less than a millisecond.

Run with ``pytest benchmarks/micro/test_database_lookup.py``.
"""

import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from tvm import te
from tvm.ir import IRModule
from tvm.s_tir import Schedule

from cosearch.blocks import Signature, workload_signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.record import Record, Workload
from cosearch.schedules.store.entry import Entry
from cosearch.schedules.target import resolve_target

RECORDS = 100_000
LIMIT_S = 1e-3


def matmul(size: int) -> IRModule:
    """Make a matrix product."""
    a, b = te.placeholder((size, size), name="a"), te.placeholder((size, size), name="b")
    k = te.reduce_axis((0, size), name="k")
    c = te.compute((size, size), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="c")
    return IRModule({"main": te.create_prim_func([a, b, c])})


def tiled_trace(mod: IRModule) -> Any:
    """Make a trace of about the length that MetaSchedule's have."""
    schedule = Schedule(mod, seed=1)
    loops = schedule.get_loops(schedule.get_sblock("c"))
    for loop in loops:
        schedule.split(loop, schedule.sample_perfect_tile(loop, 4, 64))
    for loop in schedule.get_loops(schedule.get_sblock("c")):
        schedule.annotate(loop, "pragma_auto_unroll_max_step", 16)
    return schedule.trace.as_json()


def fill(database: ScheduleDatabase, record: Record, signatures: list[Signature]) -> None:
    """Add 100,000 records with random times, spread evenly over the signatures."""
    draw = random.Random(0)
    template = Entry.of(record)
    irs = [
        template.ir.__class__(signature, template.ir.digest, template.ir.data)
        for signature in signatures
    ]
    for first in range(0, RECORDS, 2000):
        entries = []
        for number in range(first, first + 2000):
            latency_us = draw.uniform(1, 1e4)
            changed = {
                "uid": uuid.UUID(int=number).hex,
                "ir": irs[number % len(irs)],
                "latencies_us": (latency_us,),
            }
            entries.append(Entry(**{**vars(template), **changed}))
        database._storage.add_entries(entries)


@pytest.mark.parametrize("workloads", [1, 1000, 50_000])
@pytest.mark.parametrize("with_ir", [False, True], ids=["by_signature", "by_structure"])
def test_best_of_100_000_records(
    benchmark: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
    workloads: int,
    with_ir: bool,
) -> None:
    """Ask for random workloads, so that most rows come from outside of the page cache."""
    if with_ir and workloads > 1000:
        pytest.skip("decoding 50,000 modules for the first time is another question")
    mod = matmul(64)
    conditions = Conditions.of(resolve_target())
    record = Record(
        Workload(mod, workload_signature(mod["main"])), tiled_trace(mod), (1.0,), conditions
    )
    signatures = [Signature(uuid.UUID(int=i).hex, "0" * 32) for i in range(workloads)]
    path = tmp_path_factory.getbasetemp() / f"{workloads}.sqlite"
    database = ScheduleDatabase(path)
    if len(database) == 0:
        fill(database, record, signatures)
    draw = random.Random(1)

    def look_up() -> Record | None:
        return database.best(draw.choice(signatures), conditions, mod if with_ir else None)

    for signature in signatures[:1000]:
        assert database.best(signature, conditions, mod if with_ir else None) is not None
    found = benchmark.pedantic(look_up, rounds=2000, iterations=1)
    assert found.latency_us > 0
    assert benchmark.stats.stats.median < LIMIT_S
