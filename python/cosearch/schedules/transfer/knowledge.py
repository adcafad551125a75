"""What the records of a database say of workloads that it does not hold."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from tvm.ir import IRModule

from cosearch.blocks import Signature
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.record import Record
from cosearch.schedules.rules.anatomy import NotScheduled
from cosearch.schedules.rules.design import Design, Designer
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.similarity import Neighbour, SimilarityIndex, WorkloadPoint
from cosearch.schedules.store.donors import Donor, read_conditions, read_donors, read_rejections
from cosearch.schedules.store.errors import DamagedDataError, DatabaseError
from cosearch.schedules.store.models import (
    count_designs,
    read_model,
    write_model,
    write_rejection,
)
from cosearch.schedules.store.statements import Filter
from cosearch.schedules.store.storage import Storage
from cosearch.schedules.transfer.design_cost import (
    FEATURES_VERSION,
    LEAST_RECORDS,
    DesignCost,
    Sample,
    design_features,
)

GROWTH = 1.2
"""A cost model is trained anew when there are so many times the records that it was trained on."""

OWN_RECORDS = 256
"""Records of the user's own from which on the shipped cost model gives way to one that has seen
them too."""


class Knowledge:
    """Donors and a cost model for one set of conditions.

    Records count that were measured under the same conditions or under *kindred* ones: another CPU
    with the same vectors, or another number of threads above one. Their schedules are right here as
    well, and likely good; their times are not comparable, so they are donors and never exact hits.

    Parameters
    ----------
    storages : sequence of Storage
        Databases to learn from; what is learnt is kept in the first one, if it can be written.
    conditions : Conditions
        Where kernels are to run.
    """

    def __init__(self, storages: Sequence[Storage], conditions: Conditions) -> None:
        self._storages = list(storages)
        self._conditions = conditions
        self._kindred = [
            {row: c for row, c in read_conditions(storage).items() if are_kindred(c, conditions)}
            for storage in self._storages
        ]

    @cached_property
    def cost(self) -> DesignCost | None:
        """Predicts the latency of designs; None while there are too few records to learn from.

        It is trained when the database has grown, which takes a second or two, and else read.
        """
        if sum(self._designs) < LEAST_RECORDS:
            return None
        first, *beneath = self._storages
        own = self._read(first)
        frozen = first.connection.read_only
        if own is not None and (frozen or own[1] * GROWTH >= sum(self._designs)):
            return own[0]
        shipped = next(filter(None, map(self._read, beneath)), None)
        few = self._designs[0] < OWN_RECORDS
        if shipped is not None and (frozen or few):
            return shipped[0]
        return self._learn()

    def donors(
        self, signature: Signature, point: WorkloadPoint, k: int
    ) -> list[tuple[Donor, Neighbour]]:
        """Return the `k` workloads whose schedules are most likely to suit another one.

        Left out are the workload itself under the same conditions, and donors that were tried for
        it and did not suit.
        """
        found = []
        donors, index = self._index
        spare = self._rejected_donors[signature.shape_aware]
        for neighbour in index.query(signature.shape_agnostic, point, k + len(spare) + 1):
            donor = donors[neighbour.row]
            same = donor.signature.shape_aware == signature.shape_aware
            if same and donor.conditions == self._conditions:
                continue
            if donor.uid not in spare:
                found.append((donor, neighbour))
        return found[:k]

    def renew(self) -> None:
        """Look for donors again: records were added."""
        for name in ("_index", "_rejected_donors", "_designs"):
            self.__dict__.pop(name, None)

    def reject(self, signature: Signature, donor: Donor, reason: str) -> None:
        """Remember that a donor does not suit a workload, for good where that can be written."""
        self._rejected_donors[signature.shape_aware].add(donor.uid)
        storage = self._storages[0]
        if not storage.connection.read_only:
            write_rejection(storage, signature.shape_aware, donor.uid, reason)

    def _learn(self) -> DesignCost | None:
        """Train the cost model on all records, and keep it; None where they are of other rules."""
        samples = self._samples()
        if not samples:
            return None
        model = DesignCost.fit(samples)
        storage = self._storages[0]
        if not storage.connection.read_only:
            write_model(storage, self._key, model.to_json(), sum(self._designs))
        return model

    @cached_property
    def _index(self) -> tuple[list[Donor], SimilarityIndex]:
        donors = [
            donor
            for storage, kindred in zip(self._storages, self._kindred, strict=True)
            for donor in read_donors(storage, kindred)
        ]
        structures = [donor.signature.shape_agnostic for donor in donors]
        return donors, SimilarityIndex(structures, [donor.point for donor in donors])

    @cached_property
    def _rejected_donors(self) -> dict[str, set[str]]:
        """Uids of the records that did not suit a workload, by its shape-aware signature."""
        found: dict[str, set[str]] = defaultdict(set)
        for storage in self._storages:
            for shape_aware, uid in read_rejections(storage):
                found[shape_aware].add(uid)
        return found

    @cached_property
    def _designs(self) -> list[int]:
        """How many records of each database follow a design."""
        pairs = zip(self._storages, self._kindred, strict=True)
        return [count_designs(storage, list(kindred)) for storage, kindred in pairs]

    @property
    def _key(self) -> str:
        machine = Machine.of(self._conditions)
        text = f"{self._conditions.tvm_version} {machine.lanes} {machine.threads > 1}"
        digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        return f"designs {FEATURES_VERSION} {digest}"

    def _read(self, storage: Storage) -> tuple[DesignCost, int] | None:
        try:
            stored = read_model(storage, self._key)
            return None if stored is None else (DesignCost.from_json(stored[0]), stored[1])
        except DamagedDataError:
            return None  # it is trained anew

    def _samples(self) -> list[Sample]:
        groups: dict[tuple[str, Conditions], list[Record]] = defaultdict(list)
        for storage, kindred in zip(self._storages, self._kindred, strict=True):
            for conditions in kindred.values():
                for record in storage.reader.records(Filter(conditions=conditions)):
                    if record.provenance.design:
                        groups[record.workload.signature.shape_aware, conditions].append(record)
        by_conditions: dict[Conditions, list[Sample]] = defaultdict(list)
        for (_, conditions), records in groups.items():
            sample = _sample(records)
            if sample is not None:
                by_conditions[conditions].append(sample)
        own = by_conditions.get(self._conditions) or max(
            by_conditions.values(), key=len, default=[]
        )
        return [
            sample.at_rate(_cycles_per_us(samples), _cycles_per_us(own))
            for samples in by_conditions.values()
            for sample in samples
        ]


def are_kindred(one: Conditions, other: Conditions) -> bool:
    """Tell whether schedules for one set of conditions are of use under another one."""
    if one.tvm_version != other.tvm_version:
        return False
    machine, another = Machine.of(one), Machine.of(other)
    return (machine.lanes, machine.registers, machine.threads > 1) == (
        another.lanes,
        another.registers,
        another.threads > 1,
    )


def _cycles_per_us(samples: Sequence[Sample]) -> float:
    """Return how fast a CPU is, as the rules count cycles."""
    rates = [sample.cycles / sample.latencies_us for sample in samples]
    return float(np.median(np.concatenate(rates)))


def _sample(records: Sequence[Record]) -> Sample | None:
    try:
        mod: IRModule = records[0].workload.mod
        designer = Designer(mod, Machine.of(records[0].conditions))
    except (DatabaseError, NotScheduled):
        return None
    designs, latencies_us = [], []
    for record in records:
        try:
            designs.append(designer.time(Design.parse(record.provenance.design)))
        except (ValueError, ArithmeticError):
            continue  # of other rules than these
        latencies_us.append(record.latency_us)
    if not designs:
        return None
    return Sample(
        features=design_features(designer, designs),
        cycles=np.array([design.cycles for design in designs]),
        latencies_us=np.array(latencies_us),
    )
