"""The matrices of minimal filtering."""

from dataclasses import dataclass

import numpy as np

TAPS = 3
"""Rows and columns of the convolution's window."""


@dataclass(frozen=True)
class Transforms:
    """The matrices of minimal filtering F(m, 3).

    Attributes
    ----------
    data : numpy.ndarray
        Bᵀ, ``[m + 2, m + 2]``: values of a window to a transformed window.
    weight : numpy.ndarray
        G, ``[m + 2, 3]``: taps to transformed taps.
    result : numpy.ndarray
        Aᵀ, ``[m, m + 2]``: products to results.
    """

    data: np.ndarray
    weight: np.ndarray
    result: np.ndarray

    @classmethod
    def of_tile(cls, m: int) -> "Transforms":
        """Return the matrices for a tile, from the points 0, ±1, ±2 … and infinity.

        A filter's product with data is a product of polynomials, which is found from its values at
        m + 1 points and its leading coefficient (Toom and Cook). Lavin and Gray's matrices for m of
        2 and 4 are these but for signs and factors that cancel out.
        """
        points = np.array([0, 1, -1, 2, -2][: m + 1], float)
        size = m + TAPS - 1
        others = [np.delete(points, place) for place in range(len(points))]
        scales = np.array(
            [np.prod(point - rest) for point, rest in zip(points, others, strict=True)]
        )
        data = np.zeros((size, size))
        for row, rest in zip(data, others, strict=False):
            row[: size - 1] = np.poly(rest)[::-1]
        data[-1] = np.poly(points)[::-1]
        infinity = np.eye(1, TAPS, TAPS - 1)
        weight = np.vstack([np.vander(points, TAPS, increasing=True) / scales[:, None], infinity])
        last = np.eye(1, m, m - 1)
        result = np.vstack([np.vander(points, m, increasing=True), last]).T
        return cls(data, weight, result)


def transform_weight(weight: np.ndarray, m: int) -> np.ndarray:
    """Transform weights as a kernel of `winograd_weight` does.

    Parameters
    ----------
    weight : numpy.ndarray
        float32 ``[3, 3, inputs, outputs]``.
    m : {2, 4}
        Rows and columns of a tile of results.

    Returns
    -------
    numpy.ndarray
        float32 ``[m + 2, m + 2, inputs, outputs]``.
    """
    matrix = Transforms.of_tile(m).weight
    columns = np.tensordot(matrix, weight, axes=(1, 1))
    return np.ascontiguousarray(np.tensordot(matrix, columns, axes=(1, 1)), "float32")
