"""Blocks of the MBConv space: names, builders and counts."""

from functools import partial
from typing import Any

from cosearch.spaces.block import Block
from cosearch.spaces.counts import convolution, linear


def stem_block(channels: int, stride: int, size: int) -> Block:
    """Describe the first convolution, of a picture of ``size`` pixels."""
    counts = convolution(3, channels, 3, strided(size, stride) ** 2)
    return Block(
        f"stem k3 s{stride} 3->{channels} {size}x{size}",
        (1, 3, size, size),
        partial(_build, "stem", channels, stride),
        counts.multiply_adds,
        counts.parameters,
        first=True,
    )


def mbconv_block(
    channels: tuple[int, int], kernel: int, expansion: int, stride: int, size: int, *, excite: bool
) -> Block:
    """Describe an inverted residual block, of an input of ``size`` pixels."""
    inputs, outputs = channels
    hidden = inputs * expansion
    pixels = strided(size, stride) ** 2
    # A quarter of the input's channels, not of the hidden ones, as in EfficientNet.
    reduced = max(8, inputs // 4) if excite else 0
    counts = convolution(hidden, hidden, kernel, pixels, groups=hidden)
    counts += convolution(hidden, outputs, 1, pixels)
    if expansion != 1:
        counts += convolution(inputs, hidden, 1, size * size)
    if excite:
        counts += linear(hidden, reduced) + linear(reduced, hidden)
    name = f"mbconv k{kernel} e{expansion} s{stride} {inputs}->{outputs} {size}x{size}"
    return Block(
        f"{name} se" if excite else name,
        (1, inputs, size, size),
        partial(_build, "MBConv", channels, kernel, expansion, stride, reduced),
        counts.multiply_adds,
        counts.parameters,
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


def strided(size: int, stride: int) -> int:
    """Give the output size of a convolution padded by half its kernel."""
    return -(-size // stride)


def _build(name: str, *arguments: Any) -> Any:
    from cosearch.spaces import mbconv_modules

    return getattr(mbconv_modules, name)(*arguments)
