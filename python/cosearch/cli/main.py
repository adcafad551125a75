"""Run a command, and turn what goes wrong into one line and an exit code."""

import sys
import warnings
from typing import Any

from cosearch.cli import (  # noqa: F401 - they register with the app
    bench,
    build,
    chart,
    codesign,
    db,
    latency,
    measure,
    predict,
    reuse,
    search,
    serve,
    supernet,
    tune,
)
from cosearch.cli.app import app, notes


def main() -> None:
    """Entry point of ``cosearch``.

    Exits with 0 on success, 1 for a failure (a bad model, a database that cannot be used), 2 for a
    command line that cannot be read, 130 after Ctrl-C.
    """
    warnings.showwarning = _show_warning
    try:
        app()
    except KeyboardInterrupt:
        notes.print("[yellow]interrupted[/]")
        sys.exit(130)
    except (ValueError, RuntimeError, OSError, ImportError) as error:
        notes.print(f"[red]error:[/] {error}", markup=True, highlight=False, soft_wrap=True)
        sys.exit(1)


def _show_warning(message: Warning | str, *_where: Any, **_more: Any) -> None:
    notes.print(f"[yellow]warning:[/] {message}", highlight=False, soft_wrap=True)
