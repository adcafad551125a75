"""The table of a search: a row for each architecture, tied to its points by the label."""

import math
from collections.abc import Mapping, Sequence

from cosearch.report.page.markup import Html, element, figure
from cosearch.report.page.table import TableColumn, sortable_table

Cell = str | float | None
"""None is a value that is not known."""
Row = Sequence[Cell]


def architecture_table(
    columns: Sequence[str], rows: Sequence[Row], keys: Mapping[str, int]
) -> Html:
    """Write the table.

    Parameters
    ----------
    columns : sequence of str
        Their heads.
    rows : sequence of sequence of str or float or None
        A value for each column. A column of numbers, or of text that reads as numbers, is sorted
        by them.
    keys : mapping of str to int
        What the elements of a network share, by label. A row belongs to the network whose label
        is the text of one of its cells.
    """

    def column(index: int, title: str) -> TableColumn[Row]:
        numbers = all(row[index] is None or _number(row[index]) is not None for row in rows)
        read = _number if numbers else _text
        return TableColumn(
            title, lambda row: _shown(row[index], keys), lambda row: read(row[index])
        )

    return sortable_table(
        [column(index, title) for index, title in enumerate(columns)],
        [(row, _attributes(row, keys)) for row in rows],
        "architectures-table",
    )


def _shown(cell: Cell, keys: Mapping[str, int]) -> str:
    if isinstance(cell, str):
        return element("code", cell) if cell in keys else cell
    return f"{cell:,}" if isinstance(cell, int) else figure(cell, 4)


def _text(cell: Cell) -> str | None:
    return None if cell is None else str(cell)


def _number(cell: Cell) -> float | None:
    if cell is None:
        return None
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _attributes(row: Row, keys: Mapping[str, int]) -> dict[str, str]:
    found = (keys[cell] for cell in row if isinstance(cell, str) and cell in keys)
    key = next(found, None)
    return {} if key is None else {"data_point": str(key)}
