"""``cosearch latency``: make and judge predictors."""

import csv
import functools
from pathlib import Path
from typing import Annotated, Any

import typer

from cosearch.cli.app import app, notes, out, print_json
from cosearch.cli.options import (
    DEFAULT_TARGET,
    DatabaseUrl,
    Json,
    Predictor,
    TargetOption,
    Threads,
    read_target,
)
from cosearch.report.stages_bar import StagesBar

latency = typer.Typer(no_args_is_help=True, help="Make and judge predictors of latency.")
app.add_typer(latency, name="latency")

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write. [default: one in the user's cache folder]"),
]


@latency.command(epilog="Example: `cosearch latency fit --threads 1 --space mbconv`")
def fit(
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    output: Output = None,
    space: Annotated[
        list[str] | None,
        typer.Option(
            help="Space whose blocks to look at beforehand, so that a search need not wait for "
            "any; may be given several times."
        ),
    ] = None,
    unstable: Annotated[
        bool,
        typer.Option(
            "--unstable",
            help="Learn from unstable labels as well, which are upper bounds: for a machine that "
            "never is quiet.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the trees and the folds.")] = 0,
    as_json: Json = False,
) -> None:
    """Learn a predictor from the networks that `cosearch measure` has labelled."""
    from cosearch import LatencyPredictor, ScheduleDatabase
    from cosearch.spaces import space_named

    spaces = [space_named(name) for name in space or []]
    with notes.status("learning"):
        made = LatencyPredictor.fit(
            ScheduleDatabase(db), read_target(target, threads), unstable=unstable, seed=seed
        )
        path = made.save(output)
    for one in spaces:
        with StagesBar(notes) as bar:
            stage = f"looking at the blocks of {one.name}"
            made.learn_space(one, functools.partial(bar.show, stage))
        made.save(output)
    figures = {
        "predictor": str(path),
        "kernels": len(made.kernels.table_us),
        "blocks": len(made.book),
        "half_width_of_measured": made.network.table_error,
        "half_width_of_predicted": made.network.table_error + made.network.predicted_error,
    }
    if as_json:
        print_json(figures)
        return
    out.print(
        f"wrote {path}\nlearnt from {figures['kernels']} kernels; 90 % intervals: ± "
        f"{figures['half_width_of_measured']:.1%} where all kernels were measured, "
        f"± {figures['half_width_of_predicted']:.1%} where none was"
    )


@latency.command(epilog="Example: `cosearch latency evaluate --threads 1 --db others.sqlite`")
def evaluate(
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    predictor: Predictor = None,
    as_json: Json = False,
) -> None:
    """Compare a predictor with the labels of a database.

    Networks that it has learnt from flatter it: measure others into a database of their own.
    """
    from cosearch import LatencyPredictor, ScheduleDatabase
    from cosearch.latency.dataset import read_dataset
    from cosearch.latency.outlook import Foreseer

    database = ScheduleDatabase(db)
    loaded = LatencyPredictor.load(predictor or read_target(target, threads), database)
    data = read_dataset(database, Foreseer(database, loaded.conditions))
    if len(data.networks) < 2:
        raise ValueError(
            f"{database.url} has {len(data.networks)} labelled networks for this target, of at "
            f"least 2: `cosearch measure MODEL ...`."
        )
    figures = {"networks": len(data.networks), **loaded.evaluate(data)}
    if as_json:
        print_json(figures)
        return
    for name, value in figures.items():
        out.print(f"{name} = {value:.4g}")


@latency.command(
    epilog="Example: `cosearch latency adapt table.csv --samples measured.csv -o predicted.csv`"
)
def adapt(
    table: Annotated[Path, typer.Argument(help="CSV: arch, and a column for each known device.")],
    samples: Annotated[
        Path | None,
        typer.Option(help="CSV: arch, latency_ms of some of them on the new device."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV to write: arch, latency_ms.")
    ] = None,
    choose: Annotated[
        int, typer.Option(min=2, help="Without samples: how many architectures to measure.")
    ] = 10,
    seed: Annotated[int, typer.Option(help="Of the choice.")] = 0,
    as_json: Json = False,
) -> None:
    """Predict a device that there is no compiler for, from a handful of measurements.

    Architectures are NAS-Bench-201's strings or FBNet's choices; columns of devices begin with
    ``latency_ms_``. Without samples it says which architectures to measure.
    """
    from cosearch.latency import DeviceAdapter
    from cosearch.latency.adapt_tables import read_device_table

    found = read_device_table(table)
    adapter = DeviceAdapter.fit(found.encoding, found.latencies_us)
    if samples is None:
        rows = [found.architectures[i] for i in adapter.choose_samples(choose, seed)]
        if as_json:
            print_json(rows)
        else:
            out.print("\n".join(rows), soft_wrap=True, highlight=False, markup=False)
        return
    measured = found.read_samples(samples)
    predictor = adapter.adapt(list(measured), list(measured.values()))
    pairs: list[tuple[str, Any]] = list(
        zip(found.architectures, (predictor.predict() / 1e3).tolist(), strict=True)
    )
    if output is not None:
        with output.open("w", newline="") as file:
            csv.writer(file).writerows([("arch", "latency_ms"), *pairs])
        out.print(f"wrote {len(pairs)} architectures to {output}")
    elif as_json:
        print_json(dict(pairs))
    else:
        for name, latency_ms in pairs:
            out.print(f"{name} {latency_ms:.4g}", soft_wrap=True, highlight=False, markup=False)
