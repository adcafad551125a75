"""Labels of networks and of their kernels, ready to learn from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosearch.latency.composition import Composition
from cosearch.latency.observation import Observation
from cosearch.latency.outlook import Foreseer, Outlook
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.label import Label, Level


@dataclass(frozen=True)
class Dataset:
    """Networks that were measured, and the kernels inside of them.

    Attributes
    ----------
    networks : tuple of str
        Digests.
    names : tuple of str
        What people call the networks.
    compositions : tuple of Composition
        Their kernels.
    measured_us : numpy.ndarray
        float64 ``[networks]``: whole runs.
    observations : tuple of Observation
        Of the kernels inside of them.
    """

    networks: tuple[str, ...]
    names: tuple[str, ...]
    compositions: tuple[Composition, ...]
    measured_us: npt.NDArray[np.float64]
    observations: tuple[Observation, ...]

    def rows(self) -> Iterator[tuple[str, Composition, float]]:
        """Walk over digests, kernels and latencies."""
        return zip(self.networks, self.compositions, self.measured_us.tolist(), strict=True)

    def only(self, networks: frozenset[str]) -> "Dataset":
        """Return the part that is of some networks, by their digests."""
        kept = [place for place, key in enumerate(self.networks) if key in networks]
        return Dataset(
            tuple(self.networks[i] for i in kept),
            tuple(self.names[i] for i in kept),
            tuple(self.compositions[i] for i in kept),
            self.measured_us[kept],
            tuple(o for o in self.observations if o.network in networks),
        )

    def without(self, networks: frozenset[str]) -> "Dataset":
        """Return the part that is not of some networks."""
        return self.only(frozenset(self.networks) - networks)


def read_dataset(
    database: ScheduleDatabase, foreseer: Foreseer, *, unstable: bool = False
) -> Dataset:
    """Read all labels under the conditions of a foreseer.

    Left out are networks with a kernel that the database has lost, and labels that are unstable,
    unless these are asked for.
    """
    conditions = foreseer.conditions
    outlooks: dict[str, Outlook | None] = {}

    def outlook(workload: str) -> Outlook | None:
        if workload not in outlooks:
            mod = database.workload(workload)
            outlooks[workload] = None if mod is None else foreseer.foresee(mod["main"])
        return outlooks[workload]

    def labels(level: Level) -> list[Label]:
        return [x for x in database.labels(conditions, level) if unstable or not x.unstable]

    networks, names, compositions, measured_us = [], [], [], []
    for label in labels("network"):
        found = [outlook(workload) for workload, _ in label.parts]
        known = tuple(entry for entry in found if entry is not None)
        if len(known) < len(found):
            continue
        networks.append(label.key)
        names.append(label.name)
        calls = np.array([count for _, count in label.parts], "float64")
        compositions.append(Composition(tuple(w for w, _ in label.parts), calls, known))
        measured_us.append(label.latency_us)
    footprints_kb = {
        key: sum(count * one.weights_kb for count, one in zip(of.calls, of.outlooks, strict=True))
        for key, of in zip(networks, compositions, strict=True)
    }
    observations = []
    for label in labels("kernel"):
        entry = outlook(label.key) if label.network in footprints_kb else None
        if entry is not None and label.context == "network":
            footprint_kb = footprints_kb[label.network]
            observations.append(
                Observation(label.key, label.network, label.latency_us, entry, footprint_kb)
            )
    return Dataset(
        tuple(networks),
        tuple(names),
        tuple(compositions),
        np.array(measured_us, "float64"),
        tuple(observations),
    )
