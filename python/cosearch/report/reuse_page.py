"""The reuse report as one page of HTML that needs nothing but a browser."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cosearch.report.compare_reuse import Comparison
from cosearch.report.page.comparison import comparison_section
from cosearch.report.page.document import write_document
from cosearch.report.page.donor_graph import donor_graph
from cosearch.report.page.kernel_table import kernel_table
from cosearch.report.page.markup import section
from cosearch.report.page.network_chart import network_chart
from cosearch.report.page.rejected import rejected_section
from cosearch.report.page.saved import saved_section
from cosearch.report.page.scale import Scale, columns
from cosearch.report.page.summary import cards, header, source_bar
from cosearch.report.page.worth import worth_section
from cosearch.report.reuse import ReuseReport
from cosearch.schedules.worth import Worth

_DRAWN = {
    "time": "The heights are measured times.",
    "arithmetic": "Nothing was measured: the heights are floating-point operations.",
    "calls": "Nothing was measured: each call is drawn alike.",
}


def reuse_data(
    report: ReuseReport, worth: Sequence[Worth] = (), comparison: Comparison | None = None
) -> dict[str, Any]:
    """Return all that the page shows as plain data, which `ReuseReport.from_dict` reads too."""
    data = report.to_dict()
    data["worth"] = [asdict(one) for one in worth]
    data["comparison"] = comparison.to_dict() if comparison is not None else None
    return data


def render_page(
    report: ReuseReport,
    *,
    worth: Sequence[Worth] = (),
    comparison: Comparison | None = None,
    command: str = "",
) -> str:
    """Write the page of a build.

    Style, script, drawings and the data as JSON are in the page itself; it loads nothing, and asks
    the browser not to.

    Parameters
    ----------
    report : ReuseReport
        The build.
    worth : sequence of Worth
        What tuning would gain, most first (see `appraise`).
    comparison : Comparison, optional
        With another build of the network.
    command : str
        What tunes the kernels that are most worth it.
    """
    scale = Scale.of(report)
    row = columns(report, scale)
    drawn = f"Blocks in the order in which they run, kernels stacked. {_DRAWN[scale.name]}"
    parts = [
        header(report),
        cards(report, worth),
        source_bar(report, scale),
        section("Network", network_chart(report, row, scale), id_="network", hint=drawn),
        section("Donors", donor_graph(row, scale), id_="donors"),
        *([comparison_section(comparison)] if comparison is not None else []),
        section("Kernels", kernel_table(report, scale), id_="kernels"),
        worth_section(worth, len(report.kernels) - len(worth), command),
        saved_section(report),
        rejected_section(report),
    ]
    title = f"Reuse: {report.network or 'a network'}"
    return write_document(title, parts, reuse_data(report, worth, comparison))
