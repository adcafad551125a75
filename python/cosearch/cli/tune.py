"""``cosearch tune``."""

from dataclasses import asdict
from typing import Annotated

import typer

from cosearch.cli.app import app, notes, out, print_json
from cosearch.cli.options import (
    DEFAULT_TARGET,
    DatabaseUrl,
    Json,
    Model,
    Shapes,
    TargetOption,
    Threads,
    read_network,
    read_target,
)


@app.command(epilog="Example: `cosearch tune net.onnx --trials 500`")
def tune(
    model: Model,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Candidates to measure, those in the database included. "
            "[default: 16 for each workload, unless --seconds is given]",
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="Time after which to stop.")
    ] = None,
    trials_per_task: Annotated[
        int | None, typer.Option(min=1, help="Candidates to measure for one workload at most.")
    ] = None,
    shape: Shapes = None,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    as_json: Json = False,
) -> None:
    """Tune the kernels of a network into the database.

    Ctrl-C stops it; what was measured is kept, and the same command goes on from there.
    """
    from cosearch import ScheduleDatabase
    from cosearch.report import TuningBar
    from cosearch.schedules import extract_workloads, lower_to_workloads
    from cosearch.schedules import tune as tune_workloads

    resolved = read_target(target, threads)
    tasks = extract_workloads(lower_to_workloads(read_network(model, shape), resolved))
    if trials is None and seconds is None and trials_per_task is None:
        trials = 16 * len(tasks)
    notes.print(f"{len(tasks)} workloads, {resolved.attrs['num-cores']} threads")
    with ScheduleDatabase(db) as database, TuningBar(notes) as bar:
        result = tune_workloads(
            tasks,
            database,
            resolved,
            trials=trials,
            seconds=seconds,
            trials_per_task=trials_per_task,
            network=model.stem,
            seed=seed,
            progress=bar.update,
        )
    if as_json:
        print_json({**asdict(result), "database": database.url})
    else:
        out.print(
            f"{result.trials} candidates measured in {result.seconds:.0f} s, {result.failed} "
            f"failed; the kernels take {result.latency_us / 1e3:.3f} ms in all; "
            f"kept in {database.url}",
            soft_wrap=True,
        )
    if result.interrupted:
        raise typer.Exit(130)
