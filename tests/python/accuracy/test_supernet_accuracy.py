"""Accuracy with inherited weights."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from cosearch.accuracy import AccuracyEstimator
from cosearch.accuracy.pictures import Pictures, Split
from cosearch.accuracy.supernet import (
    MBConvSupernet,
    SupernetAccuracy,
    SupernetTraining,
    TrainingPlan,
)
from cosearch.spaces import MBConvSpace
from cosearch.spaces.mbconv import Skeleton

SPACE = MBConvSpace(classes=10, skeleton=Skeleton("one stage", (6, 8), (8, 1), 8, ((8, 1),), 16))


@pytest.fixture(scope="module")
def pictures():
    return Pictures.digits(8)


@pytest.fixture(scope="module")
def training(pictures):
    plan = TrainingPlan(steps=30, batch=32, sampling="single-path", objective="train")
    training = SupernetTraining(MBConvSupernet(SPACE), pictures, plan)
    training.run()
    return training


@pytest.fixture(scope="module")
def rows():
    return SPACE.sample(3, np.random.default_rng(0))


def test_it_is_an_estimator_and_its_score_is_the_share_of_test_pictures_told_right(
    training, pictures, rows
):
    estimator = SupernetAccuracy(training.network, pictures)
    assert isinstance(estimator, AccuracyEstimator)
    assert (estimator.name, estimator.unit) == ("supernet", "%")
    assert np.isnan(estimator.cost_s)
    scores = estimator.score(rows)
    assert scores.shape == (3,) and scores.dtype == np.float64
    told = scores * len(pictures.test) / 100
    np.testing.assert_allclose(told, told.round(), atol=1e-6)
    assert estimator.cost_s > 0
    assert (scores > 30).all()
    untrained = SupernetAccuracy(MBConvSupernet(SPACE), pictures).score(rows[:1])
    assert untrained[0] < 30 < scores[0]


def test_answers_do_not_depend_on_order_and_are_remembered(training, pictures, rows, monkeypatch):
    estimator, again = (SupernetAccuracy(training.network, pictures) for _ in range(2))
    scores = estimator.score(rows)
    assert again.score(rows[::-1]).tolist() == scores[::-1].tolist()
    monkeypatch.setattr(training.network, "subnet", None)
    other = rows.copy()
    other[0, 0] = rows[0, 0]
    unused = SPACE.canonical(rows) != rows
    other[unused] = 0
    assert unused.any()
    assert estimator.score(other).tolist() == scores.tolist()
    with pytest.raises(TypeError):  # an architecture never seen is measured
        estimator.score(training.network.largest[None])


def test_statistics_come_from_training_pictures_and_scores_from_held_out_ones(
    training, pictures, rows
):
    first = SupernetAccuracy(training.network, pictures).appraise(rows[0])
    fewer = replace(pictures, test=pictures.test.take(np.arange(50)))
    part = SupernetAccuracy(training.network, fewer).appraise(rows[0])
    train = pictures.train
    mislabelled = replace(pictures, train=Split(train.pictures, train.labels.flip(0)))
    labels_unused = SupernetAccuracy(training.network, mislabelled).appraise(rows[0])
    assert labels_unused == first
    assert part != first
    dark = replace(pictures, train=Split(train.pictures // 2, train.labels))
    dark.__dict__["statistics"] = pictures.statistics  # the same standardisation
    assert SupernetAccuracy(training.network, dark).appraise(rows[0]).loss != first.loss


def test_a_single_picture_never_makes_a_batch_of_statistics(pictures):
    dot = Skeleton("one pixel", (2,), (8, 2), 8, ((8, 1),), 16)
    odd = replace(pictures, train=pictures.train.take(np.arange(129)))
    estimator = SupernetAccuracy(MBConvSupernet(MBConvSpace(classes=10, skeleton=dot)), odd)
    assert 0 <= estimator.appraise(estimator.network.smallest).accuracy <= 100


def test_a_checkpoint_is_scored_as_the_network_it_came_from(training, pictures, rows, tmp_path):
    training.save(tmp_path / "net.pt")
    loaded = SupernetAccuracy.load(MBConvSupernet(SPACE, 9), pictures, tmp_path / "net.pt")
    expected = SupernetAccuracy(training.network, pictures).score(rows)
    assert loaded.score(rows).tolist() == expected.tolist()
    other = MBConvSupernet(MBConvSpace(2.0, 10, skeleton=SPACE.skeleton))
    with pytest.raises(ValueError, match="is of the space one stage, not one stage x2"):
        SupernetAccuracy.load(other, pictures, tmp_path / "net.pt")


def test_what_is_no_architecture_is_refused(training, pictures):
    with pytest.raises(ValueError, match="no option of one stage"):
        SupernetAccuracy(training.network, pictures).score(training.network.largest[None] + 9)


def test_torch_is_imported_when_something_is_trained():
    code = (
        "import sys, cosearch.accuracy.supernet as s, cosearch.accuracy.pictures\n"
        "print('torch' in sys.modules, s.SupernetTraining.__name__, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "SupernetTraining", "True"]
    assert not hasattr(sys.modules["cosearch.accuracy.supernet"], "Nothing")
    assert torch.is_grad_enabled()  # measuring leaves torch as it was
