"""Training one network on the signals of GenNAS.

Importing this file imports torch.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cosearch.accuracy.gennas_settings import GenNASSettings
from cosearch.accuracy.gennas_signals import draw_pictures, draw_signal, resize

LEAST_SIZE = 4
"""Height and width of the smallest pictures that a network is given."""


def find_stages(blocks: Sequence[nn.Module], picture: tuple[int, int]) -> list[tuple[int, int]]:
    """Find where a network's resolution falls.

    Parameters
    ----------
    blocks : sequence of torch.nn.Module
        Of a network, in their order.
    picture : tuple of (int, int)
        Channels, and height and width, of the pictures.

    Returns
    -------
    list of (int, int)
        Of the last block of each resolution: its place and its output's channels. Blocks from the
        first on whose output is no feature map ``[n, c, h, w]``, the head, are left out.
    """
    channels, size = picture
    stages: list[tuple[int, int]] = []
    x, height = torch.zeros(2, channels, size, size), -1
    with torch.no_grad():
        for place, block in enumerate(blocks):
            x = block(x)
            if x.ndim != 4:
                break
            if x.shape[2] == height:
                stages.pop()
            height = x.shape[2]
            stages.append((place, x.shape[1]))
    return stages


class StagedRegression(nn.Module):  # type: ignore[misc] # torch's classes are Any to mypy
    """A network without its head, with a decoder a stage: batch-norm and a 1×1 convolution.

    Parameters
    ----------
    blocks : sequence of torch.nn.Module
        Of the network.
    stages : list of (int, int)
        Those that are decoded; see `find_stages`.
    channels, size : int
        Of the signals.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        stages: Sequence[tuple[int, int]],
        channels: int,
        size: int,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks[: stages[-1][0] + 1])
        self.places = {place: index for index, (place, _) in enumerate(stages)}
        # Sums of residual branches grow with depth: without the norm, the gradients of some
        # networks explode at a rate by which others hardly learn.
        self.decoders = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(width), nn.Conv2d(width, channels, 1))
            for _, width in stages
        )
        for _, convolution in self.decoders:
            # From 0: what random weights would add to the loss says nothing of the network.
            nn.init.zeros_(convolution.weight)
            nn.init.zeros_(convolution.bias)
        # A loss of so many channels is as steep as there are features for each: wide stages
        # would diverge at the rate that suits narrow ones.
        self.scales = [min(1.0, math.sqrt(channels / width)) for _, width in stages]
        self.size = size

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Map pictures ``[n, c, h, w]`` to a signal ``[n, channels, size, size]`` a stage."""
        signals = []
        for place, block in enumerate(self.blocks):
            x = block(x)
            if place in self.places:
                stage = self.places[place]
                norm, convolution = self.decoders[stage]
                signals.append(convolution(norm(resize(x, self.size)) * self.scales[stage]))
        return signals


def regression_losses(
    network: nn.Sequential, picture: tuple[int, int], settings: GenNASSettings, seed: int
) -> npt.NDArray[np.float64]:
    """Train a network to reproduce signals, and return how well it did.

    Parameters
    ----------
    network : torch.nn.Sequential
        One module a block; trained in place.
    picture : tuple of (int, int)
        Channels, and height and width, of the pictures.
    settings : GenNASSettings
        Task and training.
    seed : int
        Of pictures, signals and noise.

    Returns
    -------
    numpy.ndarray
        float64 ``[steps]``, weighted mean of the stages' squared errors; 1 is what predicting 0
        gives. Not finite from the step on where the training diverged.

    Raises
    ------
    ValueError
        If the first block's output is no feature map.
    """
    blocks = list(network.eval().children())
    stages = find_stages(blocks, picture)[-len(settings.mixes) :]
    if not stages:
        raise ValueError("the network's first block gives no feature map [n, c, h, w]")
    mixes, weights = settings.mixes[-len(stages) :], settings.stage_weights[-len(stages) :]
    generator = torch.Generator().manual_seed(seed)
    pictures = draw_pictures(settings.pictures, *picture, generator)
    signals = [
        draw_signal(mix, pictures, settings.channels, settings.size, generator) for mix in mixes
    ]
    model = StagedRegression(blocks, stages, settings.channels, settings.size)
    # Half the time of the default layout on x86.
    model = model.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        nesterov=True,
    )
    losses = []
    for _ in range(settings.steps):
        noise = torch.randn(pictures.shape, generator=generator)
        x = (pictures + settings.noise * noise).contiguous(memory_format=torch.channels_last)
        errors = [(y - s).square().mean() for y, s in zip(model(x), signals, strict=True)]
        loss = sum(w * e for w, e in zip(weights, errors, strict=True)) / sum(weights)
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return np.array(losses)
