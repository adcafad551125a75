"""What ``--compare`` names: another database, or the report of an earlier build."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cosearch.report import ReuseReport
    from cosearch.schedules import ScheduleDatabase


def open_baseline(text: str) -> "ReuseReport | ScheduleDatabase":
    """Read the report in a file, or open a database for reading.

    Parameters
    ----------
    text : str
        A file of ``cosearch reuse --json``, or the file or URL of a database.

    Raises
    ------
    OSError
        When there is no such file, or it cannot be read.
    ValueError
        When it is a file of something else.
    DatabaseError
        When there is no such database.
    """
    from cosearch.report import read_reuse
    from cosearch.schedules import ScheduleDatabase
    from cosearch.schedules.store.location import is_sqlite_file, resolve_location

    location = resolve_location(text)
    if location.path is None:
        # One in memory is empty: the build without any record.
        return ScheduleDatabase(text, read_only=not location.in_memory)
    if not location.path.exists():
        raise FileNotFoundError(f"cannot compare with {text}: there is no such report or database")
    if location.path.is_file() and not is_sqlite_file(location.path):
        return read_reuse(Path(text))
    return ScheduleDatabase(text, read_only=True)
