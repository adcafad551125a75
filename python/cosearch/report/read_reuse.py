"""Read a reuse report that was saved as JSON."""

import json
from pathlib import Path

from cosearch.report.reuse import ReuseReport


def read_reuse(path: Path) -> ReuseReport:
    """Read what ``cosearch reuse --json`` printed into a file, of this version or an older one.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it holds something else.
    """
    try:
        return ReuseReport.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        message = str(error).removeprefix("not a reuse report: ")
        raise ValueError(f"{path} is not a reuse report: {message}") from error
