"""``cosearch search``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cosearch.cli.app import app, notes, out, print_json
from cosearch.cli.options import (
    DEFAULT_TARGET,
    Accuracy,
    DatabaseUrl,
    Predictor,
    SpaceName,
    TargetOption,
    Threads,
    check_writable,
    read_accuracy,
    read_target,
)

if TYPE_CHECKING:
    from cosearch.nas import Result

OBJECTIVES = ("latency_us", "accuracy")
"""What is searched for when the command line does not say."""
STANDARD_OUTPUT = Path("-")

FileOption = Path | None


@app.command(
    epilog="Example: `cosearch search nasbench201 --latency-us 3000 --checkpoint run.jsonl "
    "--html front.html`"
)
def search(
    space: SpaceName,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="latency_us, latency_high_us (the upper end of the predicted interval), accuracy, "
            "parameters or multiply_adds; may be given several times. "
            f"[default: {' and '.join(OBJECTIVES)}]",
        ),
    ] = None,
    latency_us: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Most microseconds of a run, at the upper end of the predicted interval.",
        ),
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=BOUND",
            help="Most that an objective may be, or the least accuracy; may be given several "
            "times, such as parameters=1e6.",
        ),
    ] = None,
    accuracy: Accuracy = None,
    algorithm: Annotated[
        str, typer.Option(help="nsga2, regularized-evolution or random.")
    ] = "nsga2",
    budget: Annotated[int, typer.Option(min=1, help="Different architectures to evaluate.")] = 1500,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 0,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    predictor: Predictor = None,
    checkpoint: Annotated[
        FileOption,
        typer.Option(metavar="FILE", help="Write every evaluation there as it is made."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the checkpoint, where there is one.")
    ] = False,
    json: Annotated[
        FileOption,
        typer.Option(metavar="FILE", help="Write all of the result as JSON; - prints it."),
    ] = None,
    csv: Annotated[
        FileOption,
        typer.Option(metavar="FILE", help="Write a line for each evaluated architecture."),
    ] = None,
    png: Annotated[FileOption, typer.Option(metavar="FILE", help="Write charts.")] = None,
    html: Annotated[
        FileOption, typer.Option(metavar="FILE", help="Write a page with charts and tables.")
    ] = None,
) -> None:
    """Search a space for architectures that no other is better than in all objectives.

    Latency needs a predictor: `cosearch measure` some networks, then `cosearch latency fit`.
    Ctrl-C stops the search and shows what was found.
    """
    from cosearch import LatencyPredictor, ScheduleDatabase
    from cosearch.nas import SearchBar
    from cosearch.nas import search as search_space
    from cosearch.nas.named_objectives import asks_latency
    from cosearch.spaces import space_named

    files = _files(json=json, csv=csv, png=png, html=html)
    found = space_named(space)
    objectives = objective or list(OBJECTIVES)
    bounds = _read_bounds(constraint, latency_us)
    resolved = read_target(target, threads)
    asked = {*objectives, *bounds}
    with ScheduleDatabase(db) as database:
        loaded = None
        if asks_latency(objectives, bounds):
            loaded = LatencyPredictor.load(predictor or resolved, database)
        estimator = read_accuracy(accuracy, found) if "accuracy" in asked else None
        with SearchBar(notes) as bar:
            result = search_space(
                found,
                objectives,
                bounds,
                algorithm,
                budget,
                seed,
                database,
                loaded,
                accuracy=estimator,
                target=resolved,
                checkpoint=checkpoint,
                resume=resume,
                progress=bar.update,
            )
        _show(result, files)
    if result.interrupted:
        more = ": the same command with --resume goes on from here" if checkpoint else ""
        notes.print(f"[yellow]interrupted[/]{more}")
        raise typer.Exit(130)


def _files(**options: FileOption) -> list[Path]:
    """Check before the search that what it finds can be written.

    Raises
    ------
    typer.BadParameter
        When a name ends in something else than its option.
    OSError
        When it cannot be written.
    """
    named = [(name, path) for name, path in options.items() if path is not None]
    for name, path in named:
        if name == "json" and path == STANDARD_OUTPUT:
            continue
        if path.suffix != f".{name}":
            raise typer.BadParameter(f"{path} has to end in .{name}", param_hint=f"--{name}")
        check_writable(path)
    return [path for _, path in named]


def _read_bounds(constraints: Sequence[str] | None, latency_us: float | None) -> dict[str, float]:
    """Parse ``--constraint NAME=BOUND``, and add ``--latency-us``.

    Raises
    ------
    typer.BadParameter
        When one is written in another way.
    """
    bounds = {} if latency_us is None else {"latency_high_us": latency_us}
    for text in constraints or []:
        name, _, bound = text.rpartition("=")
        try:
            bounds[name.strip()] = float(bound)
        except ValueError:
            name = ""
        if not name.strip():
            raise typer.BadParameter(
                f"cannot read {text!r}: write a name and a number, such as parameters=1e6",
                param_hint="--constraint",
            )
    return bounds


def _show(result: "Result", files: Sequence[Path]) -> None:
    """Write the files, and print the front unless JSON goes to the same place."""
    from cosearch.nas.result_files import result_data

    for path in files:
        if path == STANDARD_OUTPUT:
            print_json(result_data(result))
            continue
        result.save(path)
        notes.print(f"wrote {path}", highlight=False, soft_wrap=True)
    if STANDARD_OUTPUT in files:
        return
    last = result.history[-1]
    out.print(_table(result))
    out.print(
        f"{last.evaluations} architectures evaluated in {last.elapsed_s:.1f} s, hypervolume "
        f"{last.hypervolume:.4f}"
    )


def _table(result: "Result") -> Table | str:
    front: Any = result.front
    if not len(front):
        return "no architecture keeps the constraints"
    *figures, architecture = front.headings
    table = Table(*figures)
    table.add_column(architecture, overflow="fold")
    for cells in front.cells():
        table.add_row(*cells)
    return table
