"""``cosearch db``: look after a schedule database."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from cosearch.cli.app import app, notes, out, print_json
from cosearch.cli.options import DatabaseUrl, Json

if TYPE_CHECKING:
    from cosearch.schedules import ScheduleDatabase

db = typer.Typer(no_args_is_help=True, help="Look after a schedule database.")
app.add_typer(db, name="db")

File = Annotated[Path, typer.Argument(help="File to read or write.", show_default=False)]


@db.command(epilog="Example: `cosearch db stats --json`")
def stats(url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Count records, workloads and failed candidates, by the conditions they hold under."""
    figures = _open(url).stats()
    if as_json:
        print_json(figures)
        return
    table = Table(title=str(figures["database"]), title_justify="left")
    for column in ("target", "threads", "TVM", "records", "failed", "workloads"):
        table.add_column(column, justify="left" if column in ("target", "TVM") else "right")
    for row in figures["conditions"]:
        keys = ("target", "threads", "tvm_version", "records", "failed", "workloads")
        table.add_row(*(str(row[key]) for key in keys))
    out.print(table)
    out.print(
        f"{figures['records']} records of {figures['workloads']} workloads, "
        f"tuned for: {', '.join(figures['networks']) or 'no network yet'}"
    )


@db.command("export", epilog="Example: `cosearch db export schedules.jsonl.gz`")
def export_records(path: File, url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Write all records to a file of JSON lines, compressed unless it ends in .jsonl."""
    count = _open(url).export(path)
    if as_json:
        print_json({"file": str(path), "records": count})
    else:
        out.print(f"wrote {count} records to {path}")


@db.command("import", epilog="Example: `cosearch db import schedules.jsonl.gz`")
def import_records(path: File, url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Add records from `export`, from MetaSchedule's JSONDatabase folder, or from a database.

    What is damaged or does not apply is listed and left out; the exit code is then 1.
    """
    with notes.status(f"importing {path}"):
        report = _open(url).import_(path)
    _print_import(report, as_json)


@db.command(epilog="Example: `cosearch db merge colleague.sqlite`")
def merge(
    other: Annotated[str, typer.Argument(help="File or URL of the other database.")],
    url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Add the records of another database to this one."""
    with notes.status(f"merging {other}"):
        report = _open(url).merge(other)
    _print_import(report, as_json)


@db.command(epilog="Example: `cosearch db verify`")
def verify(url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Replay every trace on its workload; the exit code is 1 when one does not apply."""
    with Progress(console=notes, transient=True) as progress:
        task = progress.add_task("replaying", total=None)
        report = _open(url).verify(
            lambda done, total: progress.update(task, completed=done, total=total)
        )
    if as_json:
        print_json(asdict(report))
    else:
        for bad in report.bad:
            out.print(f"record {bad.id}: {bad.reason}", highlight=False, soft_wrap=True)
        out.print(
            f"{report.checked} records replayed, {len(report.bad)} bad, "
            f"{report.skipped} of another TVM skipped"
        )
    if not report.ok:
        raise typer.Exit(1)


@db.command(epilog="Example: `cosearch db prune --keep 8`")
def prune(
    keep: Annotated[int, typer.Option(min=1, help="Records of each workload to keep.")] = 8,
    url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Delete all but the fastest records of each workload under each conditions."""
    deleted = _open(url).prune(keep)
    if as_json:
        print_json({"deleted": deleted})
    else:
        out.print(f"deleted {deleted} records")


def _open(url: str | None) -> "ScheduleDatabase":
    from cosearch.schedules import ScheduleDatabase

    return ScheduleDatabase(url)


def _print_import(report: Any, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
    else:
        for problem in report.problems:
            out.print(f"{problem.where}: {problem.reason}", highlight=False, soft_wrap=True)
        out.print(
            f"{report.added} records added, {report.known} known already, "
            f"{len(report.problems)} left out"
        )
    if report.problems:
        raise typer.Exit(1)
