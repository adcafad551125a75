"""The records that the package carries: a read-only database beneath the user's own."""

import functools
import warnings
from pathlib import Path

from cosearch.schedules.store.errors import DatabaseError
from cosearch.schedules.store.storage import Storage

BASE_FILE = Path(__file__).parents[1] / "base_records.sqlite"


@functools.cache
def base_storage() -> Storage | None:
    """Open the shipped records; None where the package was built without them."""
    if not BASE_FILE.is_file():
        return None
    try:
        return Storage(BASE_FILE, read_only=True)
    except DatabaseError as error:
        warnings.warn(f"the shipped records are left out: {error}", stacklevel=2)
        return None
