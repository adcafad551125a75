"""Torch modules of NAS-Bench-201 (Dong and Yang, ICLR 2020).

Importing this file imports torch.
"""

from collections.abc import Sequence

import torch
from torch import nn


def stem(channels: int) -> nn.Sequential:
    """Make the first convolution of a picture [n, 3, h, w]."""
    return nn.Sequential(nn.Conv2d(3, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))


def head(channels: int, classes: int) -> nn.Sequential:
    """Make the classifier of [n, channels, h, w] into [n, classes]."""
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(1),
        nn.Linear(channels, classes),
    )


class Reduction(nn.Module):  # type: ignore[misc] # torch's classes are Any to mypy
    """Basic residual block that halves height and width, with a pooled shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _relu_conv_bn(inputs, outputs, 3, 2), _relu_conv_bn(outputs, outputs, 3)
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [n, inputs, h, w] to [n, outputs, h / 2, w / 2]."""
        return self.shortcut(x) + self.body(x)


class Cell(nn.Module):  # type: ignore[misc] # torch's classes are Any to mypy
    """Four nodes, each the sum of operations on all earlier ones.

    Parameters
    ----------
    edges : sequence of (int, int, str)
        Source node, target node and operation of each edge that is not ``none``, ordered by
        target.
    channels : int
        Of every node.
    """

    def __init__(self, edges: Sequence[tuple[int, int, str]], channels: int) -> None:
        super().__init__()
        self.order = [(source, target) for source, target, _ in edges]
        self.edges = nn.ModuleDict(
            {f"{source}-{target}": _operation(name, channels) for source, target, name in edges}
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [n, channels, h, w] to the same shape."""
        nodes: list[torch.Tensor | None] = [x, None, None, None]
        for source, target in self.order:
            value = nodes[source]
            # A node that nothing enters is zero; what a convolution with batch-norm makes of zero
            # is not.
            value = self.edges[f"{source}-{target}"](x * 0.0 if value is None else value)
            total = nodes[target]
            nodes[target] = value if total is None else total + value
        return x * 0.0 if nodes[3] is None else nodes[3]


def _operation(name: str, channels: int) -> nn.Module:
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    return _relu_conv_bn(channels, channels, {"nor_conv_1x1": 1, "nor_conv_3x3": 3}[name])


def _relu_conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )
