"""A space of sixteen small networks, as a user would add one, and labels made up for it."""

from dataclasses import replace
from functools import cached_property, partial

import numpy as np

from cosearch import frontend
from cosearch.blocks import workload_signature
from cosearch.latency.composition import compose
from cosearch.latency.outlook import Foreseer
from cosearch.schedules import Conditions, lower_to_workloads
from cosearch.schedules.apply import is_workload
from cosearch.schedules.label import Label
from cosearch.spaces import Block, Space

KERNELS = (1, 3, 5, 7)


def _stem():
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())


def _body(kernel):
    from torch import nn

    return nn.Sequential(nn.Conv2d(8, 8, kernel, padding=kernel // 2), nn.ReLU())


def _tail():
    from torch import nn

    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))


class TinySpace(Space):
    """A stem, two convolutions whose kernels are chosen, and a classifier."""

    name = "tiny"
    input_shape = (1, 3, 32, 32)
    choices = (4, 4)

    @cached_property
    def catalogue(self):
        inner = (1, 8, 16, 16)
        bodies = [
            Block(f"body {place} k{kernel}", inner, partial(_body, kernel), 1, 1)
            for place in (1, 2)
            for kernel in KERNELS
        ]
        return (
            Block("stem", self.input_shape, _stem, 1, 1, first=True),
            *bodies,
            Block("tail", inner, _tail, 1, 1),
        )

    def slots(self, architectures):
        rows = self.validate(architectures)
        ends = np.zeros(len(rows)), np.full(len(rows), 9)
        columns = [ends[0], 1 + rows[:, 0], 5 + rows[:, 1], ends[1]]
        return np.stack(columns, axis=1).astype("int32")

    def canonical(self, architectures):
        return self.validate(architectures)

    def format(self, architecture):
        return "-".join(str(KERNELS[i]) for i in architecture)

    def parse(self, text):
        kernels = [int(part) for part in text.split("-")]
        if not set(kernels) <= set(KERNELS):
            raise ValueError(f"{text}: kernels are of {KERNELS}")
        return np.array([KERNELS.index(kernel) for kernel in kernels])


def import_architecture(space, architecture):
    import torch

    torch.manual_seed(0)
    network = space.network(architecture)
    return frontend.from_pytorch(network, (torch.zeros(space.input_shape),))


def label_as_promised(database, space, architectures, target, factor=2.0):
    """Add labels as they would be if kernels took so many times what is promised, a call 1 µs."""
    conditions = Conditions.of(target)
    foreseer = Foreseer(database, conditions)
    for architecture in architectures:
        mod = import_architecture(space, architecture)
        for func in lower_to_workloads(mod, target).functions.values():
            if is_workload(func):
                database.keep_workload(func, workload_signature(func))
        kernels = compose(mod, target, foreseer)
        times = np.array([factor * outlook.base_us for outlook in kernels.outlooks])
        name = space.format(architecture)
        whole = Label(
            float(times @ kernels.calls + kernels.calls.sum()),
            *(0.0, 1e9, False, True),
            conditions=conditions,
            level="network",
            key=name,
            name=f"{space.name} {name}",
            parts=tuple((w, int(n)) for w, n in zip(kernels.workloads, kernels.calls, strict=True)),
        )
        inside = replace(whole, level="kernel", context="network", network=name, parts=())
        database.add_labels(
            [
                whole,
                *(
                    replace(inside, latency_us=float(time_us), key=workload)
                    for workload, time_us in zip(kernels.workloads, times, strict=True)
                ),
            ]
        )
