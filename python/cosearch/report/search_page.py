"""The result of a search as one page of HTML that needs nothing but a browser."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cosearch.report.chart_layout import as_charts, layers
from cosearch.report.page.architecture_table import Cell, Row, architecture_table
from cosearch.report.page.bar_plot import bar_plot
from cosearch.report.page.document import write_document
from cosearch.report.page.markup import Html, element, section
from cosearch.report.page.pareto_plot import pareto_plot
from cosearch.report.pareto_chart import BarChart, Chart

_LONG = 10
"""A fact of more characters than this is written small."""
_POINT_HINT = (
    "Point at a mark for its details; from the keyboard, tab to the drawing and go on with the "
    "arrow keys. A click or the return key chooses a network: it is marked in every drawing and "
    "in the table."
)
_TABLE_HINT = "Choose a row to find its points in the drawings."


def render_search_page(  # noqa: PLR0917 - the parts of the page, in its order
    title: str,
    summary: Mapping[str, str],
    charts: Chart | Sequence[Chart],
    table_columns: Sequence[str],
    table_rows: Sequence[Row],
    data: Any,
) -> str:
    """Write the page of a search.

    Style, script, drawings and the data as JSON are in the page itself; it loads nothing, and asks
    the browser not to.

    Parameters
    ----------
    title : str
        Of the search.
    summary : mapping of str to str
        Facts about it, in this order, a card each.
    charts : ParetoChart or BarChart, or a sequence of them
        A series of more than 2,000 points that is no front is drawn as a cloud, without details.
    table_columns : sequence of str
        Heads of the table.
    table_rows : sequence of sequence of str or float or None
        A value for each column; None is one that is not known. A column of numbers, or of text
        that reads as numbers, is sorted by them. A row belongs to the points and bars whose label
        is the text of one of its cells.
    data : object
        What is behind the page, as JSON can write it; the page offers it as a file.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    ValueError
        If there is no chart, a row does not have a value for each column or a number in it is not
        finite, or JSON cannot write the data.
    """
    several = as_charts(charts)
    rows = [_checked(row, table_columns, number) for number, row in enumerate(table_rows, 1)]
    keys = {label: key for key, label in enumerate(dict.fromkeys(_labels(several)))}
    parts = [
        element("header", element("h1", title)),
        _cards(summary),
        *(_chart(chart, keys, number) for number, chart in enumerate(several)),
        *([_table(table_columns, rows, keys)] if table_columns else []),
    ]
    style, script = ["search.css"], ["search.js"]
    return write_document(title, parts, data, style=style, script=script)


def _labels(charts: Sequence[Chart]) -> Iterator[str]:
    """Name what is drawn as elements that can be chosen."""
    for chart in charts:
        if isinstance(chart, BarChart):
            yield from chart.labels
        else:
            drawn = (layer.points for layer in layers(chart) if not layer.cloud)
            yield from (point.label for points in drawn for point in points)


def _cards(summary: Mapping[str, str]) -> Html:
    cards = [
        element(
            "div",
            element("span", name, class_="label"),
            element("strong", text, class_="long" if len(text) > _LONG else None),
            class_="card",
        )
        for name, text in summary.items()
    ]
    return element("div", *cards, class_="cards")


def _chart(chart: Chart, keys: Mapping[str, int], number: int) -> Html:
    drawing = bar_plot(chart, keys) if isinstance(chart, BarChart) else pareto_plot(chart, keys)
    # Said once: it holds for all of them.
    hint = _POINT_HINT if number == 0 else ""
    return section(chart.title, drawing, id_=f"chart{number}", hint=hint)


def _table(columns: Sequence[str], rows: Sequence[Row], keys: Mapping[str, int]) -> Html:
    if not rows:
        none = element("p", "There is no architecture to list.", class_="empty")
        return section("Architectures", none, id_="architectures")
    table = architecture_table(columns, rows, keys)
    return section("Architectures", table, id_="architectures", hint=_TABLE_HINT)


def _checked(row: Row, columns: Sequence[str], number: int) -> list[Cell]:
    cells = list(row)
    if len(cells) != len(columns):
        raise ValueError(
            f"row {number} of the table has {len(cells)} values for {len(columns)} columns: give "
            "one for each"
        )
    for column, cell in zip(columns, cells, strict=True):
        if isinstance(cell, float) and not math.isfinite(cell):
            raise ValueError(
                f"{column} in row {number} of the table is {cell}: give a finite number or None"
            )
    return cells
