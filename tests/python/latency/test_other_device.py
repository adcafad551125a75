"""LatencyPredictor.adapt: another device, from a handful of networks measured there."""

import numpy as np
import pytest

from cosearch import ScheduleDatabase
from cosearch.latency import LatencyPredictor
from cosearch.schedules import resolve_target
from tiny_space import TinySpace, label_as_promised

SPACE = TinySpace()
EVERYTHING = np.indices(SPACE.choices).reshape(2, -1).T


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    target = resolve_target("llvm -mcpu=native -num-cores=1")
    database = ScheduleDatabase(tmp_path_factory.mktemp("labels") / "labels.sqlite")
    label_as_promised(database, SPACE, EVERYTHING[::3], target)
    return LatencyPredictor.fit(database, target)


@pytest.fixture(scope="module")
def device_us(predictor):
    """A device on which each kind of kernel takes from 3 to 12 times as long."""
    rng = np.random.default_rng(0)
    kinds = {kind: float(rng.uniform(3, 12)) for kind in predictor.kernels.line.kinds}
    there = LatencyPredictor(
        predictor.kernels.on_device(kinds),
        predictor.network,
        predictor.target,
        predictor._database,
        predictor.book,
    )
    return there.predict_batch(EVERYTHING, SPACE)


def test_kinds_of_kernels_are_told_apart(predictor, device_us):
    chosen = np.arange(len(EVERYTHING))[::2]
    adapted = predictor.adapt(EVERYTHING[chosen], device_us[chosen], SPACE)
    found, low_us, high_us = adapted.interval_batch(EVERYTHING, SPACE)
    errors = np.abs(found / device_us - 1)
    here = predictor.predict_batch(EVERYTHING, SPACE)
    scaled = here * np.median(device_us[chosen] / here[chosen])
    assert errors.max() < 0.05
    assert errors.mean() < 0.5 * np.abs(scaled / device_us - 1).mean()
    assert ((low_us <= device_us) & (device_us <= high_us)).mean() > 0.8
    # The predictor that it was made of is what it was.
    np.testing.assert_array_equal(predictor.predict_batch(EVERYTHING, SPACE), here)


def test_three_samples_give_the_scale(predictor, device_us):
    adapted = predictor.adapt(EVERYTHING[:3], device_us[:3], SPACE)
    ratios = adapted.predict_batch(EVERYTHING, SPACE) / device_us
    assert 0.7 < np.median(ratios) < 1.4


def test_it_is_kept_apart_from_the_machines_own(predictor, device_us, tmp_path):
    adapted = predictor.adapt(EVERYTHING[::2], device_us[::2], SPACE)
    with pytest.raises(ValueError, match="path of its own"):
        adapted.save()
    loaded = LatencyPredictor.load(adapted.save(tmp_path / "phone.json.gz"), predictor._database)
    np.testing.assert_array_equal(
        loaded.predict_batch(EVERYTHING, SPACE), adapted.predict_batch(EVERYTHING, SPACE)
    )


@pytest.mark.parametrize(
    ("rows", "latencies_us", "message"),
    [
        (EVERYTHING[:2], [1.0, 2.0], "3 or more"),
        (EVERYTHING[:4], [1.0, 2.0, 3.0], "one for each"),
        (EVERYTHING[:3], [1.0, 2.0, 0.0], "positive and finite"),
        (EVERYTHING[:3], [1.0, 2.0, np.nan], "positive and finite"),
    ],
)
def test_measurements_that_are_none_are_refused(predictor, rows, latencies_us, message):
    with pytest.raises(ValueError, match=message):
        predictor.adapt(rows, latencies_us, SPACE)
