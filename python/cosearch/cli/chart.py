"""``cosearch chart``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cosearch.cli.app import app, notes, out, print_json
from cosearch.cli.options import (
    DEFAULT_TARGET,
    Accuracy,
    DatabaseUrl,
    Json,
    SpaceName,
    TargetOption,
    Threads,
    check_writable,
    read_accuracy,
    read_target,
)
from cosearch.report.stages_bar import StagesBar

if TYPE_CHECKING:
    from cosearch.nas.optimisation_flow import ChartFlow


@app.command(epilog="Example: `cosearch chart nasbench201 --checkpoint run.jsonl --html flow.html`")
def chart(
    space: SpaceName,
    count: Annotated[int, typer.Option(min=3, help="Networks to build and measure.")] = 16,
    candidates: Annotated[
        int, typer.Option(min=3, help="Architectures that the generator ranks.")
    ] = 100,
    generator: Annotated[
        str, typer.Option(metavar="table|gennas|FILE", help="What ranks them; see --accuracy.")
    ] = "gennas",
    accuracy: Accuracy = None,
    seconds: Annotated[
        float, typer.Option(min=0.0, help="What each network may spend on measuring schedules.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 0,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every measured network there.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the checkpoint, where there is one.")
    ] = False,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Write charts.")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with charts and a table.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Generate networks, optimise them through the database, and chart what that changes.

    Each is measured as TVM compiles it by default and with its schedules. Charts show both against
    accuracy, and whether the network that is fastest before is the fastest after. Ctrl-C loses
    nothing that the checkpoint has; --resume goes on from there.
    """
    from cosearch import ScheduleDatabase
    from cosearch.nas.optimisation_flow import chart_flow
    from cosearch.spaces import space_named

    for path in (png, html):
        if path is not None:
            check_writable(path)
    found = space_named(space)
    with ScheduleDatabase(db) as database, StagesBar(notes) as bar:
        made = chart_flow(
            found,
            read_accuracy(generator, found),
            count=count,
            candidates=candidates,
            accuracy=read_accuracy(accuracy, found),
            database=database,
            target=read_target(target, threads),
            seconds=seconds,
            seed=seed,
            checkpoint=checkpoint,
            resume=resume,
            progress=bar.show,
        )
    _write(made, found.name, png, html)
    data = _data(made)
    if as_json:
        print_json(data)
        return
    table = Table("accuracy", "before", "after", "speed-up")
    table.add_column("architecture", overflow="fold")
    for row in data["networks"]:
        cells = (f"{row[name]:.1f} µs" for name in ("before_us", "after_us"))
        table.add_row(f"{row['accuracy']:.4g}", *cells, f"{row['speed_up']:.2f}×", row["name"])
    out.print(table)
    out.print(
        f"mean speed-up {made.mean_speed_up:.2f}×; the network that is fastest before optimisation "
        f"{'is not' if made.hypothesis.differs else 'is'} the fastest after it (in halves of them: "
        f"another in {made.hypothesis.share:.0%})"
    )


def _data(made: "ChartFlow") -> dict[str, Any]:
    return {
        "networks": [
            {**vars(network), "speed_up": network.speed_up, "score": float(score)}
            for network, score in zip(made.networks, made.scores, strict=True)
        ],
        "mean_speed_up": made.mean_speed_up,
        "hypothesis": vars(made.hypothesis),
    }


def _write(made: "ChartFlow", space: str, png: Path | None, html: Path | None) -> None:
    from cosearch.report.pareto_png import draw_png
    from cosearch.report.search_page import render_search_page

    if png is not None:
        draw_png(made.charts(), png)
        notes.print(f"wrote {png}", highlight=False, soft_wrap=True)
    if html is not None:
        rows = [
            (
                n.name,
                f"{n.accuracy:.4g}",
                f"{n.before_us:.1f}",
                f"{n.after_us:.1f}",
                f"{n.speed_up:.2f}",
            )
            for n in made.networks
        ]
        page = render_search_page(
            f"Before and after optimisation: {space}",
            {
                "mean speed-up": f"{made.mean_speed_up:.2f}×",
                "fastest before is fastest after": "no" if made.hypothesis.differs else "yes",
                "rank correlation of latencies": f"{made.hypothesis.kendall_tau:.2f}",
            },
            made.charts(),
            ("architecture", "accuracy", "before, µs", "after, µs", "speed-up"),
            rows,
            _data(made),
        )
        html.write_text(page, encoding="utf-8")
        notes.print(f"wrote {html}", highlight=False, soft_wrap=True)
