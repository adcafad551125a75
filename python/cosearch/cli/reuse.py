"""``cosearch reuse``."""

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


@app.command(epilog="Example: `cosearch reuse net.onnx --json`")
def reuse(
    model: Model,
    shape: Shapes = None,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    measure: Annotated[
        bool, typer.Option(help="Run the network and measure each of its kernels.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Show for each kernel of a network where its schedule comes from, and what time it takes."""
    from cosearch import ScheduleDatabase, relay
    from cosearch.report import render_reuse

    mod = read_network(model, shape)
    with ScheduleDatabase(db), notes.status("compiling"):
        lib = relay.build(mod, read_target(target, threads))
    report = lib.reuse
    if measure:
        with notes.status("measuring the kernels"):
            report = lib.profile()
    if as_json:
        print_json(report.to_dict())
    else:
        out.print(render_reuse(report))
