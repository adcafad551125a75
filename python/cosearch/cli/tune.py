"""``cosearch tune``."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

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

if TYPE_CHECKING:
    from cosearch.schedules import ScheduleDatabase, TuningTask
    from cosearch.schedules.worth import Worth

TRIALS = 16
"""Candidates for each workload, unless the command line limits them."""


@app.command(epilog="Example: `cosearch tune net.onnx --trials 500`")
def tune(
    model: Model,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Candidates to measure, those in the database included. "
            f"[default: {TRIALS} for each workload, with --worth {TRIALS} more than it has; no "
            "limit with --seconds]",
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="Time after which to stop.")
    ] = None,
    trials_per_task: Annotated[
        int | None, typer.Option(min=1, help="Candidates to measure for one workload at most.")
    ] = None,
    worth: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Tune only the N kernels that promise to gain most, in this order. The network "
            "is built and measured first.",
        ),
    ] = None,
    shape: Shapes = None,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    cost_model: Annotated[
        Literal["trees", "gaussian-process"],
        typer.Option(help="What ranks candidates before they are measured."),
    ] = "trees",
    as_json: Json = False,
) -> None:
    """Tune the kernels of a network into the database.

    Ctrl-C stops it; what was measured is kept, and the same command goes on from there.
    """
    from cosearch import ScheduleDatabase
    from cosearch.report import TuningBar
    from cosearch.schedules import extract_workloads, lower_to_workloads
    from cosearch.schedules import tune as tune_workloads

    mod, resolved = read_network(model, shape), read_target(target, threads)
    tasks = extract_workloads(lower_to_workloads(mod, resolved))
    chosen: list[Worth] = []
    with ScheduleDatabase(db) as database:
        if worth is not None:
            chosen = _most_worth(mod, resolved, database, worth)
            tasks = _tasks_of(chosen, tasks)
        if trials is None and seconds is None and trials_per_task is None:
            trials = TRIALS * len(tasks) + sum(one.trials for one in chosen)
        notes.print(f"{len(tasks)} workloads, {resolved.attrs['num-cores']} threads")
        with TuningBar(notes) as bar:
            result = tune_workloads(
                tasks,
                database,
                resolved,
                trials=trials,
                seconds=seconds,
                trials_per_task=trials_per_task,
                network=model.stem,
                seed=seed,
                cost_model=cost_model,
                progress=bar.update,
            )
    if as_json:
        extra = {} if worth is None else {"worth": [asdict(one) for one in chosen]}
        print_json({**asdict(result), "database": database.url, **extra})
    else:
        out.print(
            f"{result.trials} candidates measured in {result.seconds:.0f} s, {result.failed} "
            f"failed; the kernels take {result.latency_us / 1e3:.3f} ms in all; "
            f"kept in {database.url}",
            soft_wrap=True,
        )
    if result.interrupted:
        raise typer.Exit(130)


def _most_worth(mod: Any, target: Any, database: "ScheduleDatabase", count: int) -> "list[Worth]":
    """Build and measure a network; return the kernels that promise to gain most."""
    from cosearch import relay
    from cosearch.report import appraise, render_worth
    from cosearch.schedules import Conditions
    from cosearch.schedules.tuning_history import TuningHistory

    with notes.status("measuring the kernels"):
        report = relay.build(mod, target).profile()
    _, ranked = appraise(report, TuningHistory.read(database, Conditions.of(target)))
    chosen = [one for one in ranked if one.expected_gain_us > 0][:count]
    if chosen:
        notes.print(render_worth(chosen))
    else:
        notes.print("no gain is expected of tuning any kernel")
    return chosen


def _tasks_of(chosen: "Sequence[Worth]", tasks: "Sequence[TuningTask]") -> "list[TuningTask]":
    """Return the tasks of kernels, with what they promise."""
    promises = {one.workload: one.expected_gain_us for one in chosen}
    return [
        replace(task, promised_us=promises[task.workload.signature.shape_aware])
        for task in tasks
        if task.workload.signature.shape_aware in promises
    ]
