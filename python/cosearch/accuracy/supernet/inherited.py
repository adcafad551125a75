"""Accuracy with the weights that a network inherits from a supernet."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cosearch.accuracy.pictures import Pictures

if TYPE_CHECKING:
    from cosearch.accuracy.supernet.evaluate import Appraisal
    from cosearch.accuracy.supernet.super_network import SuperNetwork

CALIBRATION, BATCH = 512, 128
"""Training pictures for batch-norm statistics, and pictures of a batch."""


class SupernetAccuracy:
    """Scores architectures by their accuracy on held-out pictures with inherited weights.

    An `AccuracyEstimator`. Each network gets batch-norm statistics of its own from 512 training
    pictures. Answers are remembered for as long as this object lives: make a new one when the
    supernet has been trained further.

    Parameters
    ----------
    network : SuperNetwork
        A trained one.
    pictures : Pictures
        Those it was trained on; scores are of their ``test`` part.
    seed : int
        Decides which training pictures the statistics come from.

    Attributes
    ----------
    name, unit : str
        ``"supernet"`` and ``"%"``.
    """

    name = "supernet"
    unit = "%"

    def __init__(self, network: "SuperNetwork", pictures: Pictures, seed: int = 0) -> None:
        self.network, self.pictures = network, pictures
        order = np.random.default_rng(seed).permutation(len(pictures.train))[:CALIBRATION]
        # A last batch of one picture may have no variance.
        order = order[: len(order) - (len(order) % BATCH == 1)]
        self._calibration = pictures.train.take(order)
        self._found: dict[bytes, Appraisal] = {}
        self._seconds: list[float] = []

    @classmethod
    def load(
        cls, network: "SuperNetwork", pictures: Pictures, checkpoint: str | Path, seed: int = 0
    ) -> "SupernetAccuracy":
        """Give a network the weights of a checkpoint, and score with them.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is damaged or of another supernet.
        """
        from cosearch.accuracy.supernet.checkpoint import Checkpoint

        found = Checkpoint.read(Path(checkpoint))
        if found.about.get("space") != network.space.name:
            raise ValueError(
                f"{checkpoint} is of the space {found.about.get('space')}, not "
                f"{network.space.name}: name the checkpoint of this space"
            )
        found.restore(network, Path(checkpoint))
        return cls(network, pictures, seed)

    @property
    def cost_s(self) -> float:
        """Median seconds of the architectures so far; not a number until one was scored."""
        return float(np.median(self._seconds)) if self._seconds else float("nan")

    def score(self, architectures: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Measure the accuracy of architectures.

        Parameters
        ----------
        architectures : array-like
            Integers ``[count, positions]``.

        Returns
        -------
        numpy.ndarray
            Percent of held-out pictures told right, float64 ``[count]``.

        Raises
        ------
        ValueError
            If a row is no architecture of the space.
        """
        rows = self.network.space.validate(architectures)
        return np.array([self.appraise(row).accuracy for row in rows], np.float64)

    def appraise(self, architecture: npt.ArrayLike) -> "Appraisal":
        """Measure accuracy and loss of one architecture, integers ``[positions]``."""
        from cosearch.accuracy.supernet.evaluate import evaluate, recalibrate

        space = self.network.space
        row = space.canonical(np.asarray(architecture)[None])[0]
        if row.tobytes() not in self._found:
            start = time.perf_counter()
            network, size = self.network.subnet(row), space.blocks(row)[0].input_shape[-1]
            recalibrate(network, self.pictures.batches(self._calibration, BATCH), size)
            test = self.pictures.batches(self.pictures.test, BATCH)
            self._found[row.tobytes()] = evaluate(network, test, size)
            self._seconds.append(time.perf_counter() - start)
        return self._found[row.tobytes()]
