"""The kernels most worth tuning, and the command that does it."""

from collections.abc import Sequence

from cosearch.report.page.markup import Html, element, figure, join, plural, section
from cosearch.report.page.table import TableColumn, sortable_table
from cosearch.schedules.worth import Worth

WorthColumn = TableColumn[Worth]

HINT = (
    "What tuning is expected to gain, by what tuned workloads of the same kind have gained under "
    "the same conditions: the time of their first candidate by that of the best, as the median. "
    "For a kernel that was tuned already, what the second half of the candidates has brought. The "
    "order is surer than the figures."
)


def worth_section(worth: Sequence[Worth], unknown: int, command: str) -> Html:
    """List the kernels that tuning would gain something for.

    Parameters
    ----------
    worth : sequence of Worth
        Most gain first.
    unknown : int
        Kernels whose time is not known, so that they cannot be ranked.
    command : str
        What tunes them, empty if that is not known.
    """
    promising = [one for one in worth if one.expected_gain_us > 0]
    left_out = [_left_out(unknown)] if unknown else []
    if not promising:
        text = f"No gain is expected of tuning {'the others' if unknown else 'any kernel'}."
        none = [element("p", text, class_="empty")] if worth or not unknown else []
        return section("Worth tuning", *left_out, *none, id_="worth")
    largest = promising[0].expected_gain_us

    def gain(one: Worth) -> Html:
        width = f"width:{100 * one.expected_gain_us / largest:.1f}%"
        bar = element("span", element("i", class_="gain", style=width), class_="bar")
        return join(bar, figure(one.expected_gain_us))

    columns = [
        WorthColumn("kernel", lambda w: element("code", w.name), lambda w: w.name),
        WorthColumn("calls", lambda w: str(w.calls), lambda w: w.calls, "in one run"),
        WorthColumn("now, µs", lambda w: figure(w.current_us), lambda w: w.current_us, "one call"),
        WorthColumn("expected, µs", lambda w: figure(w.expected_us), lambda w: w.expected_us),
        WorthColumn("gain a run, µs", gain, lambda w: w.expected_gain_us),
        WorthColumn("candidates so far", lambda w: str(w.trials), lambda w: w.trials),
        WorthColumn("learnt from", lambda w: w.basis, lambda w: w.basis),
    ]
    table = sortable_table(columns, [(one, {}) for one in promising], "worth-table")
    parts = [*left_out, _command(command), table]
    return section("Worth tuning", *parts, id_="worth", hint=HINT)


def _left_out(unknown: int) -> Html:
    text = f"{plural(unknown, 'kernel')} cannot be ranked: what they take was not measured."
    return element("p", text, class_="empty")


def _command(command: str) -> Html:
    if not command:
        return Html("")
    button = element("button", "copy", type="button", data_copy="command")
    return element("div", element("code", command, id_="command"), button, class_="command")
