"""A device is predicted from a few measurements and what other devices tell."""

import numpy as np
import pytest

from cosearch.latency.adapt import DeviceAdapter
from cosearch.latency.adapt_encodings import encode_nasbench201

ROWS, COLUMNS = 400, 6


def make_devices(seed, count, noise=0.0, views=1):
    """Devices whose weights are of rank two; the last one is returned apart, without noise."""
    rng = np.random.default_rng(seed)
    features = rng.integers(0, 4, (views, ROWS, COLUMNS)).astype(float)
    weights = rng.uniform(0.5, 1.5, (count + 1, 2)) @ rng.uniform(1.0, 9.0, (2, COLUMNS))
    latencies = 20.0 + features[0] @ weights.T
    table = latencies[:, :-1] + noise * latencies.std() * rng.standard_normal((ROWS, count))
    return features, np.maximum(table, 1.0), latencies[:, -1]


def correlation(left, right):
    return np.corrcoef(np.argsort(np.argsort(left)), np.argsort(np.argsort(right)))[0, 1]


def test_a_device_like_the_others_is_known_from_four_samples():
    features, table, new = make_devices(0, 5)
    adapter = DeviceAdapter.fit(features, table)
    samples = adapter.choose_samples(4, seed=0)
    prediction = adapter.adapt(samples, new[samples]).predict()
    assert prediction.dtype == np.float64
    assert prediction.shape == (ROWS,)
    assert correlation(prediction, new) > 0.99
    assert np.median(np.abs(prediction / new - 1)) < 0.03


def test_rows_and_features_are_predicted_alike():
    features, table, new = make_devices(1, 4, views=2)
    adapter = DeviceAdapter.fit(features, table)
    samples = adapter.choose_samples(6, seed=0)
    by_rows = adapter.adapt(samples, new[samples])
    by_features = adapter.adapt(features[:, samples], new[samples])
    np.testing.assert_allclose(by_rows.predict([3, 5]), by_rows.predict(features[:, [3, 5]]))
    np.testing.assert_allclose(by_rows.predict(), by_features.predict())
    np.testing.assert_allclose(by_rows.deviation()[:9], by_rows.deviation(np.arange(9)))


def test_the_same_seed_chooses_the_same():
    features, table, _ = make_devices(2, 4)
    adapter = DeviceAdapter.fit(features, table)
    again = DeviceAdapter.fit(features, table)
    first = adapter.choose_samples(10, seed=3)
    assert np.array_equal(first, again.choose_samples(10, seed=3))
    assert np.array_equal(first[:4], adapter.choose_samples(4, seed=3))
    assert len(set(first.tolist())) == 10


def mean_correlation(count, choose, noise=0.3):
    scores = []
    for seed in range(8):
        features, table, new = make_devices(seed, 5, noise=noise)
        rng = np.random.default_rng(seed)
        adapter = DeviceAdapter.fit(features, table)
        drawn = rng.choice(ROWS, count, replace=False)
        samples = adapter.choose_samples(count, seed) if choose else drawn
        measured = new[samples] + noise * new.std() * rng.standard_normal(count)
        prediction = adapter.adapt(samples, np.maximum(measured, 1.0)).predict()
        scores.append(correlation(prediction, new))
    return np.mean(scores)


def test_more_samples_do_not_hurt():
    few, more, many = (mean_correlation(count, choose=True) for count in (4, 12, 60))
    assert few - 0.005 < more
    assert more - 0.005 < many
    assert many > 0.98


def test_chosen_samples_beat_random_ones():
    assert mean_correlation(8, choose=True) > mean_correlation(8, choose=False)


def test_an_outlier_is_borne():
    features, table, new = make_devices(4, 5, noise=0.05)
    adapter = DeviceAdapter.fit(features, table)
    samples = adapter.choose_samples(10, seed=0)
    measured = new[samples].copy()
    measured[6] *= 3
    assert correlation(adapter.adapt(samples, measured).predict(), new) > 0.97


def test_a_device_unlike_all_is_learnt_from_more_samples():
    features, table, _ = make_devices(5, 4)
    weights = np.array([9.0, 0.0, 9.0, 0.0, 0.0, 1.0])
    unlike = 30.0 + features[0] @ weights
    adapter = DeviceAdapter.fit(features, table)
    samples = adapter.choose_samples(20, seed=0)
    assert correlation(adapter.adapt(samples, unlike[samples]).predict(), unlike) > 0.98


def test_the_view_that_a_device_follows_is_found():
    features, table, _ = make_devices(6, 4, views=2)
    other = 20.0 + features[1] @ np.array([3.0, 8.0, 5.0, 4.0, 6.0, 5.0])
    adapter = DeviceAdapter.fit(features, table)
    samples = adapter.choose_samples(16, seed=0)
    predictor = adapter.adapt(samples, other[samples])
    assert predictor.moments.views[1] > 0.9
    assert correlation(predictor.predict(), other) > 0.97


