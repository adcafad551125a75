"""Workloads, traces and records for the tests of the schedule database."""

import json
from functools import cache

import pytest
import tvm
from tvm import te
from tvm.ir import IRModule
from tvm.s_tir import Schedule
from tvm.target import Target

from cosearch.blocks import Signature, workload_signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.record import Provenance, Record, Workload

TARGET = {"kind": "llvm", "mcpu": "x86-64-v3", "num-cores": 2}


@cache
def matmul(size=16, block="matmul", parameter="a"):
    """A matrix product with a ReLU behind it; block and parameter names are the caller's."""
    left = te.placeholder((size, size), name=parameter)
    right = te.placeholder((size, size), name="b")
    k = te.reduce_axis((0, size), name="k")
    product = te.compute(
        (size, size), lambda i, j: te.sum(left[i, k] * right[k, j], axis=k), name=block
    )
    zero = tvm.tirx.const(0, "float32")
    relu = te.compute((size, size), lambda i, j: te.max(product[i, j], zero), name="relu")
    return IRModule({"main": te.create_prim_func([left, right, relu])})


@cache
def _space(size):
    """Three schedules as MetaSchedule would sample them; its own start-up takes half a minute."""
    found = []
    for seed in (1, 2, 3):
        schedule = Schedule(matmul(size), seed=seed)
        block = schedule.get_sblock("matmul")
        i, j, k = schedule.get_loops(block)
        i0, i1 = schedule.split(i, schedule.sample_perfect_tile(i, 2, 16))
        j0, j1 = schedule.split(j, schedule.sample_perfect_tile(j, 2, 16), preserve_unit_iters=True)
        schedule.reorder(i0, j0, k, i1, j1)
        if seed > 1:
            schedule.parallel(i0)
        schedule.annotate(i0, "pragma_auto_unroll_max_step", 2**seed)
        found.append(schedule)
    return found


@cache
def _signature(size):
    return workload_signature(matmul(size)["main"])


@pytest.fixture(scope="session")
def make_matmul():
    return matmul


@pytest.fixture(scope="session")
def target():
    return Target(TARGET)


@pytest.fixture(scope="session")
def conditions(target):
    return Conditions.of(target)


@pytest.fixture(scope="session")
def space():
    """Three schedules of the matrix product of a size."""
    return _space


@pytest.fixture(scope="session")
def trace():
    """A real trace as plain JSON, without TVM's own number objects."""
    real = _space(16)[0].trace.as_json()
    return json.loads(json.dumps(real, default=lambda number: number.value))


@pytest.fixture(scope="session")
def make_record(conditions, trace):
    def make(latency_us=10.0, *, size=16, signature=None, mod=None, found=conditions, **fields):
        workload = Workload(mod or matmul(size), signature or _signature(size), "fused_matmul")
        own = trace if size == 16 else _space(size)[0].trace.as_json()
        times = () if fields.get("failure") else (latency_us,) * 3
        defaults = {
            "workload": workload,
            "trace": own,
            "latencies_us": times,
            "conditions": found,
            "provenance": Provenance("net", "mbconv", 64, "evolutionary", "2026-01-02T03:04:05Z"),
        }
        return Record(**{**defaults, **fields})

    return make


@pytest.fixture(scope="session")
def signature():
    return _signature(16)


@pytest.fixture(scope="session")
def other_signature():
    return Signature("f" * 32, "e" * 32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "schedules.sqlite"


@pytest.fixture
def database(path):
    database = ScheduleDatabase(path)
    yield database
    database.close()
