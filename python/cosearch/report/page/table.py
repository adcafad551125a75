"""Tables that can be sorted by a click on the head of a column."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from cosearch.report.page.markup import Html, element

Row = TypeVar("Row")


@dataclass(frozen=True)
class TableColumn(Generic[Row]):
    """A column of a table.

    Attributes
    ----------
    title : str
        Its head.
    cell : callable
        What a row shows in it.
    key : callable
        What it is sorted by: a number, text, or None, which comes last.
    hint : str
        Explains the head.
    """

    title: str
    cell: Callable[[Row], str]
    key: Callable[[Row], float | str | None]
    hint: str = ""


def sortable_table(
    columns: Sequence[TableColumn[Row]],
    rows: Iterable[tuple[Row, dict[str, str]]],
    id_: str,
    footer: Html | None = None,
) -> Html:
    """Write a table.

    Parameters
    ----------
    columns : sequence of TableColumn
    rows : iterable of (row, dict)
        Rows in the order that is shown at first, and the attributes of their elements.
    id_ : str
        Of the table.
    footer : Html, optional
        A last row, which stays where it is.
    """
    kept = list(rows)
    numeric = [any(isinstance(c.key(row), int | float) for row, _ in kept) for c in columns]
    kinds = ["number" if is_numeric else "text" for is_numeric in numeric]
    typed = list(zip(columns, kinds, strict=True))
    head = element("tr", *(_head(column, kind) for column, kind in typed))
    body = [
        element("tr", *(_cell(column, kind, row) for column, kind in typed), **more)
        for row, more in kept
    ]
    foot = element("tfoot", footer) if footer is not None else ""
    table = element(
        "table", element("thead", head), element("tbody", *body), foot, id_=id_, class_="sortable"
    )
    return element("div", table, class_="scroll")


def _head(column: TableColumn[Row], kind: str) -> Html:
    button = element("button", column.title, type="button", title=column.hint or None)
    return element("th", button, class_=kind, scope="col", aria_sort="none")


def _cell(column: TableColumn[Row], kind: str, row: Row) -> Html:
    key = column.key(row)
    written = repr(float(key)) if isinstance(key, float) else str(key)
    return element("td", column.cell(row), class_=kind, data_key=None if key is None else written)
