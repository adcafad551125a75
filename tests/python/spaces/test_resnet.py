"""The ResNet-like space."""

import pytest

from cosearch.spaces import ResNetSpace

TEXT = "basic-64x2/bottleneck4-128x3/bottleneck1-192x1/basic-512x2"


def test_blocks_say_what_they_are():
    space = ResNetSpace()
    assert [block.name for block in space.blocks(space.parse(TEXT))] == [
        "stem k7 s2 pool s2 3->64 224x224",
        "basic s1 64->64 56x56",
        "basic s1 64->64 56x56",
        "bottleneck r4 s2 64->128 56x56",
        "bottleneck r4 s1 128->128 28x28",
        "bottleneck r4 s1 128->128 28x28",
        "bottleneck r1 s2 128->192 28x28",
        "basic s2 192->512 14x14",
        "basic s1 512->512 7x7",
        "head 512->1000 7x7",
    ]


def test_resnet_18_is_one_of_them():
    """He et al. give 1.8 G multiply-adds; torchvision 11,689,512 parameters."""
    space = ResNetSpace()
    row = space.parse("basic-64x2/basic-128x2/basic-256x2/basic-512x2")
    assert space.parameters([row])[0] == 11_689_512
    assert space.multiply_adds([row])[0] == 1_814_073_344


def test_the_ratio_of_basic_blocks_has_no_effect():
    space = ResNetSpace()
    row = space.parse(TEXT)
    assert row[:8].tolist() == [1, 0, 2, 0, 2, 1, 2, 2]
    row[3] = 2
    assert space.canonical([row])[0, 3] == 0
    assert space.canonical([row])[0, 7] == 2


def test_too_small_pictures_are_refused():
    with pytest.raises(ValueError, match="use 32 or more"):
        ResNetSpace(size=16)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("basic-64x2", "1 stages; write 4, parted by /"),
        (TEXT.replace("basic-64x2", "basic4-64x2"), "stage 0: 'basic4-64x2' is none; write one"),
        (TEXT.replace("bottleneck4", "bottleneck"), "stage 1: .* is none; write one"),
        (
            TEXT.replace("bottleneck4", "bottleneck3"),
            "ratio 3 is no option; use 1, 2, 4",
        ),
        (TEXT.replace("-192", "-190"), "stage 2: width 190 is no option; use 128, 192, 256"),
        (TEXT.replace("128x3", "128x5"), "stage 1: depth 5 is no option; use 1, 2, 3, 4"),
    ],
)
def test_wrong_text_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        ResNetSpace().parse(text)
