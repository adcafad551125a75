"""The charts of networks that were optimised: both fronts, the best two, and each speed-up."""

import math

import pytest

from cosearch.report.chart_layout import layers
from cosearch.report.optimisation_charts import ACCURACY, OptimisedNetwork, optimisation_charts
from cosearch.report.pareto_chart import Axis
from cosearch.report.pareto_png import draw_png
from cosearch.report.search_page import render_search_page

# Made-up figures; "slim" is fastest at first, and "wide" gains more.
NETWORKS = [
    OptimisedNetwork("slim", 91.0, 2_000.0, 1_600.0),
    OptimisedNetwork("wide", 93.0, 3_000.0, 1_000.0),
    OptimisedNetwork("deep", 94.0, 6_000.0, 2_400.0),
    OptimisedNetwork("poor", 90.0, 5_000.0, 2_500.0),
]


def series(chart) -> dict[str, list[str]]:
    return {one.name: [point.label for point in one.points] for one in chart.series}


def test_latency_before_and_after_with_both_fronts():
    chart, _, _ = optimisation_charts(NETWORKS)
    names = [network.name for network in NETWORKS]
    assert series(chart) == {
        "before optimisation": names,
        "after optimisation": names,
        "front before": ["slim", "wide", "deep"],
        "front after": ["wide", "deep"],
    }
    assert [one.front for one in chart.series] == [False, False, True, True]
    before, after = chart.series[0].points[0], chart.series[1].points[0]
    assert (before.x, before.y) == (2_000.0, 91.0)
    assert (after.x, after.y) == (1_600.0, 91.0)
    assert after.details["speed-up"] == 1.25
    assert chart.x.log
    assert chart.y.higher_is_better
    # Each front looks like the points that it is the edge of.
    assert [layer.number for layer in layers(chart)] == [0, 1, 0, 1]


def test_the_best_before_is_joined_with_what_became_of_it():
    _, chart, _ = optimisation_charts(NETWORKS)
    assert "is not fastest" in chart.title
    assert [(link.start.x, link.end.x) for link in chart.links] == [
        (2_000.0, 1_600.0),
        (3_000.0, 1_000.0),
    ]
    assert [link.label for link in chart.links] == [
        "fastest before: slim, 1.25×",
        "fastest after: wide, 3.00×",
    ]
    assert series(chart) == {
        "before optimisation": ["slim", "wide"],
        "after optimisation": ["slim", "wide"],
    }


def test_one_network_can_be_best_before_and_after():
    _, chart, _ = optimisation_charts([NETWORKS[0], NETWORKS[3]])
    assert "fastest after it too" in chart.title
    assert [link.label for link in chart.links] == ["fastest before and after: slim, 1.25×"]


def test_of_equally_fast_networks_the_more_accurate_is_best():
    rows = [OptimisedNetwork("a", 90.0, 2.0, 1.0), OptimisedNetwork("b", 91.0, 2.0, 1.0)]
    best = optimisation_charts(rows)[1].links
    assert [link.label for link in best] == ["fastest before and after: b, 2.00×"]
    best = optimisation_charts(rows, accuracy=Axis("loss"))[1].links
    assert [link.label for link in best] == ["fastest before and after: a, 2.00×"]


def test_speed_ups():
    _, _, bars = optimisation_charts(NETWORKS)
    assert bars.labels == ("slim", "wide", "deep", "poor")
    assert bars.values == (1.25, 3.0, 2.5, 2.0)
    assert bars.mean == 2.1875
    assert bars.unit == "×"


def test_any_score_can_stand_for_accuracy():
    score = Axis("GenNAS score", higher_is_better=True)
    assert optimisation_charts(NETWORKS, accuracy=score)[0].y is score
    assert optimisation_charts(NETWORKS)[0].y is ACCURACY


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_latency_must_have_been_measured(value):
    with pytest.raises(ValueError, match="after_us of 'net'"):
        OptimisedNetwork("net", 90.0, 1.0, value)


def test_what_cannot_be_charted():
    with pytest.raises(ValueError, match="accuracy of 'net' is nan"):
        OptimisedNetwork("net", math.nan, 1.0, 1.0)
    with pytest.raises(ValueError, match="no network to chart"):
        optimisation_charts([])


def test_they_are_drawn_as_picture_and_page(tmp_path):
    charts = optimisation_charts(NETWORKS)
    draw_png(charts, tmp_path / "charts.png")
    assert (tmp_path / "charts.png").read_bytes().startswith(b"\x89PNG")
    page = render_search_page("16 networks", {}, charts, [], [], {})
    assert page.count('<svg viewBox="0 0 1000 ') == 3
    assert page.count('class="shaft"') == 2
    assert "mean 2.19×" in page
