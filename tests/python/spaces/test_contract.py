"""What every space promises, without torch."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosearch.spaces import SPACES, Block, space_named
from cosearch.spaces.catalogue import CatalogueBuilder

seeds = st.integers(0, 2**32 - 1)


def drawn(space, seed, count=1):
    return space.sample(count, np.random.default_rng(seed))


@given(seed=seeds)
def test_text_reads_back_as_the_canonical_architecture(space, seed):
    (row,) = drawn(space, seed)
    text = space.format(row)
    assert not any(character.isspace() for character in text)
    read = space.parse(text)
    assert read.dtype == np.int64
    np.testing.assert_array_equal(read, space.canonical(row[None])[0])
    np.testing.assert_array_equal(space.parse(space.format(read)), read)


@given(seed=seeds)
def test_canonical_is_idempotent_and_keeps_the_blocks(space, seed):
    rows = drawn(space, seed, 4)
    before = rows.copy()
    canonical = space.canonical(rows)
    np.testing.assert_array_equal(rows, before)
    np.testing.assert_array_equal(space.canonical(canonical), canonical)
    np.testing.assert_array_equal(space.slots(canonical), space.slots(rows))


@given(seed=seeds)
def test_equal_blocks_mean_equal_canonical_encodings(space, seed):
    """Slots tell architectures apart just as the canonical encoding does."""
    rng = np.random.default_rng(seed)
    rows = space.sample(50, rng)
    near = space.mutate(rows, rng, 1 / rows.shape[1])
    same_blocks = (space.slots(rows) == space.slots(near)).all(1)
    same_encoding = (space.canonical(rows) == space.canonical(near)).all(1)
    np.testing.assert_array_equal(same_blocks, same_encoding)


def test_slots_agree_with_blocks_and_counts(space):
    rows = drawn(space, 1, 50)
    slots = space.slots(rows)
    assert slots.dtype == np.int32
    assert slots.shape[0] == 50
    for row, places, multiply_adds, parameters in zip(
        rows, slots, space.multiply_adds(rows), space.parameters(rows), strict=True
    ):
        blocks = space.blocks(row)
        assert blocks == [space.catalogue[place] for place in places if place >= 0]
        assert multiply_adds == sum(block.multiply_adds for block in blocks)
        assert parameters == sum(block.parameters for block in blocks)


def test_networks_begin_with_the_block_that_says_so(space):
    for row in drawn(space, 9, 20):
        first, *others = [block.first for block in space.blocks(row)]
        assert first and not any(others)


def test_the_catalogue_has_every_block_once_and_all_are_used(space):
    used = np.unique(space.slots(drawn(space, 2, 50_000)))
    used = used[used >= 0]
    assert used[-1] < len(space.catalogue)
    if space.name.startswith("nasbench"):  # there are too many cells to see all in a test like this
        return
    names = [block.name for block in space.catalogue]
    assert len(set(names)) == len(names)
    np.testing.assert_array_equal(used, range(len(names)))


def test_counts_are_those_of_the_catalogue(space):
    for place in range(0, len(space.catalogue), max(97, len(space.catalogue) // 500)):
        block = space.catalogue[place]
        assert space.counts[:, place].tolist() == [block.multiply_adds, block.parameters]


def test_variation_stays_valid_and_depends_on_the_generator_alone(space):
    def vary(seed):
        rng = np.random.default_rng(seed)
        rows = space.sample(200, rng)
        return rows, space.mutate(rows, rng, 0.3), space.crossover(rows, rows[::-1], rng)

    rows, mutated, crossed = vary(3)
    for made in (rows, mutated, crossed):
        assert made.dtype == np.int64
        space.validate(made)
    for one, other in zip(vary(3), vary(3), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (vary(3)[1] != vary(4)[1]).any()
    assert ((crossed == rows) | (crossed == rows[::-1])).all()
    assert (crossed != rows).any() and (crossed != rows[::-1]).any()


def test_mutation_rate(space):
    rng = np.random.default_rng(5)
    rows = space.sample(2000, rng)
    free = np.array(space.choices) > 1
    np.testing.assert_array_equal(space.mutate(rows, rng, 0.0), rows)
    if space.name == "nasbench101":  # where most changes of edges make no cell
        return
    assert (space.mutate(rows, rng, 1.0) != rows)[:, free].all()
    changed = (space.mutate(rows, rng, 0.2) != rows)[:, free].mean()
    assert changed == pytest.approx(0.2, abs=0.02)


def test_sampling_reaches_every_option(space):
    rows = drawn(space, 6, 500)
    reached = [len(np.unique(column)) for column in rows.T]
    if space.name == "nasbench101":  # only the input can lead to the first vertex, and always does
        assert reached.pop(0) == 1
    assert reached == list(space.choices[-len(reached) :])


def test_no_architectures_are_fine(space):
    none = space.sample(0, np.random.default_rng(0))
    assert space.slots(none).shape[0] == 0
    assert space.multiply_adds(none).shape == (0,)
    assert space.canonical(none).shape == none.shape


def test_wrong_architectures_are_named(space):
    rows = drawn(space, 7, 3)
    last = space.choices[2]
    rows[1, 2] = last
    with pytest.raises(ValueError, match=rf"row 1, position 2: {last} .* use 0 to {last - 1}"):
        space.slots(rows)
    rows[1, 2] = -1
    with pytest.raises(ValueError, match="row 1, position 2: -1"):
        space.canonical(rows)
    positions = len(space.choices)
    with pytest.raises(ValueError, match=rf"\[count, {positions}\], not \[3, {positions - 1}\]"):
        space.validate(rows[:, 1:])
    with pytest.raises(ValueError, match="integers, not float64"):
        space.validate(rows * 1.0)


def test_crossover_wants_pairs(space):
    rows = drawn(space, 8, 3)
    with pytest.raises(ValueError, match="3 and 2 rows: give as many"):
        space.crossover(rows, rows[:2], np.random.default_rng(0))


@pytest.mark.parametrize("name", SPACES)
def test_spaces_have_names(name):
    assert space_named(name).name == name


def test_unknown_names_list_the_known():
    with pytest.raises(ValueError, match=r"'darts'; known are fbnet, mbconv, .*nasbench101"):
        space_named("darts")


def test_one_name_for_two_blocks_is_refused():
    builder = CatalogueBuilder()
    assert builder.place(Block("a", (1, 3, 8, 8), list, 1, 1)) == 0
    assert builder.place(Block("a", (1, 3, 8, 8), dict, 1, 1)) == 0
    with pytest.raises(ValueError, match="two different blocks are named 'a'"):
        builder.place(Block("a", (1, 3, 8, 8), list, 2, 1))


def test_spaces_come_without_torch():
    code = (
        "import sys, numpy, cosearch.spaces as s\n"
        "for name in ('fbnet', 'mbconv', 'nasbench101', 'nasbench201', 'resnet'):\n"
        "    space = s.space_named(name)\n"
        "    space.parameters(space.sample(3, numpy.random.default_rng(0)))\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
