"""Accuracy of one network on pictures. Importing this file imports torch."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from cosearch.accuracy.supernet.super_network import scale_to

Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]
"""Standardised pictures float32 [n, 3, h, w] and labels int64 [n]."""


@dataclass(frozen=True)
class Appraisal:
    """How well a network tells pictures apart.

    Attributes
    ----------
    accuracy : float
        Percent of pictures told right.
    loss : float
        Mean cross-entropy, nats.
    """

    accuracy: float
    loss: float


@torch.no_grad()  # type: ignore[untyped-decorator] # torch's decorators are Any to mypy
def recalibrate(network: nn.Module, batches: Batches, size: int) -> None:
    """Set the batch-norm statistics of a network to the mean of those of some batches.

    Weights that were shared have none that fit; a few hundred training pictures give good ones
    (BigNAS, Yu et al., ECCV 2020, section 3.3).

    Parameters
    ----------
    network : torch.nn.Module
        Changed; left in evaluation mode.
    batches : iterable
        Training pictures; labels are not used.
    size : int
        Picture size of the network.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch's way to say: the mean of all batches
    network.train()
    device = next(network.parameters()).device
    for pictures, _ in batches:
        network(scale_to(pictures.to(device), size))
    network.eval()
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum


@torch.no_grad()  # type: ignore[untyped-decorator] # torch's decorators are Any to mypy
def evaluate(network: nn.Module, batches: Batches, size: int) -> Appraisal:
    """Measure accuracy and loss of a network in evaluation mode; see `recalibrate`."""
    right, loss, count = 0, 0.0, 0
    device = next(network.parameters()).device
    for pictures, labels in batches:
        found = network(scale_to(pictures.to(device), size)).cpu()
        right += int((found.argmax(1) == labels).sum())
        loss += float(cross_entropy(found, labels, reduction="sum"))
        count += len(labels)
    return Appraisal(100 * right / count, loss / count)
