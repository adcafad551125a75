"""Networks that a NAS would draw from one space of blocks (see `examples/mbconv_family.py`)."""

import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import tvm
from contest import relative_error
from prepared import open_database
from tvm.target import Target

from cosearch import relay
from cosearch.peers import library_runner, random_inputs

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

SIZE = 224
STAGES = ((16, 1), (24, 2), (40, 2), (80, 2), (112, 1), (192, 2))
"""Channels and stride of each stage, as in MobileNetV2 and EfficientNet-B0."""


def sample_networks(count: int, seed: int) -> list[Any]:
    """Draw networks: depth, kernel sizes, expansions and squeeze-and-excitation of each stage.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        Of the draws and of the weights.

    Returns
    -------
    list of torch.nn.Module
        In evaluation mode, with batch-norm statistics of random pictures.
    """
    import torch
    from mbconv_family import MBConvNet, Stage, calibrate

    rng = random.Random(seed)
    torch.manual_seed(seed)
    pictures = torch.randn(8, 3, SIZE // 2, SIZE // 2)
    networks = []
    for _ in range(count):
        stages = [
            Stage(
                channels,
                stride,
                tuple(
                    (rng.choice((3, 5, 7)), rng.choice((3, 4, 6)) if index else 1)
                    for _ in range(rng.randint(2, 4) if index else 1)
                ),
                excite=rng.random() < 0.5,
            )
            for index, (channels, stride) in enumerate(STAGES)
        ]
        networks.append(calibrate(MBConvNet(stages, classes=1000), pictures))
    return networks


def optimise_networks(count: int, seed: int, database: Path, target: Target) -> dict[str, Any]:
    """Build drawn networks one after another from one database, with nothing measured.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        See `sample_networks`.
    database : pathlib.Path
        Where their schedules come from.
    target : tvm.target.Target
        What to build for.

    Returns
    -------
    dict
        Row of the report: seconds of each build, their sum, kernels by source over all, and the
        largest relative error against the networks as TVM builds them by default.
    """
    import torch

    build_s, sources, errors = [], Counter(), []
    enabled = {"relax.cosearch.enable": True}
    for network in sample_networks(count, seed):
        mod, params = relay.frontend.from_pytorch(network, (torch.zeros(1, 3, SIZE, SIZE),))
        start = time.perf_counter()
        with (
            open_database(database),
            tvm.transform.PassContext(config=enabled),
        ):
            lib = relay.build(mod, target, params=params)
        build_s.append(time.perf_counter() - start)
        sources.update(kernel.source for kernel in lib.reuse.kernels)
        plain = relay.build(mod, target, params=params)
        inputs = random_inputs(mod)
        output, reference = (library_runner(made, inputs)()[0] for made in (lib, plain))
        errors.append(relative_error(output, reference))
    return {
        "network": f"{count} of the MBConv space",
        "drawn_total_s": sum(build_s),
        "drawn_s": build_s,
        "drawn_sources": dict(sources),
        "relative_error": float(np.max(errors)),
    }
