"""Multiply-adds and parameters of layers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """What one picture costs.

    Attributes
    ----------
    multiply_adds : int
        Of convolutions and linear layers; biases, norms, activations and poolings count nothing.
    parameters : int
        Weights and biases, and the scales and shifts of batch-norms, not their statistics.
    """

    multiply_adds: int = 0
    parameters: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Add layers that run after one another."""
        return Counts(self.multiply_adds + other.multiply_adds, self.parameters + other.parameters)


def convolution(
    inputs: int, outputs: int, kernel: int, pixels: int, *, groups: int = 1, norm: bool = True
) -> Counts:
    """Count a square convolution.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel : int
        Height and width of the kernel.
    pixels : int
        Height times width of the output.
    groups : int
        Of channels.
    norm : bool
        Whether a batch-norm follows. There is no bias either way.

    Returns
    -------
    Counts
        Of the convolution and its batch-norm.
    """
    weights = inputs // groups * outputs * kernel * kernel
    return Counts(weights * pixels, weights + (batch_norm(outputs).parameters if norm else 0))


def batch_norm(channels: int) -> Counts:
    """Count scales and shifts; at inference it is folded or one multiply-add a value, left out."""
    return Counts(0, 2 * channels)


def linear(inputs: int, outputs: int) -> Counts:
    """Count a linear layer, or a 1×1 convolution of one pixel, with bias."""
    return Counts(inputs * outputs, inputs * outputs + outputs)
