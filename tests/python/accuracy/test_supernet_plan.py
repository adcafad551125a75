"""Settings of a training, and what its steps draw."""

import numpy as np
import pytest

from cosearch.accuracy.supernet import TrainingPlan
from cosearch.accuracy.supernet.draws import draw_generator, draw_pictures


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("sampling", "ham"),
        ("objective", "test"),
        ("steps", 0),
        ("batch", 1),
        ("middle", -1),
        ("seed", -1),
        ("gap_weight", float("nan")),
        ("weight_decay", -0.1),
        ("learning_rate", 0.0),
    ],
)
def test_a_plan_that_cannot_be_is_refused(setting, value):
    with pytest.raises(ValueError, match=f"{setting} .*use"):
        TrainingPlan(**{setting: value})


def test_pictures_are_drawn_once_each_round():
    drawn = np.concatenate([draw_pictures(10, 4, step, seed=7) for step in range(5)])
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list(range(10))
    assert drawn[:10].tolist() != drawn[10:].tolist()
    assert draw_pictures(10, 4, 0, 7).tolist() != draw_pictures(10, 4, 0, 7, 1).tolist()
    assert draw_pictures(10, 4, 0, 7).tolist() != draw_pictures(10, 4, 0, 8).tolist()


def test_networks_are_drawn_by_seed_and_step():
    drawn = [draw_generator(*key).integers(0, 1000, 8).tolist() for key in ((0, 0), (1, 0), (0, 1))]
    assert drawn[0] == draw_generator(0, 0).integers(0, 1000, 8).tolist()
    assert drawn[0] != drawn[1] != drawn[2] != drawn[0]
