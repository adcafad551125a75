"""NetworkModel: overheads are found, and intervals hold as many networks as they say."""

import numpy as np
import pytest

from cosearch.latency.network_model import NetworkModel, folds


def test_overheads_are_found():
    random = np.random.default_rng(0)
    sums, calls = random.uniform(500, 5000, 60), random.integers(20, 80, 60).astype("float64")
    measured = 1.02 * sums + 0.2 * calls + 4
    found = NetworkModel.fit(sums, calls, measured)
    np.testing.assert_allclose(found.latency_us(sums, calls), measured, rtol=5e-3)


def test_few_networks_leave_the_sum_as_it_is():
    found = NetworkModel.fit(np.array([1000.0]), np.array([30.0]), np.array([1000.0]))
    assert found.latency_us(np.array(2000.0), np.array(60.0)) == pytest.approx(2000, rel=1e-3)


def test_intervals_cover_what_they_promise():
    random = np.random.default_rng(1)
    shares = random.uniform(0, 1, 4000)
    errors = random.normal(0, 0.01 + 0.1 * shares)
    model = NetworkModel().with_errors(errors[:300], shares[:300])
    inside = np.abs(errors[300:]) <= model.half_width(shares[300:])
    assert 0.85 <= inside.mean() <= 0.95
    low, high = shares[300:] < 0.3, shares[300:] > 0.7
    assert inside[low].mean() > 0.8
    assert inside[high].mean() > 0.8
    assert model.predicted_error > 0


def test_equal_shares_need_no_slope():
    model = NetworkModel().with_errors(np.full(20, 0.03), np.zeros(20))
    assert model.predicted_error == 0
    assert model.table_error == pytest.approx(0.03)


def test_folds_are_a_partition_and_depend_on_the_seed_alone():
    names = [f"n{i}" for i in range(23)]
    parts = folds(names, 5, seed=3)
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert parts == folds(names, 5, seed=3)
    assert parts != folds(names, 5, seed=4)
