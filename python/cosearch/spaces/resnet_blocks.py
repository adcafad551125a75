"""Blocks of the ResNet-like space: names, builders and counts."""

from functools import partial
from typing import Any

from cosearch.spaces.block import Block
from cosearch.spaces.counts import convolution, linear


def stem_block(channels: int, size: int) -> Block:
    """Describe the first convolution and pooling, of a picture of ``size`` pixels."""
    counts = convolution(3, channels, 7, halved(size) ** 2)
    return Block(
        f"stem k7 s2 pool s2 3->{channels} {size}x{size}",
        (1, 3, size, size),
        partial(_build, "stem", channels),
        counts.multiply_adds,
        counts.parameters,
        first=True,
    )


def residual_block(inputs: int, outputs: int, stride: int, ratio: int, size: int) -> Block:
    """Describe a residual block, of an input of ``size`` pixels; ratio 0 is no bottleneck."""
    pixels_in = size * size
    pixels = (halved(size) if stride == 2 else size) ** 2
    if ratio:
        inner = outputs // ratio
        counts = convolution(inputs, inner, 1, pixels_in) + convolution(inner, inner, 3, pixels)
        counts += convolution(inner, outputs, 1, pixels)
    else:
        counts = convolution(inputs, outputs, 3, pixels) + convolution(outputs, outputs, 3, pixels)
    if stride != 1 or inputs != outputs:
        counts += convolution(inputs, outputs, 1, pixels)
    kind = f"bottleneck r{ratio}" if ratio else "basic"
    return Block(
        f"{kind} s{stride} {inputs}->{outputs} {size}x{size}",
        (1, inputs, size, size),
        partial(_build, "Residual", inputs, outputs, stride, ratio),
        counts.multiply_adds,
        counts.parameters,
    )


def head_block(inputs: int, classes: int, size: int) -> Block:
    """Describe the classifier, of an input of ``size`` pixels."""
    counts = linear(inputs, classes)
    return Block(
        f"head {inputs}->{classes} {size}x{size}",
        (1, inputs, size, size),
        partial(_build, "head", inputs, classes),
        counts.multiply_adds,
        counts.parameters,
    )


def halved(size: int) -> int:
    """Give the output size of stride 2 with the padding of half a kernel."""
    return -(-size // 2)


def _build(name: str, *arguments: int) -> Any:
    from cosearch.spaces import resnet_modules

    return getattr(resnet_modules, name)(*arguments)
