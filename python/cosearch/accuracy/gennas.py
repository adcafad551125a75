"""Accuracy ranked by how well networks regress synthetic signals."""

import math
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cosearch.accuracy.gennas_settings import GenNASSettings
from cosearch.spaces import Space

WORST_LOSS = 10.0
"""Of a network whose training diverged; one that learns nothing has 1."""


class GenNAS:
    """Ranks architectures by a regression task that knows no classes and needs no data.

    GenNAS (Li, Hao, Li, Xiong and Chen, "Generic Neural Architecture Search via Regression",
    NeurIPS 2021): a network without its head learns to turn one batch of pictures into synthetic
    signals (sines, random dots, the resized picture) at the end of its last resolution stages,
    each read out by a 1×1 convolution. The loss after a few dozen steps, negated, is the score.
    Unlike there, the pictures are synthetic too, and the mix of signals is not searched for on
    architectures of known accuracy.

    The network is `Space.network` of the canonical architecture, whose modules' outputs are
    feature maps up to the head. Every architecture starts from the same seed, so that a score is
    a function of architecture, settings and seed; it is exact for one number of torch's threads
    and one machine.

    Scores are remembered as they are made: a `score` that was interrupted goes on where it was.

    Parameters
    ----------
    space : Space
        What architectures are of.
    settings : GenNASSettings
        Task and training.
    seed : int
        Of pictures, signals, noise and first weights.
    """

    name = "gennas"
    unit = ""

    def __init__(self, space: Space, settings: GenNASSettings | None = None, seed: int = 0) -> None:
        self.space, self.seed = space, seed
        self.settings = settings or GenNASSettings()
        self._scores: dict[bytes, float] = {}
        self._spent_s = 0.0

    @property
    def cost_s(self) -> float:
        """Mean seconds an architecture so far; not a number before the first."""
        return self._spent_s / len(self._scores) if self._scores else math.nan

    def score(
        self,
        architectures: npt.ArrayLike,
        progress: Callable[[int, int], None] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Train what was never scored, and give the scores.

        Parameters
        ----------
        architectures : array-like
            Integers ``[count, positions]``.
        progress : callable, optional
            Told after each training how many are done, of how many.

        Returns
        -------
        numpy.ndarray
            float64 ``[count]``, negated losses, -`WORST_LOSS` or more.

        Raises
        ------
        ValueError
            See `Space.validate`; also when a network cannot be trained on the signals.
        """
        rows = self.space.canonical(architectures)
        new = {row.tobytes(): row for row in rows if row.tobytes() not in self._scores}
        for done, (key, row) in enumerate(new.items(), 1):
            start = time.perf_counter()
            self._scores[key] = self._train(row)
            self._spent_s += time.perf_counter() - start
            if progress is not None:
                progress(done, len(new))
        return np.array([self._scores[row.tobytes()] for row in rows], np.float64)

    def _train(self, row: npt.NDArray[np.int64]) -> float:
        import torch

        from cosearch.accuracy.gennas_regression import LEAST_SIZE, regression_losses

        _, channels, own, _ = self.space.blocks(row)[0].input_shape
        size = max(LEAST_SIZE, own // self.settings.shrink)
        # The caller's own draws go on as if nothing had been drawn here.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = self.space.network(row)
            try:
                losses = regression_losses(network, (channels, size), self.settings, self.seed)
            except (RuntimeError, ValueError) as error:
                raise ValueError(
                    f"{self.space.format(row)} cannot be trained on pictures of {size}x{size}: "
                    f"{error}. Try settings with a smaller shrink."
                ) from error
        loss = float(losses[-self.settings.last_steps :].mean())
        return -min(loss, WORST_LOSS) if math.isfinite(loss) else -WORST_LOSS
