"""One network of a comparison: built without its own records in several ways, and with them."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
from contest import Contestant, first_outputs, relative_error, run_in_turns
from networks import load_network
from prepared import merge
from tvm.ir import IRModule

from cosearch.frontend import from_onnx
from cosearch.peers import random_inputs
from cosearch.schedules import resolve_target

SYSTEMS = ("default", "rules", "zero_shot", "few_shot", "tuned")
UNMEASURED = ("default", "rules", "zero_shot")
"""Builds that can be repeated: a second few-shot build would find what the first one measured."""
SHARES = ("rules", "zero_shot", "few_shot")


@dataclass
class Network:
    """A network of the comparison, and the file of its own records."""

    name: str
    model: onnx.ModelProto
    mod: IRModule
    records: Path
    tuning_s: float = 0.0


def load(name: str, folder: Path) -> Network:
    """Load a network by its name or from a file."""
    model = load_network(name)
    stem = Path(name).stem
    return Network(stem, model, from_onnx(model), folder / f"{stem}.sqlite")


@dataclass(frozen=True)
class Terms:
    """What holds for every network of the comparison.

    Attributes
    ----------
    target : str
        What to build for, without its number of threads.
    threads : int
        Threads of each build.
    few : int
        Candidates that the few-shot build measures at most for a workload without an exact record.
    few_seconds : float
        Seconds that it may spend on that.
    rounds : int
        Turns of each build.
    builds : int
        Times to build where nothing is measured; the fastest counts.
    """

    target: str
    threads: int
    few: int
    few_seconds: float
    rounds: int
    builds: int = 2


def leave_out(
    network: Network, others: list[Path], terms: Terms
) -> tuple[dict[str, Any], dict[str, float]]:
    """Build and run one network in every way, with the records of the others.

    Parameters
    ----------
    network : Network
        The one that is left out.
    others : list of pathlib.Path
        Files of the others' records.
    terms : Terms
        The terms of the comparison.

    Returns
    -------
    tuple
        The row of the report, and the microseconds of the zero-shot build's kernels by workload.

    Raises
    ------
    RuntimeError
        When it cannot be built.
    """
    contestants: dict[str, Contestant] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        target = resolve_target(f"{terms.target} -num-cores={terms.threads}")
        merge(folder / "zero_shot.sqlite", others, target)
        for name in ("few_shot", "tuned"):
            shutil.copy(folder / "zero_shot.sqlite", folder / f"{name}.sqlite")
        merge(folder / "tuned.sqlite", [network.records])
        try:
            builds = _build(network, folder, terms, contestants)
            outputs = first_outputs(contestants, folder)
            seconds = run_in_turns(contestants, terms.rounds)
            kernels_us = contestants["zero_shot"].ask(profile=True)["latency_us"]
        finally:
            for contestant in contestants.values():
                contestant.close()
    row: dict[str, Any] = {"network": network.name, "tuning_s": network.tuning_s}
    row |= {f"{name}_ms": median(times) * 1e3 for name, times in seconds.items()}
    row |= {f"{name}_share": row["tuned_ms"] / row[f"{name}_ms"] for name in SHARES}
    row |= {f"{name}_s": build["build_s"] for name, build in builds.items()}
    row |= {f"{name}_sources": build["sources"] for name, build in builds.items()}
    for name in ("rules", "zero_shot"):
        row[f"{name}_build_time_ratio"] = row[f"{name}_s"] / row["default_s"]
    reference = outputs.pop("default")
    row |= {f"{name}_error": relative_error(out, reference) for name, out in outputs.items()}
    row["relative_error"] = float(np.max([row[f"{name}_error"] for name in outputs]))
    return row, {k: us for k, us in kernels_us.items() if us is not None}


def _build(
    network: Network, folder: Path, terms: Terms, contestants: dict[str, Contestant]
) -> dict[str, dict[str, Any]]:
    """Start the contestants; return what their builds tell."""
    onnx.save(network.model, folder / "model.onnx")
    np.savez(folder / "inputs.npz", **random_inputs(network.mod))
    with (folder / "log").open("a") as log:
        contestants |= {name: Contestant(log, terms.threads) for name in SYSTEMS}
    for contestant in contestants.values():  # all at once
        contestant.send(load=True)
    for contestant in contestants.values():
        contestant.answer()
    builds: dict[str, dict[str, Any]] = {}
    for name in (*SYSTEMS, *UNMEASURED * (terms.builds - 1)):
        reply = contestants[name].ask(
            system={"default": "default", "rules": "untuned"}.get(name, "cosearch"),
            model=str(folder / "model.onnx"),
            inputs=str(folder / "inputs.npz"),
            threads=terms.threads,
            target=terms.target,
            database=str(folder / f"{name}.sqlite"),
            trials=terms.few if name == "few_shot" else 0,
            seconds=terms.few_seconds if name == "few_shot" else 0.0,
        )
        if "error" in reply:
            raise RuntimeError(f"{network.name}, {name}: {reply['error']}")
        if name in builds:  # the first build of a process also sets up what it needs
            reply["build_s"] = min(reply["build_s"], builds[name]["build_s"])
        builds[name] = reply
    return builds
