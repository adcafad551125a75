"""The space of FBNet."""

import numpy as np
import pytest
import torch

from cosearch.spaces import FBNetSpace
from cosearch.spaces.fbnet_modules import FBConv, Shuffle

C = (
    "k3_e1/k3_e6-skip-k3_e1-k3_e1/k5_e6-k5_e3-k5_e6-k3_e6/k5_e6-k5_e3-k5_e6-k5_e6/"
    "k5_e6-k5_e6-k5_e6-k5_e3/k5_e6-k5_e6-k5_e6-k5_e6/k3_e6"
)
"""FBNet-C, as its authors publish it."""
SKIP = 8
NOTHING = "skip/" + "skip-skip-skip-skip/" * 5 + "skip"


def test_blocks_say_what_they_are():
    space = FBNetSpace()
    names = [block.name for block in space.blocks(space.parse(C))]
    assert names[:6] == [
        "stem k3 s2 3->16 224x224",
        "fbnet k3 e1 s1 16->16 112x112",
        "fbnet k3 e6 s2 16->24 112x112",
        "fbnet k3 e1 s1 24->24 56x56",
        "fbnet k3 e1 s1 24->24 56x56",
        "fbnet k5 e6 s2 24->32 56x56",
    ]
    assert names[-2:] == ["fbnet k3 e6 s1 184->352 7x7", "head 352->1984->1000 7x7"]
    assert len(names) == 2 + 21


def test_fbnet_c_counts_as_published():
    """5.5 M parameters, 378.2 M multiply-adds, pooling counted and e1 without a convolution."""
    space = FBNetSpace()
    row = space.parse(C)
    expanding, pooling = 16 * 16 * 112**2 + 2 * 24 * 24 * 56**2, 1984 * 7 * 7
    published = space.multiply_adds([row])[0] - expanding + pooling
    assert published / 1e6 == pytest.approx(378.2, abs=0.05)
    assert space.parameters([row])[0] / 1e6 == pytest.approx(5.5, abs=0.1)


def test_a_skip_is_nothing_or_changes_the_shape():
    space = FBNetSpace()
    assert [block.name for block in space.blocks(space.parse(NOTHING))] == [
        "stem k3 s2 3->16 224x224",
        "skip k1 s2 16->24 112x112",
        "skip k1 s2 24->32 56x56",
        "skip k1 s2 32->64 28x28",
        "skip k1 s1 64->112 14x14",
        "skip k1 s2 112->184 14x14",
        "skip k1 s1 184->352 7x7",
        "head 352->1984->1000 7x7",
    ]


def test_the_catalogue_holds_each_shape_once():
    """Seven first layers and five others, of nine operators, of which six skips do nothing."""
    space = FBNetSpace()
    assert space.choices == (9,) * 22
    assert len(space.catalogue) == 2 + 12 * 9 - 6


def test_it_does_not_matter_which_of_equal_layers_is_left_out():
    space = FBNetSpace()
    one = space.parse(C)
    other = one.copy()
    other[[2, 3, 4]] = [0, SKIP, 0]
    assert one[[2, 3, 4]].tolist() == [0, 0, SKIP]
    np.testing.assert_array_equal(space.canonical([other])[0], one)
    np.testing.assert_array_equal(space.slots([other]), space.slots([one]))
    outputs = []
    for row in (one, other):
        torch.manual_seed(0)
        network = FBNetSpace(size=32).network(row)
        outputs.append(network(torch.ones(1, 3, 32, 32)))
    assert torch.equal(*outputs)


def test_the_order_of_layers_that_do_something_matters():
    space = FBNetSpace()
    row = space.parse(NOTHING)
    row[[6, 7, 8]] = [SKIP, 5, 2]
    assert space.canonical([row])[0, 6:9].tolist() == [5, 2, SKIP]
    row[[6, 7, 8]] = [2, SKIP, 5]
    assert space.canonical([row])[0, 6:9].tolist() == [2, 5, SKIP]
    row[1] = 3  # the first layer of a stage keeps its place
    assert space.canonical([row])[0, 1] == 3


def test_text_keeps_the_layers_as_they_are():
    space = FBNetSpace()
    row = space.parse(C)
    row[[2, 3, 4]] = [SKIP, 0, 0]
    assert space.format(row) == C


def test_shuffling_deals_channels_out():
    x = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert Shuffle(2)(x).flatten().tolist() == [0, 3, 1, 4, 2, 5]


def test_with_groups_every_output_sees_every_input():
    """Without the shuffle a group of outputs would see half of the inputs."""
    torch.manual_seed(0)
    layer = FBConv((8, 6), 3, 1, 2, 1).double().eval()
    x = torch.rand(1, 8, 1, 1, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(layer.layers[0], x)
    assert (jacobian.reshape(8, 8) == 0).sum() == 32
    shuffled = [module for module in layer.layers if isinstance(module, Shuffle)]
    assert len(shuffled) == 1
    # Open every ReLU, so that what is zero is not connected.
    for module in layer.layers:
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.constant_(module.bias, 10.0)
    jacobian = torch.autograd.functional.jacobian(layer, x)
    assert (jacobian.reshape(6, 8) != 0).all()


def test_too_small_pictures_are_refused():
    with pytest.raises(ValueError, match="use 32 or more"):
        FBNetSpace(size=16)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k3_e1/skip", "2 stages; write 7, parted by /"),
        (C.replace("-k3_e1/k5", "/k5"), "stage 1: 3 layers; write 4"),
        (C.replace("k5_e3", "k7_e3", 1), "stage 2, layer 1: unknown operator 'k7_e3'; use k3_e1"),
    ],
)
def test_wrong_text_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        FBNetSpace().parse(text)
