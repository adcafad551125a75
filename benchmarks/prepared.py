"""Databases of schedules that a comparison builds from: one file for each tuned network."""

import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from tvm.ir import IRModule
from tvm.target import Target

from cosearch.report import TuningBar
from cosearch.schedules import (
    Conditions,
    ScheduleDatabase,
    extract_workloads,
    lower_to_workloads,
    tune,
)


def open_database(path: str | Path | None) -> ScheduleDatabase:
    """Open a database as every build of these benchmarks does; without a path, an empty one.

    It is the one place that decides what a build may know beside the file: not the records that
    the package carries, some of which are of the networks that are compared.
    """
    return ScheduleDatabase.in_memory() if path is None else ScheduleDatabase(path, base=False)


def prepare(
    name: str,
    mod: IRModule,
    path: Path,
    target: Target,
    *,
    trials: int,
    seed: int,
    console: Console,
) -> float:
    """Tune a network into a file of its own, unless there is one; return the seconds.

    A tuning that is interrupted leaves a file ending in ``.partial``, from which the next one goes
    on.

    Parameters
    ----------
    name : str
        Name of the network, for the records.
    mod : tvm.ir.IRModule
        The network.
    path : pathlib.Path
        The file.
    target : tvm.target.Target
        What to tune for.
    trials : int
        Candidates for each workload.
    seed : int
        Seed of the search.
    console : rich.console.Console
        Where to show how far it is.

    Raises
    ------
    ValueError
        When the file has no record that holds under the target's conditions.
    """
    if path.exists():
        with open_database(path) as database:
            usable = any(True for _ in database.records(conditions=Conditions.of(target)))
        database.close()
        if not usable:
            raise ValueError(f"{path} has no record for {target}: delete it, or name another one")
        return 0.0
    partial = path.with_name(path.name + ".partial")
    start = time.perf_counter()
    with open_database(partial) as database, TuningBar(console) as bar:
        result = tune(
            extract_workloads(lower_to_workloads(mod, target)),
            database,
            target,
            trials_per_task=trials,
            network=name,
            seed=seed,
            progress=bar.update,
        )
    database.close()
    if result.interrupted:
        raise KeyboardInterrupt
    partial.rename(path)
    return time.perf_counter() - start


def merge(path: Path, files: Iterable[Path], target: Target | None = None) -> None:
    """Put the records of several databases into one, which may exist.

    With a target it also learns from them, as a tuning into it would have done.
    """
    database = open_database(path)
    for file in files:
        database.merge(file, replay=False)  # they were measured on this machine
    if target is not None:
        _ = database.knowledge(Conditions.of(target)).cost
    database.close()
