"""KernelModel: what is learnt of kernels in networks holds for others."""

import numpy as np
import pytest

from cosearch import frontend
from cosearch.latency.kernel_model import KernelModel, Observation
from cosearch.latency.outlook import Foreseer, Outlook
from cosearch.schedules import Conditions, extract_workloads, lower_to_workloads

KINDS = {"pointwise": 1.0, "depthwise": 1.5, "dense": 0.8}


def outlook(rng, kind) -> Outlook:
    base_us = float(10 ** rng.uniform(0, 3))
    moved = tuple(float(10 ** rng.uniform(3, 6.5)) for _ in range(3))
    return Outlook(base_us, "rules", kind, (1.0,), moved)


def truth_us(one: Outlook) -> float:
    """What it takes: a call, the promise, and weights that come from afar."""
    moved_us = np.dot(one.moved_bytes, (40e-6, 8e-6, 2e-6))
    return KINDS.get(one.kind, 1.0) * (1.1 * one.base_us + 0.4 + float(moved_us))


def learn(count=300, kinds=tuple(KINDS)) -> KernelModel:
    rng = np.random.default_rng(0)
    seen = [outlook(rng, kinds[place % len(kinds)]) for place in range(count)]
    return KernelModel.fit(
        [Observation(f"w{i}", "network", truth_us(one), one) for i, one in enumerate(seen)]
    )


def test_promise_bytes_and_kinds_are_told_apart():
    model, rng = learn(), np.random.default_rng(1)
    others = [outlook(rng, kind) for kind in KINDS for _ in range(50)]
    found = model.latencies_us([f"new {i}" for i in range(len(others))], others)
    errors = np.abs(found / [truth_us(one) for one in others] - 1)
    assert np.median(errors) < 0.03
    assert np.quantile(errors, 0.9) < 0.1
    ratio = model.kinds["depthwise"] / model.kinds["pointwise"]
    assert ratio == pytest.approx(1.5, rel=0.1)


def test_few_kernels_of_a_kind_tell_little():
    rng = np.random.default_rng(2)
    seen = [outlook(rng, "pointwise") for _ in range(100)] + [outlook(rng, "depthwise")]
    model = KernelModel.fit(
        [Observation(f"w{i}", "network", truth_us(one), one) for i, one in enumerate(seen)]
    )
    assert 1.0 < model.kinds["depthwise"] < 1.15


def test_a_kind_that_was_never_measured_is_taken_as_the_others_are():
    model = learn(kinds=("pointwise",))
    other = outlook(np.random.default_rng(3), "unheard of")
    assert "unheard of" not in model.kinds
    assert model.latencies_us(["new"], [other])[0] == pytest.approx(truth_us(other), rel=0.1)


def test_what_was_written_is_read():
    model, rng = learn(), np.random.default_rng(4)
    others = [outlook(rng, kind) for kind in (*KINDS, "unheard of")]
    names = [f"new {i}" for i in range(len(others))]
    again = KernelModel.from_json(model.to_json())
    np.testing.assert_array_equal(
        again.latencies_us(names, others), model.latencies_us(names, others)
    )


def test_bytes_of_real_kernels(network, target, database):
    lowered = lower_to_workloads(frontend.from_onnx(network.onnx), target)
    foreseer = Foreseer(database, Conditions.of(target))
    weights = 0.0
    for task in extract_workloads(lowered):
        found = foreseer.foresee(task.workload.mod["main"], task.workload.signature)
        assert min(found.moved_bytes) >= 0
        assert found.moved_bytes[2] > 0
        weights += found.moved_bytes[0]
    parameters = sum(value.numel() for value in network.torch.parameters())
    # Normalisation is folded into the weights before it.
    assert 0.8 * 4 * parameters < weights <= 4 * parameters
