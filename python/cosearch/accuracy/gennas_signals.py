"""Synthetic pictures and the signals that GenNAS regresses from them.

Importing this file imports torch.
"""

import math

import torch
from torch.nn import functional

from cosearch.accuracy.gennas_settings import SignalMix

OCTAVES = (4, 8, 16)
"""Heights and widths of the noise that pictures are made of, besides their own."""
_BLUR = torch.tensor([1.0, 2.0, 1.0])


def draw_pictures(count: int, channels: int, size: int, generator: torch.Generator) -> torch.Tensor:
    """Draw pictures with coarse and fine structure, as photographs have.

    Each is a sum of noise of several resolutions, enlarged to the picture's; the coarser the
    stronger.

    Returns
    -------
    torch.Tensor
        float32 ``[count, channels, size, size]``, mean 0, standard deviation 1.
    """
    total = torch.zeros(count, channels, size, size)
    for octave in (*(o for o in OCTAVES if o < size), size):
        noise = torch.randn(count, channels, octave, octave, generator=generator)
        total += resize(noise, size) / math.sqrt(octave)
    return _standardised(total)


def draw_signal(
    mix: SignalMix, pictures: torch.Tensor, channels: int, size: int, generator: torch.Generator
) -> torch.Tensor:
    """Draw what one stage has to make of pictures.

    Parameters
    ----------
    mix : SignalMix
        How much of what.
    pictures : torch.Tensor
        ``[n, c, h, w]``.
    channels, size : int
        Of the signal.
    generator : torch.Generator
        Of the draws.

    Returns
    -------
    torch.Tensor
        float32 ``[n, channels, size, size]``, mean 0, standard deviation 1.
    """
    shape = (len(pictures), channels, size, size)
    total = torch.zeros(shape)
    if mix.waves_1d:
        total += mix.waves_1d * _waves(shape, mix.frequencies, generator, both=False)
    if mix.waves_2d:
        total += mix.waves_2d * _waves(shape, mix.frequencies, generator, both=True)
    if mix.dots:
        total += mix.dots * _standardised(_dots(shape, mix.dot_share, generator))
    if mix.smooth_dots:
        total += mix.smooth_dots * _standardised(_blurred(_dots(shape, mix.dot_share, generator)))
    if mix.resized:
        # Each channel of the signal is one of the picture's few, drawn with repetition.
        chosen = torch.randint(0, pictures.shape[1], (channels,), generator=generator)
        total += mix.resized * _standardised(resize(pictures, size)[:, chosen])
    return _standardised(total)


def resize(x: torch.Tensor, size: int) -> torch.Tensor:
    """Resize ``[n, c, h, w]`` to ``[n, c, size, size]``: means to a smaller size, else bilinear."""
    if x.shape[2] > size or x.shape[3] > size:
        return functional.adaptive_avg_pool2d(x, size)
    if x.shape[2:] == (size, size):
        return x
    return functional.interpolate(x, (size, size), mode="bilinear", align_corners=False)


def _waves(
    shape: tuple[int, int, int, int],
    frequencies: tuple[float, float],
    generator: torch.Generator,
    *,
    both: bool,
) -> torch.Tensor:
    low, high = frequencies
    draws = torch.rand(4, *shape[:2], 1, 1, generator=generator)
    rising, falling = low + (high - low) * draws[:2]
    rows = torch.arange(shape[2], dtype=torch.float32)[:, None]
    columns = torch.arange(shape[3], dtype=torch.float32)[None]
    if both:
        # Waves run to the left as often as to the right.
        turns = rising * rows + torch.where(draws[3] < 0.5, falling, -falling) * columns
    else:
        turns = rising * torch.where(draws[3] < 0.5, rows, columns)
    return math.sqrt(2) * torch.sin(2 * math.pi * (turns + draws[2]))


def _dots(
    shape: tuple[int, int, int, int], share: float, generator: torch.Generator
) -> torch.Tensor:
    signs = torch.randint(0, 2, shape, generator=generator) * 2.0 - 1.0
    return torch.where(torch.rand(shape, generator=generator) < share, signs, 0.0)


def _blurred(x: torch.Tensor) -> torch.Tensor:
    kernel = (_BLUR[:, None] * _BLUR / 16).expand(x.shape[1], 1, 3, 3)
    return functional.conv2d(x, kernel, padding=1, groups=x.shape[1])


def _standardised(x: torch.Tensor) -> torch.Tensor:
    return (x - x.mean()) / x.std().clamp_min(1e-6)
