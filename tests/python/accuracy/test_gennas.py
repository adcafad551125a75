"""GenNAS ranks any space by regression, the same whoever asks and in what order."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from cosearch.accuracy import AccuracyEstimator, GenNAS, GenNASSettings, SignalMix, gennas
from cosearch.accuracy.gennas_regression import StagedRegression, find_stages, regression_losses
from cosearch.accuracy.gennas_signals import draw_pictures, draw_signal, resize
from cosearch.spaces import MBConvSpace, NASBench201Space, ResNetSpace
from tiny_space import TinySpace

TINY = GenNASSettings.tiny()
SPACE = NASBench201Space()
NOTHING = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
GOOD = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    "space",
    [SPACE, MBConvSpace.small(), MBConvSpace(), ResNetSpace(size=64, classes=10), TinySpace()],
    ids=lambda space: space.name,
)
def test_any_space_is_scored(space):
    rows = space.sample(2, np.random.default_rng(0))
    estimator = GenNAS(space, replace(TINY, steps=2))
    scores = estimator.score(rows)
    assert (scores.shape, scores.dtype) == ((2,), np.float64)
    assert (scores < 0).all()
    assert (scores > -gennas.WORST_LOSS).all()
    assert isinstance(estimator, AccuracyEstimator)
    assert (estimator.name, estimator.unit) == ("gennas", "")


def test_a_score_depends_on_nothing_but_architecture_settings_and_seed():
    space = TinySpace()
    rows = space.sample(4, np.random.default_rng(1))
    scores = GenNAS(space, TINY).score(rows)
    assert len(set(scores.tolist())) == len({tuple(row) for row in rows.tolist()})
    torch.manual_seed(99)
    np.testing.assert_array_equal(GenNAS(space, TINY).score(rows[::-1])[::-1], scores)
    np.testing.assert_array_equal(GenNAS(space, TINY).score(rows[2:3]), scores[2:3])
    assert (GenNAS(space, TINY, seed=1).score(rows) != scores).all()
    assert (GenNAS(space, replace(TINY, noise=1.0)).score(rows) != scores).all()


def test_the_callers_generator_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    GenNAS(TinySpace(), TINY).score([[0, 1]])
    assert torch.equal(torch.rand(3), expected)


def test_a_network_that_learns_scores_above_one_that_cannot():
    settings = GenNASSettings(pictures=8, shrink=4, channels=8, steps=20, last_steps=4)
    nothing, good = GenNAS(SPACE, settings).score([SPACE.parse(NOTHING), SPACE.parse(GOOD)])
    assert nothing == pytest.approx(-1, abs=0.15)
    assert good > nothing + 0.2


def test_scores_are_remembered_by_canonical_architecture():
    trained = []
    estimator = GenNAS(SPACE, TINY)
    assert np.isnan(estimator.cost_s)
    dead = [0, 0, 1, 1, 0, 0]
    live = [0, 0, 0, 1, 0, 0]
    scores = estimator.score([dead, live, dead], lambda *counts: trained.append(counts))
    assert trained == [(1, 1)]
    assert scores[0] == scores[1] == scores[2]
    assert estimator.cost_s > 0
    estimator.score([live], lambda *counts: trained.append(counts))
    assert len(trained) == 1


def test_an_interrupted_score_goes_on_where_it_was():
    space = TinySpace()
    rows = [[0, 0], [1, 1], [2, 2], [3, 3]]

    def interrupt(done, of):
        if done == 3:
            raise KeyboardInterrupt

    estimator, left = GenNAS(space, TINY), []
    with pytest.raises(KeyboardInterrupt):
        estimator.score(rows, interrupt)
    scores = estimator.score(rows, lambda *counts: left.append(counts))
    assert left == [(1, 1)]
    np.testing.assert_array_equal(scores, GenNAS(space, TINY).score(rows))


def test_a_training_that_diverges_is_the_worst():
    settings = replace(TINY, learning_rate=1e9, steps=8)
    assert GenNAS(TinySpace(), settings).score([[3, 3]]).tolist() == [-gennas.WORST_LOSS]


def test_no_architectures_have_no_scores():
    assert GenNAS(SPACE, TINY).score(np.empty((0, 6), np.int64)).shape == (0,)


def test_stages_end_where_resolution_falls_and_the_head_is_left_out():
    network = SPACE.network(SPACE.parse(GOOD))
    assert find_stages(list(network), (3, 16)) == [(5, 16), (11, 32), (17, 64)]
    regression = StagedRegression(list(network), [(5, 16), (17, 64)], channels=7, size=6)
    assert len(regression.blocks) == len(network) - 1
    assert [tuple(y.shape) for y in regression(torch.zeros(2, 3, 16, 16))] == [(2, 7, 6, 6)] * 2


def test_a_network_with_fewer_stages_uses_the_last_mixes():
    resized = SignalMix(resized=1.0)
    settings = replace(TINY, mixes=(resized, resized), stage_weights=(1.0, 1.0))
    network = nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1))
    torch.manual_seed(0)
    one = regression_losses(network, (3, 8), replace(settings, steps=2, last_steps=1), 0)
    assert one.shape == (2,)
    assert one[0] == pytest.approx(1, abs=0.01)
    assert one[1] < 1


def test_wide_stages_bear_the_rate_that_suits_narrow_ones():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 512, 1))
    losses = regression_losses(network, (3, 8), replace(TINY, steps=30), 0)
    assert losses.max() < 1.5


def test_a_network_without_feature_maps_is_refused():
    class Flat(TinySpace):
        @property
        def catalogue(self):
            stem = super().catalogue[0]
            flat = replace(stem, build=nn.Flatten)
            return (flat, *super().catalogue[1:])

    with pytest.raises(ValueError, match=r"1-1 cannot be trained .* no feature map"):
        GenNAS(Flat(), TINY).score([[0, 0]])


def test_signals_are_what_they_are_called():
    pictures = draw_pictures(8, 3, 16, generator())

    def draw(**mix):
        signal = draw_signal(SignalMix(**mix), pictures, 10, 8, generator())
        assert signal.shape == (8, 10, 8, 8)
        assert signal.mean() == pytest.approx(0, abs=1e-5)
        assert signal.std() == pytest.approx(1, abs=1e-5)
        return signal

    assert pictures.std() == pytest.approx(1, abs=1e-5)
    waves = draw(waves_1d=1.0)
    flat = (waves.std(2) < 1e-5).all(2) | (waves.std(3) < 1e-5).all(2)
    assert flat.all()
    both = draw(waves_2d=1.0)
    assert not ((both.std(2) < 1e-5).all(2) | (both.std(3) < 1e-5).all(2)).any()
    # The frequency of a wave is where its spectrum peaks.
    quarter = draw(waves_1d=1.0, frequencies=(0.245, 0.255))
    power = torch.fft.fft2(quarter).abs().square()
    assert ((power[:, :, 2, 0] + power[:, :, 0, 2]) / power.sum((2, 3)) > 0.4).all()
    dots = draw(dots=1.0, dot_share=0.2)
    assert len(dots.unique()) == 3
    assert ((dots - dots.median()).abs() > 1e-3).float().mean() == pytest.approx(0.2, abs=0.03)
    smooth = draw(smooth_dots=1.0)
    likeness = [(signal[..., 1:] * signal[..., :-1]).mean() for signal in (dots, smooth)]
    assert likeness[0] < 0.1 < 0.3 < likeness[1]
    copies = draw(resized=1.0).flatten(2)
    small = resize(pictures, 8).flatten(2)
    for channel in range(10):
        matches = [np.corrcoef(copies[0, channel], small[0, c])[0, 1] for c in range(3)]
        assert max(matches) == pytest.approx(1, abs=1e-5)
    mixed = draw(waves_1d=1.0, resized=1.0).flatten(2)
    assert 0.3 < np.corrcoef(mixed.flatten(), waves.flatten())[0, 1] < 0.95


def test_pictures_have_coarse_and_fine_structure():
    pictures = draw_pictures(16, 3, 32, generator())
    neighbours = (pictures[..., 1:] * pictures[..., :-1]).mean()
    assert 0.4 < neighbours < 0.99
    assert torch.equal(pictures, draw_pictures(16, 3, 32, generator()))
    assert not torch.equal(pictures, draw_pictures(16, 3, 32, generator(1)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mixes": ()}, "0 mixes and 3 stage weights"),
        ({"stage_weights": (1.0,)}, "3 mixes and 1 stage weights"),
        ({"stage_weights": (1.0, 1.0, 0.0)}, "that of the last stage is above 0"),
        ({"steps": 0}, "steps is 1 or more, not 0"),
        ({"last_steps": 5}, r"at most steps \(4\), not 5"),
        ({"pictures": 1}, "batch-norm needs a variance"),
    ],
)
def test_settings_that_cannot_be_trained_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ({}, "needs one weight above 0"),
        ({"dots": 1.0, "resized": -1.0}, "and none below"),
        ({"waves_1d": 1.0, "frequencies": (0.3, 0.2)}, "the lower first, not 0.3, 0.2"),
        ({"waves_1d": 1.0, "frequencies": (0.3, 0.7)}, "from 0 to 0.5"),
        ({"dots": 1.0, "dot_share": 0.0}, "dot_share is a share above 0"),
    ],
)
def test_mixes_without_a_signal_are_refused(mix, message):
    with pytest.raises(ValueError, match=message):
        SignalMix(**mix)
