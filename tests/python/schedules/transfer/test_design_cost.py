"""The cost model gives what xgboost gives, learns what the rules do not know, and says so."""

import json
from itertools import islice

import numpy as np
import pytest
import xgboost as xgb
from layers import conv, layer

from cosearch.schedules.rules.design import Designer
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.store.errors import DamagedDataError
from cosearch.schedules.transfer.design_cost import DesignCost, Sample, design_features


def sample(machine, *size, slow=3.0):
    """Designs of a pointwise convolution, of which those in columns are slower than expected."""
    side, inputs, out = size
    designer = Designer(layer((1, side, side, inputs), conv, out=out), machine)
    designs = list(islice(designer.rank(), 60))
    cycles = np.array([design.cycles for design in designs])
    factors = [slow if d.tiles[designer.main].order == "columns" else 1.0 for d in designs]
    return Sample(design_features(designer, designs), cycles, cycles * 2e-4 * np.array(factors))


@pytest.fixture(scope="module")
def machine():
    """Return a core with AVX-512, whatever runs the test: with other vectors orders matter less."""
    return Machine(lanes=16, registers=32)


@pytest.fixture(scope="module")
def samples(machine):
    return [sample(machine, *size) for size in ((14, 24, 96), (28, 16, 64), (7, 64, 128))]


@pytest.fixture(scope="module")
def model(samples):
    return DesignCost.fit(samples)


def test_it_learns_what_the_rules_do_not_know(model, machine):
    unseen = sample(machine, 14, 40, 192)
    predicted = model.latencies_us(unseen.features, unseen.cycles)
    assert np.median(np.abs(predicted / unseen.latencies_us - 1)) < 0.1
    best = unseen.latencies_us[predicted.argmin()]
    assert best < 1.05 * unseen.latencies_us.min()
    # Which the rules alone would not: they take both orders for about as good.
    assert unseen.latencies_us[: len(predicted) // 2].max() > 2 * best


def test_it_predicts_what_xgboost_predicts(model, samples):
    booster = xgb.Booster()
    booster.load_model(bytearray(model.to_json().encode()))
    for sampled in samples:
        expected = booster.predict(xgb.DMatrix(sampled.features))
        ours = np.log(model.latencies_us(sampled.features, sampled.cycles) / sampled.cycles)
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


def test_it_is_the_same_every_time(model, samples):
    assert DesignCost.fit(samples).to_json() == model.to_json()
    restored = DesignCost.from_json(model.to_json())
    features, cycles = samples[0].features, samples[0].cycles
    np.testing.assert_array_equal(
        restored.latencies_us(features, cycles), model.latencies_us(features, cycles)
    )


def damaged(model):
    """Texts that are no model, each in another way."""
    whole = json.loads(model.to_json())
    yield "{"
    yield "{}"
    yield "[]"
    cyclic = json.loads(model.to_json())
    cyclic["learner"]["gradient_booster"]["model"]["trees"][0]["left_children"][0] = 0
    yield json.dumps(cyclic)
    short = json.loads(model.to_json())
    short["learner"]["gradient_booster"]["model"]["trees"][0]["split_indices"].pop()
    yield json.dumps(short)
    whole["learner"]["learner_model_param"]["num_feature"] = "1"
    yield json.dumps(whole)


def test_what_is_no_model_is_refused(model):
    texts = list(damaged(model))
    for text in texts:
        with pytest.raises(DamagedDataError, match="no cost model"):
            DesignCost.from_json(text)
    assert len(texts) == 6


def test_rows_of_another_width_are_refused(model):
    with pytest.raises(ValueError, match="features"):
        model.latencies_us(np.zeros((3, 2), dtype="float32"), np.ones(3))
