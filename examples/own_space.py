"""A search space of your own in one file: plain networks of two chosen stages, 36 in all."""

from dataclasses import replace
from functools import cached_property, partial
from itertools import product

import numpy as np
import numpy.typing as npt

from cosearch.spaces import Block, Space

WIDTHS, KERNELS, STEM, CLASSES = (16, 24, 32), (3, 5), 16, 10


def conv_block(inputs: int, outputs: int, kernel: int, size: int) -> Block:
    """Describe a convolution of stride 2; its name says all that decides what it costs."""
    weights, pixels = inputs * outputs * kernel**2, (size // 2) ** 2
    name = f"conv k{kernel} s2 {inputs}->{outputs} {size}x{size}"
    build = partial(conv, inputs, outputs, kernel)
    return Block(name, (1, inputs, size, size), build, weights * pixels, weights + outputs)


def conv(inputs: int, outputs: int, kernel: int) -> object:
    """Build the torch module of `conv_block`."""
    from torch import nn

    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, 2, kernel // 2), nn.ReLU())


def head(inputs: int) -> object:
    """Build the classifier."""
    from torch import nn

    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(inputs, CLASSES))


class PlainSpace(Space):
    """A stem, two convolutions with a width and a kernel each, and a classifier."""

    name, input_shape = "plain", (1, 3, 32, 32)
    choices = (len(WIDTHS), len(KERNELS)) * 2

    @cached_property
    def catalogue(self) -> tuple[Block, ...]:
        """List the stem, the blocks of both stages, and the heads."""
        first = [conv_block(STEM, *options, 16) for options in product(WIDTHS, KERNELS)]
        second = [conv_block(*options, 8) for options in product(WIDTHS, WIDTHS, KERNELS)]
        heads = [
            Block(f"head {w}", (1, w, 4, 4), partial(head, w), w * CLASSES, (w + 1) * CLASSES)
            for w in WIDTHS
        ]
        return (replace(conv_block(3, STEM, 3, 32), first=True), *first, *second, *heads)

    def slots(self, architectures: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Say where in the catalogue the four blocks of each architecture stand."""
        width, kernel, wider, other = self.validate(architectures).T
        first, second = 1 + 2 * width + kernel, 7 + 6 * width + 2 * wider + other
        return np.stack([0 * width, first, second, 25 + wider], 1).astype(np.int32)

    def canonical(self, architectures: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Change nothing: every position always has an effect."""
        return self.validate(architectures)

    def format(self, architecture: npt.ArrayLike) -> str:
        """Write an architecture, such as ``32k5-16k3``."""
        pairs = np.reshape(architecture, (2, 2)).tolist()
        return "-".join(f"{WIDTHS[width]}k{KERNELS[kernel]}" for width, kernel in pairs)

    def parse(self, text: str) -> npt.NDArray[np.int64]:
        """Read what `format` wrote."""
        rows = {self.format(row): row for row in product(*map(range, self.choices))}
        if text not in rows:
            raise ValueError(f"{text!r} is none; write one such as {next(iter(rows))}")
        return np.array(rows[text])


if __name__ == "__main__":
    space = PlainSpace()
    for row in space.sample(3, np.random.default_rng(0)):
        print(f"{space.format(row)}: {space.multiply_adds([row])[0]:,} multiply-adds")
        print(*(f"  {block.name}" for block in space.blocks(row)), sep="\n")
