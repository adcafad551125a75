"""What charts hold, which points are a front, and how they are laid out."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cosearch.report.axis_range import AxisRange, tick_text
from cosearch.report.chart_layout import (
    CLOUD,
    COLOURS,
    SHAPES,
    as_charts,
    axis_name,
    label_above,
    layers,
    ranges,
    shorten,
    staircase,
)
from cosearch.report.pareto_chart import (
    Axis,
    BarChart,
    Link,
    ParetoChart,
    Point,
    Series,
    non_dominated,
)

LATENCY = Axis("latency", "µs")
LOG_LATENCY = Axis("latency", "µs", log=True)
ACCURACY = Axis("accuracy", "%", higher_is_better=True)
AXES = st.builds(Axis, st.just("a"), higher_is_better=st.booleans())


def points(*places) -> tuple[Point, ...]:
    return tuple(Point(x, y, f"net {index}") for index, (x, y) in enumerate(places))


def chart(*series: Series, x=LATENCY, y=ACCURACY, links=()) -> ParetoChart:
    return ParetoChart("a chart", x, y, series, links)


def better(one: Point, other: Point, x: Axis, y: Axis) -> bool:
    pairs = ((one.x, other.x, x), (one.y, other.y, y))
    signed = [(a - b) * (1 if axis.higher_is_better else -1) for a, b, axis in pairs]
    return min(signed) >= 0 and max(signed) > 0


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6))), AXES, AXES)
def test_a_front_is_what_nothing_is_better_than(places, x, y):
    every = points(*places)
    front = non_dominated(every, x, y)
    assert {p.label for p in front} == {
        p.label for p in every if not any(better(other, p, x, y) for other in every)
    }
    assert list(front) == sorted(front, key=lambda point: point.x)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1), AXES, AXES)
def test_the_staircase_bounds_what_is_reached(places, x, y):
    every = Series("all", points(*places), front=True)
    corners = staircase(chart(every, x=x, y=y), every)
    for (x0, y0), (x1, y1) in pairwise(corners):
        assert (x0 == x1) != (y0 == y1)
    # A corner is reached: some point is no worse on both axes.
    for corner in corners:
        reached = Point(*corner, "corner")
        assert any((p.x, p.y) == corner or better(p, reached, x, y) for p in every.points)


def test_a_staircase_turns_where_its_better_neighbour_ends():
    rising = Series("front", points((1, 80), (2, 90)), front=True)
    assert staircase(chart(rising), rising) == [(1, 80), (2, 80), (2, 90)]
    falling = Series("front", points((1, 90), (2, 80)), front=True)
    more = Axis("throughput", higher_is_better=True)
    assert staircase(chart(falling, x=more), falling) == [(1, 90), (1, 80), (2, 80)]


@pytest.mark.parametrize("value", [math.nan, math.inf, "3", None])
def test_a_point_needs_finite_numbers(value):
    with pytest.raises(ValueError, match=r"y of 'net' is .*: give a finite number"):
        Point(1.0, value, "net")
    if not isinstance(value, str):
        with pytest.raises(ValueError, match="energy of 'net'"):
            Point(1.0, 2.0, "net", {"energy": value})


def test_points_take_numbers_of_any_type_and_keep_their_own_details():
    details = {"multiply-adds": np.int64(3), "source": "exact"}
    point = Point(np.float32(1.5), np.int64(2), "net", details)
    details["source"] = "changed"
    assert (type(point.x), type(point.y)) == (float, float)
    assert point.details == {"multiply-adds": 3.0, "source": "exact"}
    assert point == Point(1.5, 2.0, "net", {"multiply-adds": 3.0, "source": "exact"})
    assert len({point, Point(1.5, 2.0, "net")}) == 2


def test_a_chart_needs_a_point():
    with pytest.raises(ValueError, match="chart 'a chart' has no point"):
        chart(Series("none", ()))
    start, end = points((1, 2), (3, 4))
    assert chart(links=[Link(start, end, "faster")]).points == (start, end)


@pytest.mark.parametrize("value", [0.0, -2.0])
def test_a_logarithmic_axis_needs_positive_values(value):
    series = Series("all", points((1, 2), (value, 3)))
    with pytest.raises(ValueError, match=f"latency of 'net 1' is {value:g}.*log=False"):
        chart(series, x=LOG_LATENCY)
    start, end = points((1, 2), (value, 3))
    with pytest.raises(ValueError, match="log=False"):
        chart(x=LOG_LATENCY, links=[Link(start, end, "")])
    assert chart(series).points == series.points


def test_bars():
    bars = BarChart("speed-up", "×", ["a", "b"], [1, np.float64(2.0)])
    assert bars.values == (1.0, 2.0)
    assert bars.mean == 1.5
    with pytest.raises(ValueError, match="2 labels and 1 values"):
        BarChart("t", "", ("a", "b"), (1.0,))
    with pytest.raises(ValueError, match="at least one"):
        BarChart("t", "", (), ())
    with pytest.raises(ValueError, match="value of 'b' is -1"):
        BarChart("t", "", ("a", "b"), (1.0, -1.0))
    with pytest.raises(ValueError, match="value of 'a' is nan"):
        BarChart("t", "", ("a",), (math.nan,))


def test_one_chart_or_several():
    bars = BarChart("t", "", ("a",), (1.0,))
    assert as_charts(bars) == as_charts([bars]) == (bars,)
    with pytest.raises(ValueError, match="no chart"):
        as_charts([])


def test_a_front_looks_like_the_series_it_comes_from():
    every, others = points((1, 1), (2, 3), (3, 2)), points((5, 5), (6, 6))
    drawn = layers(
        chart(
            Series("front of others", others[:1], front=True),
            Series("others", others),
            Series("front", every[1:2], front=True),
            Series("empty", ()),
            Series("all", every),
            Series("front of all", every[:2], front=True),
        )
    )
    assert [(one.series.name, one.number) for one in drawn] == [
        ("others", 1),
        ("all", 3),
        ("front of others", 0),
        ("front", 2),
        ("front of all", 3),
    ]
    assert len({(one.colour, one.shape) for one in drawn}) == 4


def test_thirty_series_are_told_apart():
    drawn = layers(chart(*(Series(str(n), points((n, n))) for n in range(30))))
    assert len({(one.colour, one.shape) for one in drawn}) == 30
    assert {one.colour for one in drawn} == set(COLOURS)
    assert {one.shape for one in drawn} == set(SHAPES)


def test_a_lone_cloud_is_grey_below_all_else():
    many = points(*((x, x % 7) for x in range(CLOUD + 1)))
    drawn = layers(
        chart(Series("few", many[:3]), Series("cloud", many), Series("front", many[:2], front=True))
    )
    assert [one.series.name for one in drawn] == ["cloud", "few", "front"]
    assert [one.number for one in drawn] == [None, 0, 0]
    assert not layers(chart(Series("front", many, front=True)))[0].cloud
    assert not layers(chart(Series("at the limit", many[1:])))[0].cloud
    two = layers(chart(Series("one", many), Series("other", many)))
    assert [one.number for one in two] == [0, 1]


@pytest.mark.parametrize("y", [ACCURACY, Axis("accuracy", "%", higher_is_better=True, log=True)])
def test_what_lies_far_outside_does_not_press_the_rest(y):
    rng = np.random.default_rng(0)
    usual = points(*zip(range(1, 201), rng.uniform(85, 94, 200).tolist(), strict=True))
    failed = points((7, 10.0), (8, 9.5))
    crowd = chart(Series("evaluated", usual + failed), y=y)
    assert ranges(crowd)[1].low > 80
    (layer,) = layers(crowd)
    assert layer.points == usual
    assert layer.legend == "evaluated (202, 2 far outside)"
    # What the chart is about is always in sight.
    for kept in (
        chart(*crowd.series, Series("front", usual + failed, front=True), y=y),
        chart(*crowd.series, Series("few", failed), y=y),
        chart(*crowd.series, y=y, links=[Link(usual[0], failed[0], "")]),
    ):
        assert ranges(kept)[1].low < 10
    assert ranges(chart(Series("few", (*usual[:50], *failed)), y=y))[1].low < 10
    assert layers(chart(Series("usual", usual), y=y))[0].legend == "usual (200)"


def test_values_that_are_nearly_all_alike_stay_in_sight():
    alike = points(*((1, 90.0) for _ in range(200)), (2, 91.0), (3, 10.0))
    assert layers(chart(Series("all", alike)))[0].points == alike


def test_labels_of_links_keep_apart():
    a, b, c, d = points((4, 80), (2, 80), (5, 81), (1, 81))
    low, high = Link(a, b, "low"), Link(c, d, "high")
    both = chart(links=[high, low])
    assert label_above(both, high)
    assert not label_above(both, low)
    assert label_above(chart(links=[low]), low)


VALUES = st.floats(1e-9, 1e12)


@given(st.lists(VALUES, min_size=1, max_size=5), st.booleans())
@example([1.23e9, 1.23e9 * (1 + 2e-9)], False)
def test_ticks_are_few_round_and_within(values, log):
    stretch = AxisRange.of(values, log)
    assert all(0 < stretch.share(value) < 1 for value in values)
    ticks = stretch.ticks()
    assert 3 <= len(ticks) <= 8
    assert ticks == sorted(set(ticks))
    assert all(stretch.low <= tick <= stretch.high for tick in ticks)
    texts = [tick_text(tick) for tick in ticks]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("low", "high", "log", "ticks"),
    [
        (0, 95, False, [0, 20, 40, 60, 80]),
        (-0.31, 0.29, False, [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2]),
        (90.9, 93.9, False, [91, 91.5, 92, 92.5, 93, 93.5]),
        (130, 13_000, True, [200, 500, 1_000, 2_000, 5_000, 10_000]),
        (900, 9_500, True, [1_000, 2_000, 3_000, 5_000, 7_000]),
        (700, 1_900, True, [800, 1_000, 1_200, 1_400, 1_600, 1_800]),
        (1, 1e6, True, [1, 10, 100, 1e3, 1e4, 1e5, 1e6]),
        (1, 1e12, True, [1, 100, 1e4, 1e6, 1e8, 1e10, 1e12]),
    ],
)
def test_ticks(low, high, log, ticks):
    assert AxisRange(low, high, log).ticks() == ticks


def test_an_axis_of_positive_values_does_not_go_below_zero():
    assert AxisRange.of([1.0, 100.0]).low == 0.0
    assert AxisRange.of([0.0, 100.0]).low == -5.0
    assert AxisRange.of([90.0, 100.0]).low == 89.5
    assert AxisRange.of([5.0]).share(5.0) == pytest.approx(0.5)
    assert AxisRange.of([0.0]).share(0.0) == pytest.approx(0.5)
    assert AxisRange.of([5.0], log=True).share(5.0) == pytest.approx(0.5)


def test_texts_of_ticks():
    values = (0.0, 0.25, 91.5, 12_000, 1_500_000, -2_000_000, 3e9, 1.5e13)
    assert [tick_text(value) for value in values] == [
        *("0", "0.25", "91.5", "12,000", "1.5M", "-2M", "3G", "1.5e+13")
    ]


def test_long_labels_are_cut_visibly():
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"


def test_an_order_has_no_good_direction():
    assert axis_name(Axis("evaluations", neutral=True)) == "evaluations"
    assert axis_name(Axis("latency", "µs")) == "latency, µs (lower is better)"
