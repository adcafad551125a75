"""KernelModel: what is learnt of kernels in networks holds for others."""

from dataclasses import replace

import numpy as np
import pytest

from cosearch import frontend
from cosearch.latency.cache_curve import FOOTPRINT
from cosearch.latency.composition import Composition
from cosearch.latency.kernel_model import KernelModel
from cosearch.latency.observation import Observation
from cosearch.latency.outlook import Foreseer, Outlook
from cosearch.schedules import Conditions, extract_workloads, lower_to_workloads

KINDS = {"pointwise": 1.0, "depthwise": 1.2, "dense": 0.9}
SMALL_KB, LARGE_KB = 500.0, 40_000.0


def outlook(rng, kind) -> Outlook:
    base_us = float(10 ** rng.uniform(0, 3))
    return Outlook(base_us, "rules", kind, (1.0,), float(10 ** rng.uniform(0, 3.5)))


def truth_us(one: Outlook, footprint_kb: float) -> float:
    """What it takes: in large networks calls and weights that come from afar beyond the promise."""
    promised = 1.1 * KINDS.get(one.kind, 1.0) * one.base_us
    if footprint_kb <= SMALL_KB:
        return promised + 0.1
    return promised + 0.4 + 0.04 * one.weights_kb


def observe(place, one, footprint_kb, noise=1.0) -> Observation:
    latency_us = noise * truth_us(one, footprint_kb)
    return Observation(f"w{place}", f"of {footprint_kb}", latency_us, one, footprint_kb)


def learn(count=300, kinds=tuple(KINDS), footprints_kb=(SMALL_KB, LARGE_KB)) -> KernelModel:
    rng = np.random.default_rng(0)
    seen = []
    for place in range(count):
        one = outlook(rng, kinds[place % len(kinds)])
        seen += [observe(place, one, footprint_kb) for footprint_kb in footprints_kb]
    return KernelModel.fit(seen)


def predict(model, names, others, footprint_kb):
    costs = model.costs(names, others)
    costs[:, FOOTPRINT] = footprint_kb
    return model.line.caches.latency_us(costs)


def strangers(seed, kinds=tuple(KINDS), each=50):
    rng = np.random.default_rng(seed)
    others = [outlook(rng, kind) for kind in kinds for _ in range(each)]
    return [f"new {i}" for i in range(len(others))], others


@pytest.mark.parametrize("footprint_kb", [SMALL_KB, LARGE_KB])
def test_promises_kinds_and_caches_are_told_apart(footprint_kb):
    model, (names, others) = learn(), strangers(1)
    found = predict(model, names, others, footprint_kb)
    errors = np.abs(found / [truth_us(one, footprint_kb) for one in others] - 1)
    assert np.median(errors) < 0.02
    assert np.quantile(errors, 0.9) < 0.1


@pytest.mark.parametrize(("seen_in", "asked_for"), [(SMALL_KB, LARGE_KB), (LARGE_KB, SMALL_KB)])
def test_a_kernel_is_known_in_networks_of_another_size(seen_in, asked_for):
    rng = np.random.default_rng(5)
    both = [outlook(rng, "pointwise") for _ in range(60)]
    seen = [observe(i, one, kb) for i, one in enumerate(both) for kb in (SMALL_KB, LARGE_KB)]
    others = [outlook(rng, "pointwise") for _ in range(20)]
    seen += [observe(f" other {i}", one, seen_in) for i, one in enumerate(others)]
    names = [f"w other {i}" for i in range(len(others))]
    found = predict(KernelModel.fit(seen), names, others, asked_for)
    np.testing.assert_allclose(found, [truth_us(one, asked_for) for one in others], rtol=0.05)
    elsewhere = np.array([truth_us(one, seen_in) for one in others])
    assert np.max(np.abs(found / elsewhere - 1)) > 0.2  # it matters


def test_few_kernels_of_a_kind_tell_little():
    rng = np.random.default_rng(2)
    seen = [observe(i, outlook(rng, "pointwise"), LARGE_KB) for i in range(100)]
    for count in (1, 100):
        more = [observe(f"d{i}", outlook(rng, "depthwise"), LARGE_KB, 1.25) for i in range(count)]
        factors = KernelModel.fit([*seen, *more]).line.kinds
        ratio = factors["depthwise"][0] / factors["pointwise"][0]
        assert 1.0 < ratio < 1.3 if count == 1 else ratio == pytest.approx(1.5, rel=0.1)


def test_a_kind_that_was_never_measured_is_taken_as_the_others_are():
    model, (names, others) = learn(kinds=("pointwise",)), strangers(3, ("unheard of",), 1)
    assert "unheard of" not in model.line.kinds
    found = predict(model, names, others, LARGE_KB)
    assert found[0] == pytest.approx(truth_us(others[0], LARGE_KB), rel=0.1)


def test_noise_in_what_was_measured_bends_little():
    rng = np.random.default_rng(6)
    seen = [
        replace(one, latency_us=one.latency_us * float(rng.normal(1, 0.03)))
        for place in range(300)
        for kernel in [outlook(rng, "pointwise")]
        for one in (observe(place, kernel, SMALL_KB), observe(place, kernel, LARGE_KB))
    ]
    names, others = strangers(7, ("pointwise",))
    for footprint_kb in (SMALL_KB, LARGE_KB):
        found = predict(KernelModel.fit(seen), names, others, footprint_kb)
        errors = np.abs(found / [truth_us(one, footprint_kb) for one in others] - 1)
        assert np.median(errors) < 0.03


def test_a_network_is_as_large_as_its_weights():
    model, (names, others) = learn(), strangers(8, each=4)
    calls = np.arange(1.0, len(others) + 1)
    kernels = Composition(tuple(names), calls, tuple(others))
    footprint_kb = sum(n * one.weights_kb for n, one in zip(calls, others, strict=True))
    expected = predict(model, names, others, footprint_kb)
    np.testing.assert_allclose(model.latencies_us(kernels), expected)


def test_what_was_written_is_read():
    model, (names, others) = learn(), strangers(4, (*KINDS, "unheard of"), 1)
    again = KernelModel.from_json(model.to_json())
    np.testing.assert_array_equal(again.costs(names, others), model.costs(names, others))


def test_bytes_of_real_kernels(network, target, database):
    lowered = lower_to_workloads(frontend.from_onnx(network.onnx), target)
    foreseer = Foreseer(database, Conditions.of(target))
    weights = 0.0
    for task in extract_workloads(lowered):
        found = foreseer.foresee(task.workload.mod["main"], task.workload.signature)
        assert found.weights_kb >= 0
        weights += 1e3 * found.weights_kb
    parameters = sum(value.numel() for value in network.torch.parameters())
    # Normalisation is folded into the weights before it.
    assert 0.8 * 4 * parameters < weights <= 4 * parameters
