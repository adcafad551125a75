"""The head of the page: what was built, and the sums as cards."""

import json
from collections.abc import Sequence

from cosearch.report.page.markup import Html, element, figure, join, percent, plural
from cosearch.report.page.scale import Scale
from cosearch.report.reuse import SOURCES, ReuseReport
from cosearch.report.reuse_table import duration
from cosearch.schedules.worth import Worth


def header(report: ReuseReport) -> Html:
    """Write the title, and what the network was built for."""
    facts = [_target(report.target), plural(report.threads, "thread")]
    if report.database:
        facts.append(f"schedules from {report.database}")
    name = element("em", report.network or "a network")
    return element(
        "header",
        element("h1", "Where the schedules of ", name, " come from"),
        element("p", " · ".join(fact for fact in facts if fact)),
    )


def cards(report: ReuseReport, worth: Sequence[Worth]) -> Html:
    """Write the sums, a card each; what is not known is left out."""
    calls = sum(kernel.calls for kernel in report.kernels)
    written = [
        _card(
            "kernels", f"{len(report.kernels):,}", f"{plural(calls, 'call')} in one run", "neutral"
        ),
        _reused(report),
        *_speed(report),
        *_saved(report),
        *_promised(report, worth),
    ]
    return element("div", *written, class_="cards")


def source_bar(report: ReuseReport, scale: Scale) -> Html:
    """Draw the shares of the sources as one bar, and name them below."""
    total = sum(map(scale.size, report.kernels)) or 1.0
    pieces, names = [], []
    for source in SOURCES:
        kernels = [kernel for kernel in report.kernels if kernel.source == source]
        if not kernels:
            continue
        share = sum(map(scale.size, kernels)) / total
        text = f"{source}: {plural(len(kernels), 'kernel')}, {percent(share)} of the {scale.name}"
        pieces.append(element("i", class_=source, style=f"width:{100 * share:.2f}%", title=text))
        names.append(element("span", element("i", class_=f"dot {source}"), text))
    return join(element("div", *pieces, class_="sources"), element("p", *names, class_="legend"))


def _card(label: str, value: str, more: str, kind: str = "") -> Html:
    return element(
        "div",
        element("span", label, class_="label"),
        element("strong", value),
        element("span", more, class_="more"),
        class_=f"card {kind}".strip(),
    )


def _reused(report: ReuseReport) -> Html:
    share = report.share_of_time
    more = "of the kernels" if share is None else f"of the kernels, {percent(share)} of the time"
    return _card("out of the database", percent(report.share_of_kernels) or "0%", more)


def _speed(report: ReuseReport) -> list[Html]:
    if report.latency_us is None:
        return [_card("one run", "—", "was not measured")]
    run = _card("one run", f"{figure(report.latency_us / 1e3)} ms", "in the kernels")
    flops = sum(kernel.calls * kernel.flops for kernel in report.kernels)
    if not flops or not report.latency_us:
        return [run]
    rate = flops / report.latency_us / 1e3
    if not report.peak_gflops:
        return [run, _card("arithmetic", f"{figure(rate)} GFLOP/s", "over all kernels")]
    more = f"{figure(rate)} of {figure(report.peak_gflops)} GFLOP/s"
    return [run, _card("share of the peak", percent(rate / report.peak_gflops), more)]


def _saved(report: ReuseReport) -> list[Html]:
    if report.tuning_trials_saved is None:
        return []
    more = f"{plural(report.tuning_trials_saved, 'candidate')} not measured again"
    seconds = report.tuning_seconds_saved
    return [_card("tuning saved", "—" if seconds is None else duration(seconds), more)]


def _promised(report: ReuseReport, worth: Sequence[Worth]) -> list[Html]:
    if not worth or len(worth) < len(report.kernels):
        return []  # what the others would gain is not known
    gain_us = sum(one.expected_gain_us for one in worth)
    more = "expected of tuning all kernels"
    if report.latency_us:
        return [_card("left to gain", percent(gain_us / report.latency_us) or "0%", more)]
    return [_card("left to gain", f"{figure(gain_us)} µs", more)]


def _target(text: str) -> str:
    """Name kind and CPU of a normalised target."""
    try:
        target = json.loads(text)
        return " ".join(str(target[key]) for key in ("kind", "mcpu") if key in target)
    except (ValueError, TypeError):
        return text
