"""Dominance against its definition, and distances that can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosearch.nas import (
    generational_distance,
    hypervolume,
    igd_share,
    inverted_generational_distance,
    non_dominated,
)


def by_definition(losses):
    better = (losses[:, None] <= losses[None]).all(2) & (losses[:, None] < losses[None]).any(2)
    return ~better.any(axis=0)


@given(st.data())
def test_non_dominated_is_what_dominance_says(data):
    objectives = data.draw(st.integers(1, 4))
    point = st.lists(st.integers(0, 4), min_size=objectives, max_size=objectives)
    losses = np.array(data.draw(st.lists(point, min_size=1, max_size=40)), float)
    np.testing.assert_array_equal(non_dominated(losses), by_definition(losses))


def test_nothing_has_no_front():
    assert non_dominated(np.empty((0, 2))).shape == (0,)


def test_hypervolume_of_two_boxes():
    points = np.array([[1.0, 2.0], [2.0, 1.0], [2.5, 2.5], [9.0, 0.0]])
    assert hypervolume(points, np.array([3.0, 3.0])) == pytest.approx(3.0)
    assert hypervolume(points, np.array([0.5, 0.5])) == 0.0
    assert hypervolume(np.array([[1.0], [2.0]]), np.array([3.0])) == pytest.approx(2.0)


def test_distances():
    true_front = np.array([[0.0, 3.0], [4.0, 0.0]])
    found = np.array([[0.0, 3.0]])
    assert generational_distance(found, true_front) == 0
    assert inverted_generational_distance(found, true_front) == pytest.approx(2.5)


def test_the_share_is_of_each_objectives_extent():
    true_front = np.array([[1000.0, -90.0], [2000.0, -94.0], [2000.0, -94.0]])
    found = np.array([[1000.0, -90.0], [2100.0, -94.0]])
    assert igd_share(found, true_front) == pytest.approx((0 + 0.1) / 2)
    assert igd_share(true_front, true_front) == 0
    with pytest.raises(ValueError, match="at least one point"):
        igd_share(found[:0], true_front)
