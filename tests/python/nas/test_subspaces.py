import numpy as np
import pytest

from cosearch.nas.subspaces import Division, SubSpace, choose_division, divide
from cosearch.spaces import MBConvSpace, NASBench201Space

SPACE = MBConvSpace()
LIMIT = 280.0
"""Million multiply-adds: most at the smallest size have fewer, few of the widest and largest."""


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_every_operator_stays_inside(rng):
    part = SubSpace(SPACE, {0: 2, 1: 3})
    rows = part.sample(50, rng)
    for found in (
        rows,
        part.mutate(rows, rng, 0.5),
        part.crossover(rows, rows[::-1], rng),
        part.canonical(rows),
    ):
        assert (found[:, 0] == 2).all()
        assert (found[:, 1] == 3).all()
    assert not np.array_equal(part.mutate(rows, rng, 0.5), rows)


def test_rows_are_those_of_the_whole(rng):
    part = SubSpace(SPACE, {0: 4})
    rows = part.sample(20, rng)
    assert np.array_equal(part.slots(rows), SPACE.slots(rows))
    assert np.array_equal(part.multiply_adds(rows), SPACE.multiply_adds(rows))
    assert np.array_equal(part.parse(part.format(rows[0])), SPACE.canonical(rows[:1])[0])
    assert part.catalogue is SPACE.catalogue


def test_what_is_outside_is_refused(rng):
    part = SubSpace(SPACE, {0: 4})
    rows = part.sample(3, rng)
    rows[1, 0] = 2
    with pytest.raises(ValueError, match="row 1, position 0: 2 is outside of this part of mbconv"):
        part.canonical(rows)
    with pytest.raises(ValueError, match="outside of this part"):
        part.parse(SPACE.format(rows[1]))
    for fixed in ({0: 5}, {66: 0}, {-1: 0}):
        with pytest.raises(ValueError, match="has no option"):
            SubSpace(SPACE, fixed)


def test_parts_are_told_apart_by_what_they_take(rng):
    spaces = [SPACE, MBConvSpace(1.3)]

    def latencies_us(rows, space):
        return space.multiply_adds(rows) / 1e6

    found = divide(spaces, (0,), latencies_us, LIMIT, samples=40, rng=rng)
    assert [(d.space.name, d.space.fixed) for d in found] == [
        (name, {0: option}) for name in ("mbconv", "mbconv x1.3") for option in range(5)
    ]
    for division in found:
        times = division.latencies_us
        assert (np.diff(times) >= 0).all()
        assert division.within == (times <= LIMIT).sum()
        assert division.share_within == division.within / 40
        if division.within:
            assert division.mean_us == pytest.approx(times[times <= LIMIT].mean())
    shares = [division.share_within for division in found]
    assert shares[0] > shares[4]
    assert shares[4] > shares[9]


def test_each_rule_chooses_by_its_own_measure():
    space = SubSpace(NASBench201Space(), {0: 0})
    slow = Division(space, np.array([5.0, 9.0]), 1, 5.0, 300.0)
    fast = Division(space, np.array([2.0, 3.0]), 2, 2.5, 100.0)
    never = Division(space, np.array([20.0, 30.0]), 0, np.nan, np.nan)
    assert choose_division([slow, never, fast]) is fast
    assert choose_division([never, fast, slow], "multiply-adds") is slow
    with pytest.raises(ValueError, match="the fastest takes 20 µs"):
        choose_division([never])


def test_nothing_to_divide_is_refused(rng):
    with pytest.raises(ValueError, match="no position 66"):
        divide([SPACE], (66,), SPACE.multiply_adds, 1.0, samples=1, rng=rng)
    with pytest.raises(ValueError, match="one sample or more"):
        divide([SPACE], (0,), SPACE.multiply_adds, 1.0, samples=0, rng=rng)
