"""Torch modules of the MBConv space: MobileNetV2 (Sandler et al., CVPR 2018), EfficientNet.

Importing this file imports torch.
"""

import torch
from torch import nn


def stem(channels: int, stride: int) -> nn.Sequential:
    """Make the first convolution of a picture [n, 3, h, w]."""
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU6()
    )


def head(inputs: int, hidden: int, classes: int) -> nn.Sequential:
    """Make the classifier of [n, inputs, h, w] into [n, classes]."""
    return nn.Sequential(
        nn.Conv2d(inputs, hidden, 1, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU6(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(1),
        nn.Linear(hidden, classes),
    )


class SqueezeExcite(nn.Module):  # type: ignore[misc] # torch's classes are Any to mypy
    """Scale channels by what the whole picture says of them (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, reduced, 1)
        self.expand = nn.Conv2d(reduced, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scale ``x`` of shape [n, c, h, w]."""
        scale = self.expand(torch.relu(self.reduce(self.pool(x))))
        return x * torch.sigmoid(scale)


class MBConv(nn.Module):  # type: ignore[misc] # torch's classes are Any to mypy
    """Inverted residual block: expand, filter each channel, squeeze and excite, project.

    Parameters
    ----------
    channels : (int, int)
        Of input and output.
    kernel : int
        Of the depthwise convolution.
    expansion : int
        Hidden channels for each input channel; with 1 there is no expanding convolution.
    stride : int
        Of the depthwise convolution.
    reduced : int
        Channels inside squeeze-and-excitation, 0 for none.
    """

    def __init__(
        self, channels: tuple[int, int], kernel: int, expansion: int, stride: int, reduced: int
    ) -> None:
        super().__init__()
        inputs, outputs = channels
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
        layers += [
            nn.Conv2d(hidden, hidden, kernel, stride, kernel // 2, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
        ]
        if reduced:
            layers.append(SqueezeExcite(hidden, reduced))
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [n, inputs, h, w] to [n, outputs, h / stride, w / stride]."""
        y = self.layers(x)
        return x + y if self.residual else y
