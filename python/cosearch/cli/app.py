"""The application that the commands register with, and what they print to."""

import json
from typing import Any

import typer
from rich.console import Console

app = typer.Typer(
    name="cosearch",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Build networks with schedules out of a database, tune what it lacks, and see what was "
    "reused.",
)

out = Console()
"""Results."""

notes = Console(stderr=True)
"""Progress, warnings and errors; never results, so that ``--json`` can be piped."""


def print_json(data: Any) -> None:
    """Print a result as JSON on standard output."""
    typer.echo(json.dumps(data, indent=2))