def test_one_reference_with_whole_numbers_serves():
    features, table, new = make_devices(7, 1)
    adapter = DeviceAdapter.fit(features[0], np.round(table / 10) * 10)
    samples = adapter.choose_samples(10, seed=0)
    assert correlation(adapter.adapt(samples, new[samples]).predict(), new) > 0.97


def test_deviations_hold_what_they_say():
    inside = []
    for seed in range(10):
        features, table, new = make_devices(seed, 5, noise=0.2)
        rng = np.random.default_rng(seed)
        adapter = DeviceAdapter.fit(features, table)
        samples = adapter.choose_samples(10, seed)
        measured = np.maximum(new + 0.2 * new.std() * rng.standard_normal(ROWS), 1.0)
        predictor = adapter.adapt(samples, measured[samples])
        inside.append(
            np.mean(np.abs(predictor.predict() - measured) < 1.645 * predictor.deviation())
        )
    assert 0.8 < np.mean(inside) < 0.99


def test_latencies_are_positive_and_unit_free():
    features, table, new = make_devices(8, 3)
    adapter = DeviceAdapter.fit(features, table)
    samples = adapter.choose_samples(5, seed=0)
    steep = np.maximum(new - new.min(), 0.01)
    prediction = adapter.adapt(samples, steep[samples]).predict(-9.0 * np.ones((1, 2, COLUMNS)))
    assert np.all(prediction > 0)
    small = adapter.adapt(samples, new[samples]).predict()
    large = adapter.adapt(samples, new[samples] * 1000).predict()
    np.testing.assert_allclose(large, small * 1000, rtol=1e-6)


def test_equal_measurements_are_borne():
    features, table, _ = make_devices(9, 3)
    predictor = DeviceAdapter.fit(features, table).adapt([0, 1, 2], [5.0, 5.0, 5.0])
    np.testing.assert_allclose(predictor.predict(), 5.0, rtol=0.01)


def test_cells_of_nasbench201():
    cell = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
    names = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    rng = np.random.default_rng(0)
    encoding = encode_nasbench201([cell.format(*rng.choice(names, 6)) for _ in range(300)])
    costs = np.array([[0.1, 2, 7, 1, 0.2, 0], [0.1, 3, 5, 1, 0.3, 0], [0.2, 4, 4, 3, 0.2, 0]])
    table = 5.0 + encoding.features[0] @ costs.T
    compiled = 5.0 + encoding.features[1] @ np.array([0.1, 2.5, 6, 2, 0.2, 0])
    adapter = DeviceAdapter.fit(encoding, table)
    samples = adapter.choose_samples(10, seed=1)
    assert correlation(adapter.adapt(samples, compiled[samples]).predict(), compiled) > 0.98


@pytest.mark.parametrize(
    ("features", "latencies", "message"),
    [
        (np.ones(4), np.ones((4, 1)), "features must be finite"),
        (np.full((4, 2), np.nan), np.ones((4, 1)), "features must be finite"),
        (np.eye(4), np.ones((3, 1)), r"latencies have shape \[3, 1\], not \[4, m\]"),
        (np.eye(4), np.ones(4), r"not \[4, m\]"),
        (np.eye(4), np.full((4, 1), np.nan), "positive and finite"),
        (np.eye(4), np.zeros((4, 1)), "positive and finite"),
        (np.eye(4), np.ones((4, 1)), "latencies that differ"),
        (np.eye(4), np.ones((4, 0)), "latencies that differ"),
        (np.eye(2), np.array([[1.0], [2.0]]), "too small"),
    ],
)
def test_what_is_no_table_is_refused(features, latencies, message):
    with pytest.raises(ValueError, match=message):
        DeviceAdapter.fit(features, latencies)


def test_what_is_no_sample_is_refused():
    features, table, _ = make_devices(0, 2)
    adapter = DeviceAdapter.fit(features, table)
    with pytest.raises(ValueError, match="cannot choose 401 of 400"):
        adapter.choose_samples(401, seed=0)
    with pytest.raises(ValueError, match="two or more"):
        adapter.adapt([1], [2.0])
    with pytest.raises(ValueError, match="rows must be from 0 to 399"):
        adapter.adapt([1, 400], [2.0, 3.0])
    with pytest.raises(ValueError, match=r"not \[2\]"):
        adapter.adapt([1, 2], [2.0])
    with pytest.raises(ValueError, match="positive and finite"):
        adapter.adapt([1, 2], [2.0, -1.0])
    with pytest.raises(ValueError, match=r"not \[1, n, 6\]"):
        adapter.adapt(np.ones((2, 5)), [2.0, 1.0])
