"""``cosearch measure``."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from cosearch.cli.app import app, notes, out, print_json
from cosearch.cli.options import (
    DEFAULT_TARGET,
    DatabaseUrl,
    Json,
    Models,
    Shapes,
    TargetOption,
    Threads,
    read_network,
    read_target,
)


@app.command(epilog="Example: `cosearch measure net.onnx other.onnx --threads 1`")
def measure(
    models: Models,
    shape: Shapes = None,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    seconds: Annotated[
        float, typer.Option(min=0, help="To spend at most on a network, and on its kernels.")
    ] = 4.0,
    recalibrate: Annotated[
        bool,
        typer.Option("--recalibrate", help="Measure anew how fast this machine is when quiet."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure networks and their kernels so that load on the machine does not change the figures.

    The labels are kept in the database, for `cosearch latency fit`. Interrupted, what was measured
    stays.
    """
    from cosearch import ScheduleDatabase
    from cosearch.latency import Laboratory
    from cosearch.relay.label_network import label_network

    resolved = read_target(target, threads)
    database = ScheduleDatabase(db)
    with notes.status("calibrating"):
        laboratory = Laboratory(resolved, database, recalibrate=recalibrate)
    if not laboratory.stopwatch.exclusive:
        notes.print(
            "[yellow]note:[/] without real-time priority (CAP_SYS_NICE) others can come in; "
            "that is noticed, and takes longer on a busy machine."
        )
    rows: list[dict[str, Any]] = []
    with Progress(console=notes, transient=True) as progress:
        task = progress.add_task("measuring", total=len(models))
        for model in models:
            mod = read_network(model, shape)
            found = label_network(
                mod, resolved, database, laboratory, name=model.stem, budget_s=seconds
            )
            label = asdict(found.network)
            kept = ("latency_us", "low_us", "high_us", "unstable", "exclusive", "key")
            rows.append({"network": str(model), **{name: label[name] for name in kept}})
            rows[-1]["kernels_us"] = {n: found.latency_us for n, found in found.kernels.items()}
            progress.advance(task)
    if as_json:
        print_json(rows)
        return
    table = Table("latency", "interval", "")
    table.add_column("network", overflow="fold")
    for row in rows:
        interval = f"{row['low_us']:.1f} to {row['high_us']:.1f}"
        note = "unstable: stop other work, or allow real-time priority" if row["unstable"] else ""
        table.add_row(f"{row['latency_us']:.1f} µs", interval, note, row["network"])
    out.print(table)
