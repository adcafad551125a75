"""The latency of networks with the schedules that the database would give them, unmeasured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from tvm.target import Target

from cosearch.latency.batch_plan import BatchPlan
from cosearch.latency.block_book import BlockBook
from cosearch.latency.cache_curve import Values
from cosearch.latency.composition import Composition, compose, import_block, import_network
from cosearch.latency.dataset import Dataset, read_dataset
from cosearch.latency.fit_network import fit_network
from cosearch.latency.interval_plan import IntervalPlan
from cosearch.latency.kernel_model import KernelModel
from cosearch.latency.kernel_sums import (
    join_compositions,
    sum_costs,
    sum_kernels,
    unmeasured_share,
)
from cosearch.latency.metrics import prediction_metrics
from cosearch.latency.network_model import NetworkModel
from cosearch.latency.other_device import fit_device
from cosearch.latency.outlook import SOURCES, Foreseer
from cosearch.latency.predictor_file import (
    PredictorError,
    default_path,
    read_predictor,
    write_predictor,
)
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.target import resolve_target

LEAST_NETWORKS = 5
"""Labelled networks without which nothing can be said of the predictor's error."""

Source = Literal["table", "predicted", "extrapolated"]


@dataclass(frozen=True)
class Latency:
    """A predicted latency.

    Attributes
    ----------
    us : float
        Microseconds of one run.
    low_us, high_us : float
        Interval that holds 90 of 100 measured ones.
    source : {"table", "predicted", "extrapolated"}
        Whether all kernels were measured in other networks, some were not, or some are of a kind
        that never was.
    """

    us: float
    low_us: float
    high_us: float
    source: Source

    def __str__(self) -> str:
        """Say the latency, its interval and its source."""
        return f"{self.us:.4g} µs ({self.low_us:.4g} to {self.high_us:.4g}, {self.source})"


