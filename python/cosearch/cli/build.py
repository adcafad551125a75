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
        int, typer.Option(min=0, help="Candidates to measure for a kernel without a record.")
    ] = 0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check each scheduled kernel on random input.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compile a network with schedules out of the database, without tuning."""
    import tvm

    from cosearch import ScheduleDatabase, relay
    from cosearch.report import render_reuse

    mod = read_network(model, shape)
    config = {
        "relax.cosearch.enable": True,
        "relax.cosearch.trials": trials,
        "relax.cosearch.verify": verify,
    }
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
