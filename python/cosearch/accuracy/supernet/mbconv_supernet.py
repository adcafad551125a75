"""Shared weights of the elastic MBConv space. Importing this file imports torch."""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cosearch.accuracy.supernet.super_network import SuperNetwork, without_statistics
from cosearch.spaces import MBConvSpace
from cosearch.spaces.mbconv import DEPTH, EXPANSIONS, GENES, KERNELS
from cosearch.spaces.space import Integers

Weights = dict[str, torch.Tensor]


class MBConvSupernet(SuperNetwork):
    """The elastic supernet of CHaNAS, section 3.3, for any `MBConvSpace`.

    It holds the largest network, and cuts from it as Once-for-All (Cai et al., ICLR 2020):

    - depth: the first blocks of a stage;
    - expansion: the first hidden channels;
    - kernel: the centre of the next larger one, times a learnt matrix, shared by the channels;
    - squeeze-and-excitation: the first hidden channels of its two layers, or left out;
    - picture size: the weights are the same.

    Parameters
    ----------
    space : MBConvSpace
        Of any skeleton and width.
    seed : int
        Of the first weights.
    """

    def __init__(self, space: MBConvSpace, seed: int = 0) -> None:
        super().__init__(space)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.blocks = without_statistics(space.network(self.largest))
        self.transforms = nn.ModuleList(
            nn.ParameterList(torch.eye(kernel * kernel) for kernel in KERNELS[-2::-1])
            for _ in range(DEPTH * len(space.skeleton.stages))
        )

    @property
    def largest(self) -> Integers:
        """See `SuperNetwork.largest`: every choice at its last option."""
        return np.array(self.space.choices, np.int64) - 1

    @property
    def smallest(self) -> Integers:
        """See `SuperNetwork.smallest`: every choice at its first option."""
        return np.zeros(len(self.space.choices), np.int64)

    def weights(self, architecture: npt.ArrayLike) -> list[Weights]:
        """See `SuperNetwork.weights`."""
        stem, first, *searched, head = self.blocks
        row = self.space.validate(np.asarray(architecture)[None])[0]
        stages = row[1:].reshape(-1, 1 + GENES * DEPTH)
        depths, genes = stages[:, 0], stages[:, 1:].reshape(-1, GENES).tolist()
        cut = [
            _cut(block, transforms, KERNELS[kernel], EXPANSIONS[expansion], excite=bool(excite))
            for place, (block, transforms, (kernel, expansion, excite)) in enumerate(
                zip(searched, self.transforms, genes, strict=True)
            )
            if place % DEPTH <= depths[place // DEPTH]
        ]
        return [_all(stem), _all(first), *cut, _all(head)]


def _all(block: nn.Module) -> Weights:
    return dict(block.named_parameters())


def _cut(
    block: nn.Module, transforms: nn.ParameterList, kernel: int, expansion: int, *, excite: bool
) -> Weights:
    """Cut the weights of a smaller `MBConv` from the largest, by the names it gives them."""
    expand, norm, _, depthwise, filtered_norm, _, squeeze, project, last_norm = block.layers
    hidden = expand.in_channels * expansion
    weights = {
        "layers.0.weight": expand.weight[:hidden],
        "layers.3.weight": _filters(depthwise.weight[:hidden], transforms, kernel),
        **_norm("layers.1", norm, hidden),
        **_norm("layers.4", filtered_norm, hidden),
    }
    if excite:
        weights |= {
            "layers.6.reduce.weight": squeeze.reduce.weight[:, :hidden],
            "layers.6.reduce.bias": squeeze.reduce.bias,
            "layers.6.expand.weight": squeeze.expand.weight[:hidden],
            "layers.6.expand.bias": squeeze.expand.bias[:hidden],
        }
    after = 6 + excite
    weights[f"layers.{after}.weight"] = project.weight[:, :hidden]
    return weights | _norm(f"layers.{after + 1}", last_norm, project.out_channels)


def _norm(name: str, norm: nn.BatchNorm2d, channels: int) -> Weights:
    return {f"{name}.weight": norm.weight[:channels], f"{name}.bias": norm.bias[:channels]}


def _filters(largest: torch.Tensor, transforms: nn.ParameterList, kernel: int) -> torch.Tensor:
    """Come from filters [channels, 1, 7, 7] to smaller ones, one kernel size after another."""
    filters = largest
    for matrix in transforms:
        if filters.shape[-1] == kernel:
            break
        size = round(len(matrix) ** 0.5)
        rim = (filters.shape[-1] - size) // 2
        centre = filters[..., rim : rim + size, rim : rim + size]
        filters = (centre.flatten(1) @ matrix).view_as(centre)
    return filters
