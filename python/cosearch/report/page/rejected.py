"""The schedules of the database that were tried and not used."""

from cosearch.report.page.markup import Html, chip, element, plural, section
from cosearch.report.page.table import TableColumn, sortable_table
from cosearch.report.reuse import Kernel, ReuseReport
from cosearch.schedules.apply import Rejection

RejectionColumn = TableColumn[tuple[Kernel, Rejection]]


def rejected_section(report: ReuseReport) -> Html:
    """List what was rejected, and why."""
    rows = [(kernel, one) for kernel in report.kernels for one in kernel.rejected]
    if not rows:
        text = "No schedule of the database was rejected."
        return section("Rejected schedules", element("p", text, class_="empty"), id_="rejected")
    columns = [
        RejectionColumn("kernel", lambda r: element("code", r[0].name), lambda r: r[0].name),
        RejectionColumn("runs with", lambda r: chip(r[0].source), lambda r: r[0].source),
        RejectionColumn("record", _record, lambda r: r[1].record),
        RejectionColumn("tuned for", lambda r: r[1].donor, lambda r: r[1].donor or None),
        RejectionColumn("why not", lambda r: r[1].reason, lambda r: r[1].reason),
    ]
    table = sortable_table(columns, [(row, {}) for row in rows], "rejected-table")
    hint = f"{plural(len(rows), 'schedule')} did not apply, or did not pass the checks."
    return section("Rejected schedules", table, id_="rejected", hint=hint)


def _record(row: tuple[Kernel, Rejection]) -> str:
    return "" if row[1].record is None else f"#{row[1].record}"