class LatencyPredictor:
    """Predicts the latency of networks as the best known schedules would run them.

    A function of the query, of what was learnt, and of the database: what else the machine does
    changes nothing. Make one by `fit` or `load`.

    Parameters
    ----------
    kernels : KernelModel
        Of kernels inside networks.
    network : NetworkModel
        Of whole networks.
    target : tvm.target.Target
        What networks are compiled for.
    database : ScheduleDatabase
        Where their schedules would come from.
    book : BlockBook, optional
        What is known of the blocks of spaces already.

    Examples
    --------
    >>> predictor = LatencyPredictor.fit(database, target)
    >>> predictor.predict("model.onnx").us
    >>> predictor.predict_batch(space.sample(1000, rng), space)   # float64 [1000], microseconds
    """

    def __init__(
        self,
        kernels: KernelModel,
        network: NetworkModel,
        target: Target,
        database: ScheduleDatabase,
        book: BlockBook | None = None,
    ) -> None:
        self.kernels = kernels
        self.network = network
        self.target = target
        self.conditions = Conditions.of(target)
        self._database = database
        self._foreseer = Foreseer(database, self.conditions)
        self.book = BlockBook(target, self._foreseer) if book is None else book
        self._plans: dict[str, BatchPlan] = {}
        self._interval_plans: dict[str, IntervalPlan] = {}

    @classmethod
    def fit(
        cls,
        database: ScheduleDatabase,
        target: Any = None,
        *,
        unstable: bool = False,
        seed: int = 0,
    ) -> "LatencyPredictor":
        """Learn from the networks that were labelled under a target (see `cosearch measure`).

        Parameters
        ----------
        database : ScheduleDatabase
            With labels, and with the schedules that networks will be built from.
        target : str, mapping or tvm.target.Target, optional
            By default this machine.
        unstable : bool
            Whether to learn from unstable labels as well. They are upper bounds; on a machine that
            never is quiet there are hardly any others. Intervals are as wide as they scatter.
        seed : int
            Of the trees and the folds.

        Raises
        ------
        PredictorError
            When fewer than `LEAST_NETWORKS` networks were labelled, or the kernels of fewer were
            steady enough to learn from.
        """
        resolved = resolve_target(target)
        foreseer = Foreseer(database, Conditions.of(resolved))
        data = read_dataset(database, foreseer, unstable=unstable)
        return cls.fit_dataset(data, database, resolved, seed=seed)

    @classmethod
    def fit_dataset(
        cls, data: Dataset, database: ScheduleDatabase, target: Target, *, seed: int = 0
    ) -> "LatencyPredictor":
        """Learn from a part of the labels; see `fit`."""
        steady = len({observation.network for observation in data.observations})
        if min(len(data.networks), steady) < LEAST_NETWORKS:
            raise PredictorError(
                f"{len(data.networks)} networks were measured for this target, {steady} of them "
                f"with all their kernels steady, of at least {LEAST_NETWORKS}: label more with "
                "`cosearch measure MODEL ...`, while the machine does little else; or learn from "
                "unstable labels as well (`--unstable`)."
            )
        kernels = KernelModel.fit(data.observations, seed)
        return cls(kernels, fit_network(data, seed), target, database)

    def predict(self, x: Any, example_inputs: Any = None, *, space: Any = None) -> Latency:
        """Predict the latency of a network or a block.

        Parameters
        ----------
        x : network, block or architecture
            A torch module, an ONNX model or file, a Relax module, a block of a space, or, with
            `space`, one architecture: integers ``[positions]``.
        example_inputs : optional
            For a torch module, what it is exported with.
        space : cosearch.spaces.Space, optional
            What the architecture is of.

        Raises
        ------
        FrontendError, ValueError
            When it cannot be imported, or is no architecture of the space.
        """
        if space is not None:
            return self.of_composition(self._kernels(space, x))
        return self.of_composition(self._composition(x, example_inputs))

    def predict_batch(
        self, xs: npt.ArrayLike | Sequence[Any], space: Any = None
    ) -> npt.NDArray[np.float64]:
        """Predict the latency of many networks.

        Parameters
        ----------
        xs : array-like or sequence
            With `space`, architectures: integers ``[count, positions]``; else networks as for
            `predict`.
        space : cosearch.spaces.Space, optional
            What the architectures are of. Blocks that were never asked for are looked at first,
            each once: a second or so; after that a batch takes microseconds an architecture.

        Returns
        -------
        numpy.ndarray
            float64 ``[count]``, microseconds.
        """
        if space is None:
            return np.array([self.predict(x).us for x in xs])  # type: ignore[union-attr]
        return self.plan(space).latencies_us(xs)

    def interval_batch(
        self, architectures: npt.ArrayLike, space: Any
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Predict the latency of many architectures, with the intervals that `predict` gives.

        Parameters
        ----------
        architectures : array-like
            Integers ``[count, positions]``.
        space : cosearch.spaces.Space
            What they are of.

        Returns
        -------
        us, low_us, high_us : numpy.ndarray
            float64 ``[count]``, microseconds: see `Latency`.
        """
        if space.name not in self._interval_plans:
            self._interval_plans[space.name] = IntervalPlan(
                space,
                self.plan(space),
                lambda block: sum_costs(self.kernels, self.book.kernels(space, block)),
                self.kernels.line.caches,
                self.network,
            )
        return self._interval_plans[space.name].intervals_us(architectures)

    def sources(self, architecture: npt.ArrayLike, space: Any) -> dict[str, int]:
        """Count how the kernels of an architecture would get their schedules.

        Parameters
        ----------
        architecture : array-like
            Integers ``[positions]``.
        space : cosearch.spaces.Space
            What it is of.

        Returns
        -------
        dict of str to int
            Different kernels by ``"exact"``, ``"transferred"``, ``"rules"`` and ``"default"``: see
            `cosearch.report.reuse.Source`.
        """
        outlooks = self._kernels(space, architecture).outlooks
        return {source: sum(one.source == source for one in outlooks) for source in SOURCES}

    def plan(self, space: Any) -> BatchPlan:
        """Return the table of blocks by which architectures of a space are scored."""
        if space.name not in self._plans:
            self._plans[space.name] = BatchPlan(
                space,
                lambda block: self._block_costs(self.book.kernels(space, block)),
                self.kernels.line.caches,
                self.network.start_us,
            )
        return self._plans[space.name]

    def evaluate(self, data: Dataset) -> dict[str, float]:
        """Compare predictions with labels of networks; see `prediction_metrics`."""
        found = [self.of_composition(composition) for composition in data.compositions]
        return prediction_metrics(
            [latency.us for latency in found],
            data.measured_us,
            [latency.low_us for latency in found],
            [latency.high_us for latency in found],
        )

    def adapt(
        self, xs: npt.ArrayLike | Sequence[Any], latencies_us: npt.ArrayLike, space: Any = None
    ) -> "LatencyPredictor":
        """Make a predictor of another device from a handful of networks that were measured there.

        Nothing is compiled for the device; see `fit_device`. Where a table of other devices is at
        hand, `DeviceAdapter` learns from these too.

        Parameters
        ----------
        xs : array-like or sequence
            As for `predict_batch`; three or more, ten say more.
        latencies_us : array-like
            ``[count]``, microseconds on the device.
        space : cosearch.spaces.Space, optional
            What they are architectures of.

        Returns
        -------
        LatencyPredictor
            Of the device; saved, it needs a path of its own.

        Raises
        ------
        ValueError
            When there are too few, or a latency is not positive and finite.
        """
        if space is None:
            samples = [self._composition(x) for x in xs]  # type: ignore[union-attr]
        else:
            samples = [self._kernels(space, row) for row in np.asarray(xs)]
        there, network = fit_device(self.kernels, self.network, samples, latencies_us)
        return LatencyPredictor(there, network, self.target, self._database, self.book)

    def of_composition(self, kernels: Composition) -> Latency:
        """Predict from the kernels of a network."""
        total, unmeasured = sum_kernels(self.kernels, kernels)
        share = float(unmeasured_share(total, unmeasured))
        us = float(self.network.latency_us(np.array(total), kernels.calls.sum()))
        half = float(self.network.half_width(np.array(share)))
        source: Source = "table" if share == 0 else "predicted"
        if any(outlook.kind not in self.kernels.line.kinds for outlook in kernels.outlooks):
            source = "extrapolated"
        return Latency(us, us * max(0.0, 1 - half), us * (1 + half), source)

    def save(self, path: str | Path | None = None) -> Path:
        """Write the predictor, as JSON that gzip compresses; return where.

        Parameters
        ----------
        path : str or pathlib.Path, optional
            By default a file in the user's cache folder, where `load` finds it by its target.

        Raises
        ------
        OSError
            When it cannot be written.
        ValueError
            When it is of another device (see `adapt`), and no path is given.
        """
        if path is None and self.kernels.device:
            raise ValueError("a predictor of another device is saved to a path of its own: name it")
        where = Path(path) if path is not None else default_path(self.conditions)
        parts = {
            "kernels": self.kernels.to_json(),
            "network": self.network.to_json(),
            "blocks": self.book.to_json(),
        }
        write_predictor(where, self.target, parts)
        return where

    @classmethod
    def load(
        cls, target: Any = None, database: ScheduleDatabase | None = None
    ) -> "LatencyPredictor":
        """Read a predictor that `save` wrote.

        Parameters
        ----------
        target : str, mapping, tvm.target.Target or pathlib.Path, optional
            Its file, or what it is for: then the one in the user's cache folder. By default this
            machine.
        database : ScheduleDatabase, optional
            Where schedules would come from; by default the user's own.

        Raises
        ------
        PredictorError
            When there is none, the file holds something else, or it is for another target, TVM or
            version of the features.
        """
        path, found, data = read_predictor(target)
        base = database or ScheduleDatabase()
        try:
            kernels = KernelModel.from_json(data["kernels"])
            loaded = cls(kernels, NetworkModel(**data["network"]), found, base)
            loaded.book.read(data["blocks"])
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise PredictorError(f"{path} is damaged ({error}): fit it again.") from error
        return loaded

    def learn_space(self, space: Any, progress: Callable[[int, int], None] | None = None) -> None:
        """Look at every block of a space, so that no architecture of it has to wait for any.

        Nothing is compiled or measured. `save` keeps what was learnt, as the database schedules
        the kernels today.

        Parameters
        ----------
        space : cosearch.spaces.Space
            With its catalogue.
        progress : callable, optional
            Told how many blocks are done, of how many.
        """
        self.book.look_up_all(space, progress)

    def _composition(self, x: Any, example_inputs: Any = None) -> Composition:
        if hasattr(x, "build") and hasattr(x, "input_shape"):
            mod = import_block(x)
        else:
            mod = import_network(x, example_inputs)
        return compose(mod, self.target, self._foreseer)

    def _kernels(self, space: Any, architecture: npt.ArrayLike) -> Composition:
        """Return the kernels of an architecture, integers ``[positions]``."""
        blocks = space.blocks(architecture)
        return join_compositions([self.book.kernels(space, block) for block in blocks])

    def _block_costs(self, kernels: Composition) -> Values:
        """Return what a block costs in a network, with its share of the network's overheads."""
        return self.network.costs(sum_costs(self.kernels, kernels)[0], float(kernels.calls.sum()))
