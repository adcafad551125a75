"""Networks of search spaces, measured for learning and testing latency predictors."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from tvm.target import Target

from cosearch import frontend
from cosearch.latency import Laboratory
from cosearch.relay.label_network import label_network
from cosearch.schedules import Conditions, ScheduleDatabase
from cosearch.spaces import FBNetSpace, MBConvSpace, NASBench201Space, ResNetSpace

BUDGET_S, QUICK_BUDGET_S = 6.0, 1.0
"""Seconds for a network, and for its kernels, where the machine is not quiet."""


@dataclass(frozen=True)
class Family:
    """A space, and how many of its networks are measured."""

    name: str
    space: Any
    share: float = 1.0
    """Of the count that is asked for."""


def families() -> list[Family]:
    """Spaces that are compared: four for learning and testing, one width for testing alone."""
    return [
        Family("mbconv", MBConvSpace()),
        Family("nasbench201", NASBench201Space()),
        Family("resnet", ResNetSpace(size=128)),
        Family("fbnet", FBNetSpace()),
        Family("mbconv x1.3", MBConvSpace(width=1.3), 1 / 3),
    ]


def draw(family: Family, count: int, seed: int) -> list[tuple[str, Any]]:
    """Draw different architectures of a space, with their names."""
    space, rng = family.space, np.random.default_rng(seed)
    found: dict[str, Any] = {}
    while len(found) < count:
        for row in space.canonical(space.sample(count, rng)):
            found.setdefault(f"{family.name} {space.format(row)}", row)
    return list(found.items())[:count]


def label(
    drawn: Sequence[tuple[Family, str, Any]],
    database: ScheduleDatabase,
    target: Target,
    console: Console,
    budget_s: float = BUDGET_S,
) -> float:
    """Measure what was not measured before; return the seconds.

    Interrupted, it goes on where it stopped: each network is kept as soon as it was measured. What
    came out unstable is measured again.
    """
    import torch

    laboratory = Laboratory(target, database)
    conditions = Conditions.of(target)
    found = database.labels(conditions, "network")
    known = {label.name for label in found if not label.unstable}
    start = time.monotonic()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring networks", total=len(drawn))
        for family, name, architecture in drawn:
            if name not in known:
                torch.manual_seed(0)
                network = family.space.network(architecture)
                shape = family.space.blocks(architecture)[0].input_shape
                mod = frontend.from_pytorch(network, (torch.zeros(shape),))
                label_network(mod, target, database, laboratory, name=name, budget_s=budget_s)
            progress.advance(task)
    return time.monotonic() - start
