"""``cosearch build``."""

import time
from pathlib import Path
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


@app.command(
    epilog="Example: `cosearch build net.onnx -o net.so --target 'llvm -mcpu=native -num-cores=2'`"
)
def build(
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="Shared library to write.")],
    shape: Shapes = None,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    trials: Annotated[
        int | None,
        typer.Option(min=0, help="Candidates to measure for a kernel without a record."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0, help="Seconds to spend on measuring, where they help most.")
    ] = 0.0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check each scheduled kernel on random input.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compile a network with schedules out of the database; it measures only when told to."""
    import tvm

    from cosearch import ScheduleDatabase, relay
    from cosearch.report import render_reuse

    mod = read_network(model, shape)
    config = {
        "relax.cosearch.enable": True,
        "relax.cosearch.seconds": seconds,
        "relax.cosearch.verify": verify,
    }
    if trials is not None:
        config["relax.cosearch.trials"] = trials
    start = time.perf_counter()
    with (
        ScheduleDatabase(db),
        tvm.transform.PassContext(opt_level=3, config=config),
        notes.status("compiling"),
    ):
        lib = relay.build(mod, read_target(target, threads))
        lib.export_library(output)
    seconds = time.perf_counter() - start
    if as_json:
        print_json({"library": str(output), "build_s": seconds, "reuse": lib.reuse.to_dict()})
        return
    out.print(render_reuse(lib.reuse))
    out.print(f"wrote {output} in {seconds:.1f} s")
