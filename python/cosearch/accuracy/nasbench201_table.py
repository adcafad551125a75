"""The published accuracies of NAS-Bench-201."""

from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from cosearch.spaces import NASBench201Space

Dataset = Literal["cifar10", "cifar100", "imagenet16"]
DATASETS: tuple[Dataset, ...] = get_args(Dataset)
TABLE_FILE = Path(__file__).parent / "tables" / "nasbench201_accuracy.npz"


class NASBench201Accuracy:
    """Test accuracy of the architectures of `NASBench201Space`, as the benchmark measured it.

    Top-1 after 200 epochs, mean over the benchmark's training runs, rounded to hundredths of a
    percent. The data is that of NATS-Bench (Dong et al., IEEE TPAMI 2021; MIT licence, copyright
    Xuanyi Dong); see the text file beside the table.

    An architecture is looked up as it is written, not by its canonical form: two that compute the
    same, but for dead edges, were trained apart, and dead edges draw random weights. Their
    accuracies differ by what chance makes of one architecture.

    Parameters
    ----------
    dataset : {"cifar10", "cifar100", "imagenet16"}
        The last is ImageNet-16-120.

    Raises
    ------
    ValueError
        If there is no such data set.
    """

    unit = "%"
    cost_s = 0.0
    by_encoding = True

    def __init__(self, dataset: Dataset = "cifar10") -> None:
        if dataset not in DATASETS:
            raise ValueError(f"no accuracies for {dataset!r}: use {', '.join(DATASETS)}")
        self.name = f"nasbench201 {dataset}"
        self._space = NASBench201Space()
        self._percent = read_table()[:, DATASETS.index(dataset)] / 100

    def score(self, architectures: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Look accuracies up, float64 ``[count]``, in percent; see `AccuracyEstimator.score`."""
        rows = self._space.validate(architectures)
        percent: npt.NDArray[np.float64] = self._percent[table_places(rows, self._space)]
        return percent


def table_places(rows: npt.NDArray[np.int64], space: NASBench201Space) -> npt.NDArray[np.intp]:
    """Give the places of architectures in the table: in the order of `numpy.indices`."""
    places: npt.NDArray[np.intp] = np.ravel_multi_index(tuple(rows.T), space.choices)
    return places


@cache
def read_table() -> npt.NDArray[np.uint16]:
    """Read the table that the package carries.

    Returns
    -------
    numpy.ndarray
        uint16 ``[15625, 3]``, hundredths of a percent, read-only; columns as in `DATASETS`.
    """
    with np.load(TABLE_FILE, allow_pickle=False) as file:
        table: npt.NDArray[np.uint16] = file["hundredths"]
    table.flags.writeable = False
    return table
