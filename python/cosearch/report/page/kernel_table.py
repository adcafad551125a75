"""The table of kernels."""

from collections.abc import Callable

from cosearch.report.page.markup import Html, chip, element, figure, join, percent
from cosearch.report.page.scale import Scale
from cosearch.report.page.table import TableColumn, sortable_table
from cosearch.report.reuse import SOURCES, Kernel, ReuseReport

KernelColumn = TableColumn[Kernel]

PEAK_HINT = (
    "rate by the machine's peak, which was measured in the same run; above 100 % the machine had "
    "other work while the peak was measured"
)


def kernel_table(report: ReuseReport, scale: Scale) -> Html:
    """Write the table of kernels, with buttons and a field that choose among them."""
    columns = [*_identity(report, scale), *_times(report), *_origin(report)]
    rows = [
        (kernel, {"id_": f"k{index}", "data_source": kernel.source})
        for index, kernel in enumerate(report.kernels)
    ]
    return join(_filters(report), sortable_table(columns, rows, "kernel-table"))


def _filters(report: ReuseReport) -> Html:
    buttons = [
        element(
            "button",
            f"{source} {report.count(source)}",
            type="button",
            class_=f"chip {source}",
            data_filter=source,
            aria_pressed="true",
        )
        for source in SOURCES
        if report.count(source)
    ]
    field = element(
        "input",
        type="search",
        id_="search",
        placeholder="name, block, donor …",
        aria_label="show only kernels with these words",
    )
    return element("div", field, *buttons, class_="filters")


def _identity(report: ReuseReport, scale: Scale) -> list[KernelColumn]:
    shares = scale.shares(report.kernels)
    largest = max(shares.values(), default=0.0) or 1.0

    def bar(kernel: Kernel) -> Html:
        share = shares[kernel.name]
        width = f"width:{100 * share / largest:.1f}%"
        filled = element("i", class_=kernel.source, style=width)
        return join(element("span", filled, class_="bar"), percent(share))

    def blocks(kernel: Kernel) -> str:
        return ", ".join(kernel.blocks)

    title = f"share of {scale.name}"
    return [
        KernelColumn("kernel", _name, lambda k: k.name),
        KernelColumn("blocks", blocks, lambda k: blocks(k) or None),
        KernelColumn("schedule", lambda k: chip(k.source), lambda k: k.source),
        KernelColumn("calls", lambda k: str(k.calls), lambda k: k.calls, "in one run"),
        KernelColumn(title, bar, lambda k: shares[k.name], "all calls of one run"),
    ]


def _times(report: ReuseReport) -> list[KernelColumn]:
    """Columns of figures; one that would be empty is left out."""

    def number(
        title: str, key: Callable[[Kernel], float | None], hint: str, write: Callable[..., str]
    ) -> list[KernelColumn]:
        if all(key(kernel) is None for kernel in report.kernels):
            return []
        return [KernelColumn(title, lambda k: write(key(k)), key, hint)]

    return [
        *number("measured, µs", lambda k: k.measured_us, "one call, in this build", figure),
        *number("expected, µs", lambda k: k.expected_us, "one call, by the cost model", figure),
        *number("recorded, µs", _recorded_us, "one call, when it was tuned", figure),
        *number("GFLOP/s", lambda k: k.gflops, "operations by the measured time", figure),
        *number("of peak", report.share_of_peak, PEAK_HINT, percent),
    ]


def _origin(report: ReuseReport) -> list[KernelColumn]:
    columns = [
        KernelColumn("donor, or why not", _donor, lambda k: k.donor or None, "who it was tuned for")
    ]
    if any(kernel.distance is not None for kernel in report.kernels):
        hint = "from the workload that the schedule was tuned for to this one"
        columns.append(
            KernelColumn("distance", lambda k: figure(k.distance), lambda k: k.distance, hint)
        )
    return columns


def _name(kernel: Kernel) -> Html:
    return element("code", kernel.name, title=f"workload {kernel.workload}")


def _donor(kernel: Kernel) -> Html:
    """Name the donor with its record; the workloads behind it show when pointed at."""
    if kernel.record is None:
        return element("span", kernel.reason, class_="reason")
    about = f"workload {kernel.donor_workload or kernel.workload}"
    number = element("small", f" #{kernel.record}")
    return element("span", kernel.donor or "without a name", number, title=about)


def _recorded_us(kernel: Kernel) -> float | None:
    # What a transferred record holds was measured for another workload.
    return None if kernel.source == "transferred" else kernel.recorded_us
