"""Two builds of a network side by side."""

from cosearch.report.compare_reuse import Change, Comparison
from cosearch.report.page.markup import Html, chip, element, figure, section
from cosearch.report.page.table import TableColumn, sortable_table

ChangeColumn = TableColumn[Change]

NOISE = 0.03
"""A difference that says nothing: kernels of the same schedule differ by as much."""


def comparison_section(comparison: Comparison) -> Html:
    """Write source and time of each kernel before and after, and the sums."""
    times = [t for c in comparison.changes for t in (c.before_us, c.after_us) if t is not None]
    largest = max(times, default=0.0) or 1.0
    columns = [
        ChangeColumn("kernel", lambda c: element("code", c.name), lambda c: c.name),
        ChangeColumn("before", lambda c: chip(c.source_before), lambda c: c.source_before),
        ChangeColumn("after", lambda c: chip(c.source_after), lambda c: c.source_after),
        ChangeColumn("before, µs", lambda c: figure(c.before_us), lambda c: c.before_us),
        ChangeColumn("after, µs", lambda c: figure(c.after_us), lambda c: c.after_us),
        ChangeColumn("side by side", lambda c: _bars(c, largest), lambda c: c.after_us),
        ChangeColumn("after / before", _ratio, lambda c: c.ratio),
        ChangeColumn("saved, µs", lambda c: figure(c.saved_us), lambda c: c.saved_us),
    ]
    rows: list[tuple[Change, dict[str, str]]] = [(change, {}) for change in comparison.changes]
    table = sortable_table(columns, rows, "comparison-table", _footer(comparison.total))
    notes = [element("p", note, class_="note") for note in comparison.notes]
    hint = (
        "Time of all calls of one run. Kernels are matched by their workload; where the schedule "
        "is the same, the difference is the noise of the machine."
    )
    title = f"Compared with {comparison.label}"
    return section(title, *notes, table, id_="comparison", hint=hint)


def _footer(total: Change) -> Html:
    return element(
        "tr",
        element("th", total.name, scope="row", colspan=3),
        element("td", figure(total.before_us), class_="number"),
        element("td", figure(total.after_us), class_="number"),
        element("td"),
        element("td", _ratio(total), class_="number"),
        element("td", figure(total.saved_us), class_="number"),
    )


def _bars(change: Change, largest: float) -> Html:
    pairs = (
        (change.source_before, change.before_us),
        (change.source_after, change.after_us),
    )
    bars = [
        element("i", class_=source, style=f"width:{100 * time_us / largest:.1f}%")
        for source, time_us in pairs
        if time_us is not None
    ]
    return element("span", *bars, class_="two")


def _ratio(change: Change) -> Html:
    ratio = change.ratio
    if ratio is None:
        return Html("")
    kind = None if abs(ratio - 1) <= NOISE else "better" if ratio < 1 else "worse"
    return element("span", f"{ratio:.2f}", class_=kind)
