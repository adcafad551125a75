"""A family of mobile networks made of MBConv blocks, as a NAS would draw them from one space.

The blocks are those of MobileNetV2 and EfficientNet (Sandler et al., CVPR 2018; Tan and Le, ICML
2019): expand with a 1×1 convolution, filter each channel, squeeze and excite, project back.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Stage:
    """Blocks of one resolution.

    Attributes
    ----------
    channels : int
        Channels that the blocks give.
    stride : int
        Stride of the first block.
    blocks : tuple of (int, int)
        Kernel size and expansion of each block.
    excite : bool
        Whether the blocks squeeze and excite.
    """

    channels: int
    stride: int
    blocks: tuple[tuple[int, int], ...]
    excite: bool = False


class SqueezeExcite(nn.Module):
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


class MBConv(nn.Module):
    """Inverted residual block with a linear bottleneck."""

    def __init__(
        self, channels: tuple[int, int], kernel: int, expansion: int, stride: int, excite: bool
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
        if excite:
            layers.append(SqueezeExcite(hidden, max(8, inputs // 4)))
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [n, inputs, h, w] to [n, outputs, h / stride, w / stride]."""
        y = self.layers(x)
        return x + y if self.residual else y


class MBConvNet(nn.Module):
    """A stem, stages of MBConv blocks, and a classifier."""

    def __init__(self, stages: Iterable[Stage], classes: int = 100) -> None:
        super().__init__()
        width = 16
        layers: list[nn.Module] = [
            nn.Conv2d(3, width, 3, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU6(),
        ]
        for stage in stages:
            for index, (kernel, expansion) in enumerate(stage.blocks):
                stride = stage.stride if index == 0 else 1
                channels = (width, stage.channels)
                layers.append(MBConv(channels, kernel, expansion, stride, stage.excite))
                width = stage.channels
        layers += [nn.Conv2d(width, 320, 1, bias=False), nn.BatchNorm2d(320), nn.ReLU6()]
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(320, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map pictures [n, 3, h, w] to class scores [n, classes]."""
        return self.classifier(torch.flatten(self.pool(self.features(x)), 1))


FIRST = (
    Stage(16, 1, ((3, 1),)),
    Stage(24, 2, ((3, 6), (3, 3))),
    Stage(40, 2, ((5, 3), (3, 6)), excite=True),
    Stage(80, 2, ((3, 6), (5, 3), (3, 4))),
)
"""The network that is tuned."""

SECOND = (
    Stage(16, 1, ((3, 1),)),
    Stage(24, 2, ((3, 6), (3, 3), (3, 3))),
    Stage(40, 2, ((5, 3), (3, 6), (3, 6)), excite=True),
    Stage(80, 2, ((3, 6), (5, 3), (5, 3), (7, 3))),
)
"""Another one of the family: deeper, and with a kernel that the first one does not have."""


def calibrate(network: nn.Module, pictures: torch.Tensor) -> nn.Module:
    """Fit the batch-norm statistics to pictures and leave the network in evaluation mode.

    With random statistics the output of a deep network hardly depends on its input, and a
    comparison of outputs would notice nothing.
    """
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # a plain mean over the batches
            layer.reset_running_stats()
    network.train()
    with torch.no_grad():
        network(pictures)
    return network.eval()
