"""The elastic MBConv space."""

import numpy as np
import pytest

from cosearch.spaces import MBConvSpace

TEXT = "224:k5e6s-k3e3/k3e4/k7e6/k3e3/k3e3s"


def test_blocks_say_what_they_are():
    space = MBConvSpace()
    assert [block.name for block in space.blocks(space.parse(TEXT))] == [
        "stem k3 s2 3->16 224x224",
        "mbconv k3 e1 s1 16->16 112x112",
        "mbconv k5 e6 s2 16->24 112x112 se",
        "mbconv k3 e3 s1 24->24 56x56",
        "mbconv k3 e4 s2 24->40 56x56",
        "mbconv k7 e6 s2 40->80 28x28",
        "mbconv k3 e3 s1 80->112 14x14",
        "mbconv k3 e3 s2 112->160 14x14 se",
        "head 160->1280->1000 7x7",
    ]


def test_the_encoding_is_size_then_depth_and_blocks_of_each_stage():
    space = MBConvSpace()
    row = space.parse(TEXT)
    assert row[:7].tolist() == [4, 1, 1, 2, 1, 0, 0]
    assert space.choices[:5] == (5, 4, 3, 3, 2)
    assert space.format(row) == TEXT


def test_blocks_beyond_the_depth_have_no_effect():
    space = MBConvSpace()
    row = space.parse(TEXT)
    other = row.copy()
    other[8:14] = 1  # the third and the fourth block of the first stage, of depth 2
    assert space.canonical(other[None])[0].tolist() == row.tolist()
    other[6] = 1
    assert space.canonical(other[None])[0].tolist() != row.tolist()


def test_picture_sizes_that_round_to_one_share_blocks():
    space = MBConvSpace()
    large, smaller = space.slots([space.parse(TEXT), space.parse(TEXT.replace("224", "208"))])
    assert large[-1] == smaller[-1]
    assert large[0] != smaller[0]


@pytest.mark.parametrize(
    ("width", "channels"), [(1.0, [24, 40, 80, 112, 160]), (1.3, [32, 56, 104, 144, 208])]
)
def test_width_multiplies_channels(width, channels):
    space = MBConvSpace(width)
    row = space.parse("160:k3e3/k3e3/k3e3/k3e3/k3e3")
    assert [block.input_shape[1] for block in space.blocks(row)[3:]] == channels


def test_the_small_variant_is_for_small_pictures():
    space = MBConvSpace.small(classes=7)
    assert space.name == "mbconv-small"
    assert space.input_shape == (1, 3, 32, 32)
    assert space.choices[1:] == MBConvSpace().choices[1:]


def test_the_small_variant_takes_a_tenth_of_the_work():
    means = []
    for space in (MBConvSpace.small(), MBConvSpace()):
        rows = space.sample(1000, np.random.default_rng(0))
        means.append(space.multiply_adds(rows).mean())
    assert means[0] < 0.1 * means[1]


def test_width_must_be_positive():
    with pytest.raises(ValueError, match="not 0"):
        MBConvSpace(0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k3e3/k3e3", "a colon and 5 stages"),
        ("224:k3e3/k3e3", "a colon and 5 stages"),
        (TEXT.replace("224", "225"), "picture size 225 is no option; use 160, 176, 192, 208, 224"),
        (TEXT.replace("k7", "k9"), "stage 2, block 0: kernel 9 is no option; use 3, 5, 7"),
        (TEXT.replace("e4", "e5"), "stage 1, block 0: expansion 5 is no option; use 3, 4, 6"),
        (TEXT.replace("k7e6", "k7"), "stage 2, block 0: 'k7' is no block; write one such as k5e6"),
        (TEXT.replace("k7e6", "-".join(["k7e6"] * 5)), "stage 2: 5 blocks; use 1 to 4"),
    ],
)
def test_wrong_text_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        MBConvSpace().parse(text)


def test_slots_of_many_architectures_are_arrays():
    space = MBConvSpace()
    rows = space.sample(10_000, np.random.default_rng(0))
    slots = space.slots(rows)
    depths = rows[:, 1::13].sum(1) + 5
    np.testing.assert_array_equal((slots >= 0).sum(1), depths + 3)
