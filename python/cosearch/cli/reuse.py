"""``cosearch reuse``."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cosearch.cli.app import app, notes, out, print_json
from cosearch.cli.baseline import open_baseline
from cosearch.cli.options import (
    DEFAULT_TARGET,
    DatabaseUrl,
    Json,
    Model,
    Shapes,
    TargetOption,
    Threads,
    check_writable,
    read_network,
    read_target,
)

if TYPE_CHECKING:
    from cosearch.report import Comparison, ReuseReport
    from cosearch.schedules.worth import Worth

MOST_WORTH = 5
"""Kernels that are proposed for tuning."""


@app.command(epilog="Example: `cosearch reuse net.onnx --html reuse.html --compare before.json`")
def reuse(
    model: Model,
    shape: Shapes = None,
    target: TargetOption = DEFAULT_TARGET,
    threads: Threads = None,
    db: DatabaseUrl = None,
    measure: Annotated[
        bool,
        typer.Option(help="Run the network, and measure its kernels and the machine's peak."),
    ] = True,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write the report as a page of HTML as well."),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare",
            metavar="FILE|URL",
            help="Show what has changed since: a report saved by --json, or the build from another "
            "database; sqlite:// is an empty one.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show for each kernel where its schedule comes from, its time, and what is worth tuning."""
    from cosearch import ScheduleDatabase
    from cosearch.report import appraise, compare_reuse, render_page, reuse_data
    from cosearch.schedules import Conditions
    from cosearch.schedules.tuning_history import TuningHistory

    if html is not None:
        check_writable(html)
    baseline = open_baseline(compare) if compare is not None else None
    mod, resolved = read_network(model, shape), read_target(target, threads)
    with ScheduleDatabase(db) as database:
        report = _build(mod, resolved, measure)
        history = TuningHistory.read(database, Conditions.of(resolved))
    report, worth = appraise(report, history)
    comparison = None
    if isinstance(baseline, ScheduleDatabase):
        with baseline:
            baseline = _build(mod, resolved, measure)
    if baseline is not None:
        comparison = compare_reuse(baseline, report, str(compare))
    command = _tune_command(model, shape, target, threads, db)
    if html is not None:
        page = render_page(report, worth=worth, comparison=comparison, command=command)
        html.write_text(page, encoding="utf-8")
        notes.print(f"wrote {html}", highlight=False, soft_wrap=True)
    if as_json:
        print_json(reuse_data(report, worth, comparison))
    else:
        _print(report, worth, comparison, command)


def _build(mod: Any, target: Any, measure: bool) -> "ReuseReport":
    """Build a network from the database that was entered, and measure it if that is wanted."""
    from cosearch import relay

    with notes.status("compiling"):
        lib = relay.build(mod, target)
    if not measure:
        return lib.reuse
    with notes.status("measuring the kernels"):
        return lib.profile()


def _print(
    report: "ReuseReport",
    worth: "list[Worth]",
    comparison: "Comparison | None",
    command: str,
) -> None:
    from cosearch.report import render_comparison, render_reuse, render_worth

    out.print(render_reuse(report))
    if comparison is not None:
        out.print(render_comparison(comparison))
    promising = [one for one in worth if one.expected_gain_us > 0][:MOST_WORTH]
    if promising:
        out.print(render_worth(promising))
        out.print(f"tune them: {command}", highlight=False, markup=False, soft_wrap=True)


def _tune_command(
    model: Path, shapes: list[str] | None, target: str, threads: int | None, db: str | None
) -> str:
    """Write the command that tunes what is most worth it, for this network as it was built."""
    words = ["cosearch", "tune", str(model), "--worth", str(MOST_WORTH)]
    for shape in shapes or []:
        words += ["--shape", shape]
    if target != DEFAULT_TARGET:
        words += ["--target", target]
    if threads is not None:
        words += ["--threads", str(threads)]
    # The environment names it to the other command too, and its password is not for a page.
    if db is not None and db != os.environ.get("COSEARCH_DB"):
        words += ["--db", db]
    return shlex.join(words)
