"""Torch modules of NAS-Bench-101 (Ying et al., ICML 2019).

Importing this file imports torch.
"""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import nn


def stem(channels: int) -> nn.Sequential:
    """Make the first convolution of a picture [n, 3, h, w]."""
    return _conv_bn_relu(3, channels, 3)


def downsample() -> nn.MaxPool2d:
    """Make the pooling between stacks, which halves height and width."""
    return nn.MaxPool2d(2, 2)


def head(channels: int, classes: int) -> nn.Sequential:
    """Make the classifier of [n, channels, h, w] into [n, classes]."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(channels, classes))


class Cell(nn.Module):  # type: ignore[misc] # torch's classes are Any to mypy
    """A graph of operations: vertices add what enters them, and the output concatenates it.

    Parameters
    ----------
    vertices : sequence of (str, int, tuple of int)
        Operation, channels, and vertices that lead to it, of each inner vertex; 0 is the input.
    output : tuple of int
        Vertices that lead to the output.
    inputs, outputs : int
        Channels of the cell.
    """

    def __init__(
        self,
        vertices: Sequence[tuple[str, int, tuple[int, ...]]],
        output: tuple[int, ...],
        inputs: int,
        outputs: int,
    ) -> None:
        super().__init__()
        self.sources = [sources for _, _, sources in vertices]
        self.channels = [inputs, *(channels for _, channels, _ in vertices)]
        self.output = output
        self.operations = nn.ModuleList(_operation(name, width) for name, width, _ in vertices)
        ends = [(v, width) for v, (_, width, sources) in enumerate(vertices, 1) if 0 in sources]
        if 0 in output:
            ends.append((len(self.channels), outputs))
        self.projections = nn.ModuleDict(
            {str(vertex): _conv_bn_relu(inputs, width, 1) for vertex, width in ends}
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [n, inputs, h, w] to [n, outputs, h, w]."""
        nodes = [x]
        for vertex, sources in enumerate(self.sources, 1):
            entering = [self._narrowed(nodes, source, vertex) for source in sources if source]
            entering += self._projected(x, vertex)
            nodes.append(self.operations[vertex - 1](reduce(torch.add, entering)))
        leaving = [nodes[source] for source in self.output if source]
        joined = [torch.cat(leaving, 1)] if len(leaving) > 1 else leaving
        return reduce(torch.add, joined + self._projected(x, len(nodes)))

    def _narrowed(self, nodes: list[torch.Tensor], source: int, vertex: int) -> torch.Tensor:
        # A source has one channel more where the output's did not divide evenly.
        width = self.channels[vertex]
        return nodes[source] if self.channels[source] == width else nodes[source][:, :width]

    def _projected(self, x: torch.Tensor, vertex: int) -> list[torch.Tensor]:
        name = str(vertex)
        return [self.projections[name](x)] if name in self.projections else []


def _operation(name: str, channels: int) -> nn.Module:
    if name == "maxpool3x3":
        return nn.MaxPool2d(3, 1, 1)
    return _conv_bn_relu(channels, channels, {"conv3x3": 3, "conv1x1": 1}[name])


def _conv_bn_relu(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
