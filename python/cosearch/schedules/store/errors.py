"""What can go wrong with a schedule database."""

import warnings


class DatabaseError(RuntimeError):
    """The database as a whole cannot do what was asked; the message says what mends it."""


class DamagedRecordWarning(UserWarning):
    """A row could not be read and was stepped over."""


class DamagedDataError(ValueError):
    """Stored or imported data is not what its format says."""


class DamageLog:
    """Counts damaged rows and warns of each one once."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, int]] = set()

    def report(self, table: str, row: int, reason: str) -> None:
        """Note that a row of a table was stepped over."""
        if (table, row) in self._seen:
            return
        self._seen.add((table, row))
        warnings.warn(
            f"row {row} of {table} in the schedule database is damaged and was skipped: {reason}; "
            f"`cosearch db verify` lists such rows.",
            DamagedRecordWarning,
            stacklevel=2,
        )

    @property
    def count(self) -> int:
        """Number of damaged rows met so far."""
        return len(self._seen)
