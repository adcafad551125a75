"""The records that the package carries: a read-only database beneath the user's own."""

import functools
import warnings
from pathlib import Path

from cosearch.schedules.store.errors import DatabaseError
from cosearch.schedules.store.storage import Storage

BASE_FILE = Path(__file__).parents[1] / "base_records.sqlite"


def base_storage() -> Storage | None:
    """Return the shipped records; None where the package has none, or they cannot be read."""
    try:
        if not BASE_FILE.is_file():
            return None
        storage = _open(BASE_FILE)
        # A process that was forked, and gave up the right to read the file, connects only now.
        storage.connection.read(lambda _: None)
        return storage
    except (DatabaseError, OSError) as error:
        warnings.warn(f"the shipped records are left out: {error}", stacklevel=3)
        return None


@functools.cache
def _open(file: Path) -> Storage:
    return Storage(file, read_only=True)
