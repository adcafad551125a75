"""``cosearch codesign``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from cosearch.cli.app import app, notes, out, print_json
from cosearch.cli.options import (
    DEFAULT_TARGET,
    Accuracy,
    DatabaseUrl,
    Json,
    Predictor,
    SpaceName,
    TargetOption,
    Threads,
    check_writable,
    read_accuracy,
    read_target,
)
from cosearch.report.stages_bar import StagesBar

if TYPE_CHECKING:
    from cosearch.nas.codesign import CoDesign


@app.command(
    epilog="Example: `cosearch codesign mbconv --latency-us 8000 --accuracy known.npz -o net.so`"
)
def codesign(
    space: SpaceName,
    latency_us: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="Most microseconds of a run, at the upper end of the predicted interval.",
            show_default=False,
        ),
    ],
    accuracy: Accuracy = None,
    divide_by: Annotated[
        list[int] | None,
        typer.Option(
            metavar="POSITION",
            help="Position of the encoding whose options tell parts of the space apart; may be "
            "given several times. [default: 0, which is the picture size of mbconv]",
        ),
    ] = None,
    rule: Annotated[
        Literal["latency", "multiply-adds"],
        typer.Option(
            help="Choose the part with the lowest mean latency, or the most multiply-adds, of "
            "what keeps the limit."
        ),
    ] = "latency",
    samples: Annotated[
        int, typer.Option(min=1, help="Architectures by which a part is judged.")
    ] = 500,
    pairs: Annotated[
        int, typer.Option(min=5, help="Architectures whose accuracy trains the surrogate.")
    ] = 300,
    budget: Annotated[
        int, typer.Option(min=1, help="Architectures for the evolutionary search.")
    ] = 2000,
    finalists: Annotated[
        int, typer.Option(min=1, help="Of the best, how many have their accuracy looked up.")
    ] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 0,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    predictor: Predictor = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Compile the answer, with random weights, into this."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find the most accurate architecture whose best schedules keep a limit of latency (CHaNAS).

    Blocks are scheduled through the database, the space is divided, a surrogate of accuracy is
    trained, and an evolutionary search asks only that and the predictor. Latency needs one:
    `cosearch measure` some networks, then `cosearch latency fit`.
    """
    from cosearch import LatencyPredictor, ScheduleDatabase
    from cosearch.nas.codesign import chanas
    from cosearch.spaces import space_named

    if output is not None:
        check_writable(output)
    found, resolved = space_named(space), read_target(target, threads)
    with ScheduleDatabase(db) as database:
        loaded = LatencyPredictor.load(predictor or resolved, database)
        with StagesBar(notes) as bar:
            made = chanas(
                [(found, read_accuracy(accuracy, found))],
                latency_us,
                loaded,
                divide_by=divide_by or [0],
                rule=rule,
                samples=samples,
                pairs=pairs,
                budget=budget,
                finalists=finalists,
                seed=seed,
                database=database,
                target=resolved,
                progress=bar.show,
            )
        if output is not None:
            made.build().export_library(output)
            notes.print(f"wrote {output}", highlight=False, soft_wrap=True)
    data = _data(made)
    if as_json:
        print_json(data)
        return
    _show(data)


def _data(made: "CoDesign") -> dict[str, Any]:
    return {
        "parts": [
            {
                "fixed": {str(k): v for k, v in division.space.fixed.items()},
                "within": division.within,
                "mean_us": division.mean_us if division.within else None,
                "chosen": division is made.division,
            }
            for division in made.divisions
        ],
        "surrogate": made.surrogate_quality,
        "finalists": [
            {
                "architecture": made.space.format(finalist.row),
                "accuracy": finalist.accuracy,
                "expected_accuracy": finalist.expected_accuracy,
                "latency_us": finalist.latency_us,
                "latency_high_us": finalist.latency_high_us,
            }
            for finalist in made.finalists
        ],
    }


def _show(data: dict[str, Any]) -> None:
    table = Table("accuracy", "expected", "latency", "at most")
    table.add_column("architecture", overflow="fold")
    for row in data["finalists"]:
        table.add_row(
            f"{row['accuracy']:.4g}",
            f"{row['expected_accuracy']:.4g}",
            f"{row['latency_us']:.1f} µs",
            f"{row['latency_high_us']:.1f} µs",
            row["architecture"],
        )
    out.print(table)
    chosen = next(part for part in data["parts"] if part["chosen"])
    fixed = ", ".join(f"position {k} is {v}" for k, v in chosen["fixed"].items())
    out.print(f"of {len(data['parts'])} parts of the space the one where {fixed} was searched")
