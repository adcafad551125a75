"""A front as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

from cosearch.nas.goals import Column


@dataclass(frozen=True)
class FrontTable(Sequence[dict[str, Any]]):
    """Architectures of a front, one a row; ``pandas.DataFrame(list(table))`` takes it too.

    Attributes
    ----------
    rows : tuple of dict
        Each with ``"architecture"``, its figures by name, and perhaps ``"schedules"``.
    columns : tuple of Column
        What the figures are.
    """

    rows: tuple[dict[str, Any], ...]
    columns: tuple[Column, ...]

    @overload
    def __getitem__(self, i: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, i: slice) -> tuple[dict[str, Any], ...]: ...
    def __getitem__(self, i: int | slice) -> dict[str, Any] | tuple[dict[str, Any], ...]:
        """Return a row, or several."""
        return self.rows[i]

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    @property
    def headings(self) -> tuple[str, ...]:
        """Headings of `cells`, with units."""
        figures = [f"{c.name} ({c.unit})" if c.unit else c.name for c in self.columns]
        schedules = ["schedules"] if self._has_schedules else []
        return (*figures, *schedules, "architecture")

    def cells(self) -> list[tuple[str, ...]]:
        """Return the rows as text for people; the architecture, which is long, comes last."""
        return [
            (
                *(_figure(row[column.name]) for column in self.columns),
                *([describe_schedules(row["schedules"])] if self._has_schedules else []),
                row["architecture"],
            )
            for row in self.rows
        ]

    def __str__(self) -> str:
        """Draw the table with plain characters."""
        lines = [self.headings, *self.cells()]
        widths = [max(map(len, texts)) for texts in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    @property
    def _has_schedules(self) -> bool:
        return any("schedules" in row for row in self.rows)


def _figure(value: float) -> str:
    """Write a number so that counts of millions stay counts."""
    return f"{value:.0f}" if abs(value) >= 1e5 else f"{value:.6g}"


def describe_schedules(counts: dict[str, int]) -> str:
    """Say how many kernels get which schedule, such as ``"12 exact, 3 transferred"``."""
    return ", ".join(f"{count} {source}" for source, count in counts.items() if count)
