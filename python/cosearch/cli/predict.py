"""``cosearch predict``."""

from dataclasses import asdict

from rich.table import Table

from cosearch.cli.app import app, out, print_json
from cosearch.cli.options import (
    DEFAULT_TARGET,
    DatabaseUrl,
    Json,
    Models,
    Predictor,
    Shapes,
    TargetOption,
    Threads,
    read_network,
    read_target,
)


@app.command(epilog="Example: `cosearch predict net.onnx --threads 1 --json`")
def predict(
    models: Models,
    shape: Shapes = None,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    predictor: Predictor = None,
    as_json: Json = False,
) -> None:
    """Predict the latency of networks with the schedules that the database would give them.

    Nothing is compiled or measured. Make a predictor first: `cosearch measure` some networks, then
    `cosearch latency fit`.
    """
    from cosearch import LatencyPredictor, ScheduleDatabase

    database = ScheduleDatabase(db)
    loaded = LatencyPredictor.load(predictor or read_target(target, threads), database)
    rows = [
        {"network": str(model), **asdict(loaded.predict(read_network(model, shape)))}
        for model in models
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("latency", "interval", "source")
    table.add_column("network", overflow="fold")
    for row in rows:
        interval = f"{row['low_us']:.1f} to {row['high_us']:.1f}"
        table.add_row(f"{row['us']:.1f} µs", interval, row["source"], row["network"])
    out.print(table)
