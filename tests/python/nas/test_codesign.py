"""CHaNAS on a space whose accuracies and latencies are known exactly."""

import numpy as np
import pytest

from cosearch.nas.codesign import chanas
from cosearch.spaces import MBConvSpace

SPACE = MBConvSpace.small()


class DeepIsAccurate:
    """Accuracy grows with the kernels and depths: the first stages' genes count most."""

    name, unit, cost_s = "made up", "%", 0.0

    def __init__(self):
        self.asked = 0

    def score(self, architectures):
        rows = SPACE.canonical(architectures)
        self.asked += len(rows)
        return 50.0 + rows @ np.linspace(2.0, 1.0, rows.shape[1])


class MultiplyAdds:
    """A latency table without a compiler."""

    def __init__(self):
        self.learnt = []

    def interval_batch(self, architectures, space):
        us = space.multiply_adds(architectures) / 1e4
        return us, 0.9 * us, 1.1 * us

    def learn_space(self, space, progress=None):
        self.learnt.append(space.name)
        progress(1, 1)


@pytest.fixture(scope="module")
def limit_us():
    rows = SPACE.sample(500, np.random.default_rng(1))
    return float(np.quantile(MultiplyAdds().interval_batch(rows, SPACE)[2], 0.3))


@pytest.fixture(scope="module")
def found(limit_us):
    stages = []
    made = chanas(
        [(SPACE, DeepIsAccurate())],
        limit_us,
        MultiplyAdds(),
        samples=50,
        pairs=40,
        budget=200,
        finalists=5,
        progress=lambda stage, done, total: stages.append((stage, done, total)),
    )
    return made, stages


def test_the_answer_keeps_the_limit_and_beats_chance(found, limit_us):
    made, _ = found
    best = made.best
    assert best.latency_high_us <= limit_us
    rows = SPACE.sample(200, np.random.default_rng(9))
    table, truth = MultiplyAdds(), DeepIsAccurate()
    kept = rows[table.interval_batch(rows, SPACE)[2] <= limit_us]
    assert best.accuracy > truth.score(kept).max()
    assert best.accuracy == truth.score(best.row[None])[0]


def test_finalists_come_in_order(found):
    made, _ = found
    accuracies = [finalist.accuracy for finalist in made.finalists]
    assert len(accuracies) == 5
    assert accuracies == sorted(accuracies, reverse=True)


def test_all_stages_are_told(found):
    _, stages = found
    names = {stage for stage, _, _ in stages}
    assert names == {
        "scheduling blocks of mbconv-small",
        "looking up accuracies",
        "searching",
        "looking up the finalists",
    }
    assert ("looking up the finalists", 5, 5) in stages


def test_the_surrogate_is_judged_on_what_it_has_not_seen(found):
    made, _ = found
    assert made.surrogate_quality["spearman"] > 0.3


def test_the_same_seed_finds_the_same(limit_us):
    few = {"samples": 20, "pairs": 20, "budget": 60, "finalists": 3}
    one, other = (
        chanas([(SPACE, DeepIsAccurate())], limit_us, MultiplyAdds(), **few) for _ in range(2)
    )
    assert np.array_equal(one.best.row, other.best.row)


def test_a_limit_that_nothing_keeps_says_what_is_possible():
    with pytest.raises(ValueError, match="the fastest takes"):
        chanas([(SPACE, DeepIsAccurate())], 1e-3, MultiplyAdds(), samples=5, pairs=10)


def test_nonsense_is_refused():
    pair = (SPACE, DeepIsAccurate())
    with pytest.raises(ValueError, match="two of the spaces have one name"):
        chanas([pair, pair], 1.0, MultiplyAdds())
    with pytest.raises(ValueError, match="pairs is at least 5"):
        chanas([pair], 1.0, MultiplyAdds(), pairs=4)
