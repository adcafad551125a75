"""Torch modules of the ResNet-like space (He et al., CVPR 2016).

Importing this file imports torch.
"""

import torch
from torch import nn


def stem(channels: int) -> nn.Sequential:
    """Make the first convolution and pooling of a picture [n, 3, h, w], stride 4 in all."""
    return nn.Sequential(
        nn.Conv2d(3, channels, 7, 2, 3, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    )


def head(inputs: int, classes: int) -> nn.Sequential:
    """Make the classifier of [n, inputs, h, w] into [n, classes]."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(inputs, classes))


class Residual(nn.Module):  # type: ignore[misc] # torch's classes are Any to mypy
    """Residual block: two 3×3 convolutions, or a bottleneck of 1×1, 3×3, 1×1.

    Parameters
    ----------
    inputs, outputs : int
        Channels; where they differ the shortcut is a 1×1 convolution.
    stride : int
        Of the first 3×3 convolution, as in Radosavovic et al.; He et al. have it in a bottleneck's
        first 1×1 convolution.
    ratio : int
        Outputs for each channel inside the bottleneck, 0 for a block without bottleneck.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, ratio: int) -> None:
        super().__init__()
        if ratio:
            inner = outputs // ratio
            layers = [
                *_conv_bn(inputs, inner, 1),
                nn.ReLU(),
                *_conv_bn(inner, inner, 3, stride),
                nn.ReLU(),
                *_conv_bn(inner, outputs, 1),
            ]
        else:
            layers = [
                *_conv_bn(inputs, outputs, 3, stride),
                nn.ReLU(),
                *_conv_bn(outputs, outputs, 3),
            ]
        self.layers = nn.Sequential(*layers)
        projected = stride != 1 or inputs != outputs
        self.shortcut = (
            nn.Sequential(*_conv_bn(inputs, outputs, 1, stride)) if projected else nn.Identity()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [n, inputs, h, w] to [n, outputs, h / stride, w / stride]."""
        return torch.relu(self.layers(x) + self.shortcut(x))


def _conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
