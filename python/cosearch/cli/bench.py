"""``cosearch bench``."""

from typing import Annotated

import typer
from rich.table import Table

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
    read_shapes,
    read_target,
)


@app.command(epilog="Example: `cosearch bench net.onnx --threads 2`")
def bench(
    model: Model,
    shape: Shapes = None,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    rounds: Annotated[int, typer.Option(min=4, help="Turns that each of them gets.")] = 9,
    as_json: Json = False,
) -> None:
    """Time a network built from the database beside TVM's default, and its peers if installed.

    onnxruntime and OpenVINO are its peers. All take turns in one run; the medians and their ratios
    count, not the times.
    """
    from cosearch import ScheduleDatabase, relay
    from cosearch.peers import network_runners, random_inputs
    from cosearch.report import run_side_by_side

    mod, resolved = read_network(model, shape), read_target(target, threads)
    with ScheduleDatabase(db), notes.status("compiling"):
        lib = relay.build(mod, resolved)
        inputs = random_inputs(mod)
        runners = network_runners(model, lib, inputs, resolved, read_shapes(shape))
    with notes.status("timing"):
        timings = run_side_by_side(runners, rounds)
    base = timings["cosearch"].latency_us
    rows = [
        {
            "runner": name,
            "latency_us": timing.latency_us,
            "spread": timing.spread,
            "vs_cosearch": timing.latency_us / base,
            "rounds_us": list(timing.rounds_us),
        }
        for name, timing in timings.items()
    ]
    if as_json:
        print_json({"model": str(model), "threads": lib.metadata.threads, "rows": rows})
        return
    table = Table(title=f"{model}, batch as given", title_justify="left")
    for column in ("", "median, µs", "± %", "times cosearch"):
        table.add_column(column, justify="left" if not column else "right")
    for row in rows:
        table.add_row(
            str(row["runner"]),
            f"{row['latency_us']:.0f}",
            f"{100 * float(str(row['spread'])):.1f}",
            f"{row['vs_cosearch']:.2f}",
        )
    out.print(table)
