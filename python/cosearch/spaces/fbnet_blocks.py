"""Blocks of the FBNet space: names, builders and counts."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from cosearch.spaces.block import Block
from cosearch.spaces.counts import convolution, linear


@dataclass(frozen=True)
class Operator:
    """What a layer may be (table 2 of Wu et al., CVPR 2019).

    Attributes
    ----------
    name : str
        As HW-NAS-Bench writes it.
    kernel : int
        Of the depthwise convolution; 0 for none, the skip.
    expansion : int
        Hidden channels for each input channel.
    groups : int
        Of both 1×1 convolutions.
    """

    name: str
    kernel: int = 0
    expansion: int = 1
    groups: int = 1


OPERATORS = (
    Operator("k3_e1", 3),
    Operator("k3_e1_g2", 3, groups=2),
    Operator("k3_e3", 3, 3),
    Operator("k3_e6", 3, 6),
    Operator("k5_e1", 5),
    Operator("k5_e1_g2", 5, groups=2),
    Operator("k5_e3", 5, 3),
    Operator("k5_e6", 5, 6),
    Operator("skip"),
)
SKIP = len(OPERATORS) - 1


def stem_block(channels: int, size: int) -> Block:
    """Describe the first convolution, of a picture of ``size`` pixels."""
    counts = convolution(3, channels, 3, halved(size) ** 2)
    return Block(
        f"stem k3 s2 3->{channels} {size}x{size}",
        (1, 3, size, size),
        partial(_build, "conv_bn_relu", 3, channels, 3, 2),
        counts.multiply_adds,
        counts.parameters,
        first=True,
    )


def operator_block(
    operator: Operator, channels: tuple[int, int], stride: int, size: int
) -> Block | None:
    """Describe an operator, of an input of ``size`` pixels; None where it does nothing."""
    inputs, outputs = channels
    ends = f"s{stride} {inputs}->{outputs} {size}x{size}"
    pixels = (halved(size) if stride == 2 else size) ** 2
    if operator.kernel:
        hidden, groups = inputs * operator.expansion, operator.groups
        counts = convolution(inputs, hidden, 1, size * size, groups=groups)
        counts += convolution(hidden, hidden, operator.kernel, pixels, groups=hidden)
        counts += convolution(hidden, outputs, 1, pixels, groups=groups)
        kind = f"fbnet k{operator.kernel} e{operator.expansion}{' g2' * (groups == 2)}"
        build = partial(
            _build, "FBConv", channels, operator.kernel, operator.expansion, groups, stride
        )
    elif stride == 1 and inputs == outputs:
        return None
    else:
        counts = convolution(inputs, outputs, 1, pixels)
        kind, build = "skip k1", partial(_build, "conv_bn_relu", inputs, outputs, 1, stride)
    return Block(
        f"{kind} {ends}", (1, inputs, size, size), build, counts.multiply_adds, counts.parameters
    )


def head_block(inputs: int, hidden: int, classes: int, size: int) -> Block:
    """Describe the classifier, of an input of ``size`` pixels."""
    counts = convolution(inputs, hidden, 1, size * size) + linear(hidden, classes)
    return Block(
        f"head {inputs}->{hidden}->{classes} {size}x{size}",
        (1, inputs, size, size),
        partial(_build, "head", inputs, hidden, classes),
        counts.multiply_adds,
        counts.parameters,
    )


def halved(size: int) -> int:
    """Give the output size of stride 2 with the padding of half a kernel."""
    return -(-size // 2)


def _build(name: str, *arguments: Any) -> Any:
    from cosearch.spaces import fbnet_modules

    return getattr(fbnet_modules, name)(*arguments)
