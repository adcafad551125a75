"""One set of weights for all networks of a space. Importing this file imports torch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import interpolate

from cosearch.spaces import Space
from cosearch.spaces.space import Integers


class SuperNetwork(nn.Module, ABC):  # type: ignore[misc] # torch's classes are Any to mypy
    """A network whose subnets are the networks of a space, with shared weights.

    A subnet is computed by the modules of the space's own blocks, which are lent the weights: it
    cannot differ from the network that is built and measured. What a space adds is how the
    weights of an architecture are cut from the shared ones.

    Batch-norms use the statistics of the batch, in training and otherwise, and keep none. The same
    channel has another mean in every subnet, so that statistics kept while subnets take turns
    would fit none of them (BigNAS, Yu et al., ECCV 2020, section 3.3). `subnet` makes a network
    with statistics of its own, for `recalibrate` to fill.

    Parameters
    ----------
    space : Space
        Whose networks share weights.
    """

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space = space
        self._shells: dict[int, nn.Module] = {}

    @property
    @abstractmethod
    def largest(self) -> Integers:
        """The architecture with the most weights, int64 ``[positions]``."""

    @property
    @abstractmethod
    def smallest(self) -> Integers:
        """The architecture with the fewest weights, int64 ``[positions]``."""

    @abstractmethod
    def weights(self, architecture: npt.ArrayLike) -> Sequence[Mapping[str, torch.Tensor]]:
        """Cut the weights of one architecture from the shared ones.

        Parameters
        ----------
        architecture : array-like
            Integers ``[positions]``.

        Returns
        -------
        sequence of mapping
            For each block of the network in order, tensors by the names of its parameters. They
            are views or functions of the shared weights, so that gradients reach these.
        """

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def forward(self, x: torch.Tensor, architecture: npt.ArrayLike) -> torch.Tensor:
        """Compute one architecture with the batch's own statistics.

        Parameters
        ----------
        x : torch.Tensor
            float32 ``[n, 3, h, w]``, scaled to the architecture's picture size.
        architecture : array-like
            Integers ``[positions]``.

        Returns
        -------
        torch.Tensor
            float32 ``[n, classes]``.

        Raises
        ------
        ValueError
            If it is no architecture of the space.
        """
        row = self.space.validate(np.asarray(architecture)[None])
        places = [place for place in self.space.slots(row)[0].tolist() if place >= 0]
        x = scale_to(x, self.space.catalogue[places[0]].input_shape[-1])
        for place, weights in zip(places, self.weights(row[0]), strict=True):
            x = functional_call(self._shell(place), dict(weights), (x,), strict=True)
        return x

    def subnet(self, architecture: npt.ArrayLike) -> nn.Sequential:
        """Build the space's network of an architecture, with a copy of its weights.

        Its batch-norms have seen no data: call `recalibrate` before it predicts.

        Parameters
        ----------
        architecture : array-like
            Integers ``[positions]``.

        Returns
        -------
        torch.nn.Sequential
            As `Space.network` gives it, in evaluation mode.
        """
        row = self.space.validate(np.asarray(architecture)[None])[0]
        with torch.random.fork_rng(devices=[]):  # the weights drawn here are overwritten
            network = self.space.network(row).to(self.device)
        with torch.no_grad():
            for block, weights in zip(network, self.weights(row), strict=True):
                for name, parameter in block.named_parameters():
                    parameter.copy_(weights[name])
        return network

    def _shell(self, place: int) -> nn.Module:
        """Give the module of a block of the catalogue, without weights of its own."""
        if place not in self._shells:
            with torch.device("meta"):
                self._shells[place] = without_statistics(self.space.catalogue[place].build())
        return self._shells[place]


def without_statistics(module: nn.Module) -> nn.Module:
    """Let the batch-norms of a module use the statistics of each batch, and keep none."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.track_running_stats = False
            part.running_mean = part.running_var = part.num_batches_tracked = None
    return module


def scale_to(x: torch.Tensor, size: int) -> torch.Tensor:
    """Scale pictures float32 ``[n, 3, h, w]`` to squares of ``size`` pixels."""
    if x.shape[-2:] == (size, size):
        return x
    return interpolate(x, (size, size), mode="bilinear", antialias=True)
