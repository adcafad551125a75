"""Torch modules of the FBNet space (Wu et al., CVPR 2019).

Importing this file imports torch.
"""

import torch
from torch import nn


def conv_bn_relu(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Make a convolution of [n, inputs, h, w]: the stem, or a skip that changes the shape."""
    return nn.Sequential(*_conv_bn(inputs, outputs, kernel, stride), nn.ReLU())


def head(inputs: int, hidden: int, classes: int) -> nn.Sequential:
    """Make the classifier of [n, inputs, h, w] into [n, classes]."""
    return nn.Sequential(
        *_conv_bn(inputs, hidden, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(1),
        nn.Linear(hidden, classes),
    )


class Shuffle(nn.Module):  # type: ignore[misc] # torch's classes are Any to mypy
    """Deal channels out to groups, as cards (Zhang et al., "ShuffleNet", CVPR 2018)."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Reorder the channels of [n, c, h, w]."""
        return x.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)


class FBConv(nn.Module):  # type: ignore[misc] # torch's classes are Any to mypy
    """Expand, filter each channel, project; the input is added where the shape stays.

    Parameters
    ----------
    channels : (int, int)
        Of input and output.
    kernel : int
        Of the depthwise convolution.
    expansion : int
        Hidden channels for each input channel; with 1 there still is a first 1×1 convolution.
    groups : int
        Of both 1×1 convolutions; with more than one, channels are shuffled after the first.
    stride : int
        Of the depthwise convolution.
    """

    def __init__(
        self, channels: tuple[int, int], kernel: int, expansion: int, groups: int, stride: int
    ) -> None:
        super().__init__()
        inputs, outputs = channels
        hidden = inputs * expansion
        self.layers = nn.Sequential(
            *_conv_bn(inputs, hidden, 1, groups=groups),
            nn.ReLU(),
            *([Shuffle(groups)] if groups > 1 else []),
            *_conv_bn(hidden, hidden, kernel, stride, groups=hidden),
            nn.ReLU(),
            *_conv_bn(hidden, outputs, 1, groups=groups),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [n, inputs, h, w] to [n, outputs, h / stride, w / stride]."""
        y = self.layers(x)
        return x + y if self.residual else y


def _conv_bn(
    inputs: int, outputs: int, kernel: int, stride: int = 1, *, groups: int = 1
) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
