"""``cosearch serve``."""

from typing import Annotated

import typer

from cosearch.cli.app import app, notes, print_json
from cosearch.cli.options import (
    DEFAULT_TARGET,
    DatabaseUrl,
    Json,
    Predictor,
    TargetOption,
    Threads,
    read_target,
)


@app.command(epilog="Example: `cosearch serve mbconv nasbench201 --threads 1 --port 8642`")
def serve(
    spaces: Annotated[
        list[str] | None, typer.Argument(help="Spaces to answer for. [default: all]")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the loopback address.")] = 8642,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    predictor: Predictor = None,
    as_json: Json = False,
) -> None:
    """Answer queries for latencies over HTTP, on the loopback address 127.0.0.1 alone.

    The database is only read. `http://127.0.0.1:PORT/docs` shows how to ask, and
    `/openapi.json` is for generators of clients.
    """
    try:
        import uvicorn

        from cosearch.service import make_app
    except ImportError as error:
        raise ImportError(f'{error.name} is missing: pip install "tvm-cosearch[serve]"') from error

    from cosearch import LatencyPredictor, ScheduleDatabase
    from cosearch.spaces import SPACES, space_named

    found = {name: space_named(name) for name in spaces or SPACES}
    database = ScheduleDatabase(db, read_only=True)
    loaded = LatencyPredictor.load(predictor or read_target(target, threads), database)
    if as_json:
        print_json({"url": f"http://127.0.0.1:{port}/v1", "spaces": list(found)})
    notes.print(f"answering on http://127.0.0.1:{port}/v1 for {', '.join(found)}; Ctrl-C ends it")
    uvicorn.run(make_app(loaded, found), host="127.0.0.1", port=port, log_level="warning")
