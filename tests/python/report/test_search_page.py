"""The page of a search shows what it is given, escapes all of it, and loads nothing."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from importlib.resources import files
from xml.etree import ElementTree

import numpy as np
import pytest

from cosearch.report.chart_layout import COLOURS, GREY
from cosearch.report.page.markup import figure
from cosearch.report.page.pareto_plot import describe, mark_path
from cosearch.report.pareto_chart import (
    Axis,
    BarChart,
    Link,
    ParetoChart,
    Point,
    Series,
    non_dominated,
)
from cosearch.report.search_page import render_search_page

NASTY = "</script></svg><img src=x onerror=alert(1)>\"'&"
ELEMENTS = set(
    "html head meta title style body main header section footer h1 h2 p div span strong code "
    "button script table thead tbody tr th td svg g rect line path text".split()
)
LATENCY = Axis("latency", "µs", log=True)
ACCURACY = Axis("accuracy", "%", higher_is_better=True)
SLOW = Point(2_000.0, 93.25, "slow", {"parameters": 1_234_567, "schedules": "12 exact"})
FAST = Point(900.0, 91.5, "fast")
POOR = Point(2_500.0, 90.0, "poor")
CHART = ParetoChart(
    "Latency and accuracy",
    LATENCY,
    ACCURACY,
    (Series("evaluated", (SLOW, FAST, POOR)), Series("front", (FAST, SLOW), front=True)),
    (Link(SLOW, FAST, "2.2× faster"),),
)
BARS = BarChart("Speed-ups", "×", ("fast", "other"), (3.0, 1.0))
COLUMNS = ["latency, µs", "accuracy, %", "schedules", "architecture"]
ROWS = [[2_000.0, "93.25", None, "slow"], [900, "101.5", "3 rules", "fast"]]


class Page(HTMLParser):
    """Reads a page as a browser does, and fails where elements are not closed as they should."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements, self.attributes, self.scripts, self.text = Counter(), [], [], []
        self._open = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements[tag] += 1
        self.attributes += [(tag, *attribute) for attribute in attrs]
        if tag == "script":
            self.scripts.append("")
        if tag not in {"meta", "br", "input", "img"}:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            self.scripts[-1] += data
        elif self._open and self._open[-1] != "style":
            self.text.append(data)


def render(charts=(CHART, BARS), columns=COLUMNS, rows=ROWS, data=None, summary=None) -> str:
    return render_search_page("a search", summary or {"space": "tiny"}, charts, columns, rows, data)


def drawings(text: str) -> list[ElementTree.Element]:
    """Return the drawings, which a parser of XML must be able to read."""
    written = re.findall(r"<svg(?: [^>]*)?>.*?</svg>", text, re.DOTALL)
    found = [ElementTree.fromstring(one) for one in written]
    return [drawing for drawing in found if drawing.get("class") == "plot"]


def marks(drawing, group="*") -> list[ElementTree.Element]:
    return [
        mark
        for one in drawing.iter("g")
        if group == "*" or group in one.get("class", "").split()
        for mark in one
        if mark.get("class") == "mark"
    ]


def place(mark) -> tuple[float, float]:
    x, y = re.match(r"M([\d.]+) ([\d.]+)", mark.get("d")).groups()
    return float(x), float(y)


def table(text: str) -> list[list[ElementTree.Element]]:
    body = text[text.index("<tbody>") : text.index("</tbody>") + 8]
    return [list(row) for row in ElementTree.fromstring(body)]


def hostile_page() -> Page:
    point = Point(1.0, 2.0, NASTY, {NASTY: NASTY})
    cloud = tuple(Point(1.0 + x, 2.0, NASTY) for x in range(2_001))
    axis = Axis(NASTY, NASTY)
    series = (Series(NASTY, cloud), Series(NASTY, (point,), front=True))
    link = Link(point, Point(3.0, 4.0, NASTY), NASTY)
    charts = [
        ParetoChart(NASTY, axis, axis, series, (link,)),
        BarChart(NASTY, NASTY, (NASTY,), (1.0,)),
    ]
    text = render_search_page(
        NASTY, {NASTY: NASTY}, charts, [NASTY, "n"], [[NASTY, NASTY]], {NASTY: NASTY}
    )
    assert len(drawings(text)) == 2
    return Page(text)


def test_names_cannot_become_markup():
    page = hostile_page()
    assert set(page.elements) <= ELEMENTS
    assert not [a for a in page.attributes if a[1].startswith("on")]
    assert len(page.scripts) == 2
    assert "".join(page.text).count(NASTY) >= 20
    assert json.loads(page.scripts[0]) == {NASTY: NASTY}


@pytest.mark.parametrize(
    ("part", "careless"),
    [("markup.html.escape", lambda text, quote=True: text), ("document.embedded_json", json.dumps)],
)
def test_the_check_of_names_can_fail(monkeypatch, part, careless):
    monkeypatch.setattr(f"cosearch.report.page.{part}", careless)
    with pytest.raises((AssertionError, ElementTree.ParseError)):
        test_names_cannot_become_markup()


def test_it_loads_nothing():
    text = render()
    page = Page(text)
    loading = {"src", "srcset", "data", "action", "poster", "background", "href", "xlink:href"}
    assert not [a for a in page.attributes if a[1] in loading]
    assert not page.elements.keys() & {"link", "iframe", "img", "object", "base", "embed"}
    assert not re.search(r"https?://|@import|url\(|fetch\(|XMLHttp|WebSocket|import\(", text)
    policy = [a[2] for a in page.attributes if a[0] == "meta" and a[1] == "content"]
    assert any(content.startswith("default-src 'none'") for content in policy)


def test_each_point_stands_where_its_values_are():
    drawing, _ = drawings(render())
    front = {mark[0].text.split("\n")[0]: place(mark) for mark in marks(drawing, "front")}
    (poor,) = marks(drawing, "marks")  # the others are drawn as points of the front
    assert front["fast"][0] < front["slow"][0] < place(poor)[0]
    assert front["slow"][1] < front["fast"][1] < place(poor)[1]
    # On a logarithmic axis, ratios are distances.
    ratio = (front["slow"][0] - front["fast"][0]) / (place(poor)[0] - front["slow"][0])
    assert ratio == pytest.approx(np.log(2_000 / 900) / np.log(2_500 / 2_000), rel=0.01)
    stairs = next(e for e in drawing.iter("path") if e.get("class") == "stairs")
    (x0, y0), (x1, y1) = front["fast"], front["slow"]
    assert stairs.get("d") == f"M{x0} {y0}L{x1} {y0}L{x1} {y1}"


def test_details_of_a_point():
    assert describe(SLOW, "front", LATENCY, ACCURACY).split("\n") == [
        *("slow", "front", "latency: 2,000 µs", "accuracy: 93.25 %"),
        *("parameters: 1,234,567", "schedules: 12 exact"),
    ]
    drawing, _ = drawings(render())
    assert describe(SLOW, "front", LATENCY, ACCURACY) in [m[0].text for m in marks(drawing)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((93.256, "93.26"), (9.99996, "10.00"), (99.996, "100.0"), (1_234.5, "1,234")),
        *((0.00123456, "0.001235"), (-12.3456, "-12.35"), (0.0, "0"), (float("nan"), "nan")),
    ],
)
def test_four_digits_count(value, text):
    assert figure(value, 4) == text


def test_axes_have_names_and_ticks():
    drawing, _ = drawings(render())
    texts = [text.text for text in drawing.iter("text")]
    assert {"latency, µs (lower is better)", "accuracy, % (higher is better)"} <= set(texts)
    assert {"1,000", "2,000", "91", "93"} <= set(texts)
    x = {t.text: float(t.get("x")) for t in drawing.iter("text")}
    assert x["1,000"] < x["1,500"] < x["2,000"]
    assert x["2,000"] - x["1,500"] < x["1,500"] - x["1,000"]


def test_links_are_arrows():
    drawing, _ = drawings(render())
    (link,) = [g for g in drawing.iter("g") if g.get("class") == "link"]
    assert link.find("title").text == link.find("text").text == "2.2× faster"
    assert len(link.findall("path")) == 2
    near = Point(900.1, 91.5, "near")
    short = ParetoChart("t", LATENCY, ACCURACY, CHART.series, (Link(FAST, near, "short"),))
    (link,) = [g for g in drawings(render([short]))[0].iter("g") if g.get("class") == "link"]
    assert not link.findall("path")  # no room for an arrow
    assert link.find("text").text == "short"


def test_what_belongs_together_shares_a_key():
    text = render()
    points, bars = drawings(text)
    keys = {m[0].text.split("\n")[0]: m.get("data-point") for m in marks(points)}
    assert len(set(keys.values())) == 3
    assert marks(bars)[0].get("data-point") == keys["fast"]
    rows = re.findall(r'<tr data-point="(\d+)">', text)
    assert rows == [keys["slow"], keys["fast"]]
    assert "<tr data-point" not in render(rows=[[1, 2, 3, "of no chart"]])


def test_the_table_is_sorted_by_numbers():
    text = render()
    slow, fast = table(text)
    assert ["".join(cell.itertext()) for cell in slow] == ["2,000", "93.25", "", "slow"]
    assert ["".join(cell.itertext()) for cell in fast] == ["900", "101.5", "3 rules", "fast"]
    assert [cell.get("data-key") for cell in slow] == ["2000.0", "93.25", None, "slow"]
    assert [cell.get("class") for cell in slow] == ["number", "number", "text", "text"]
    assert fast[3].find("code").text == "fast"


def test_bars():
    _, bars = drawings(render())
    lengths = [float(mark.get("width")) for mark in marks(bars)]
    assert lengths == [650.0, pytest.approx(650 / 3, abs=0.01)]
    texts = [text.text for text in bars.iter("text")]
    assert {"fast", "other", "3.00×", "1.00×", "mean 2.00×"} <= set(texts)
    (line,) = bars.iter("line")
    assert float(line.get("x1")) == pytest.approx(250 + 650 * 2 / 3, abs=0.01)


def test_many_points_stay_light():
    rng = np.random.default_rng(0)
    places = rng.lognormal(7.0, 0.5, (15_000, 2)).tolist()
    every = tuple(Point(x, y, f"network {i}", {"n": i}) for i, (x, y) in enumerate(places))
    front = Series("front", non_dominated(every, LATENCY, LATENCY), front=True)
    chart = ParetoChart("many", LATENCY, LATENCY, (Series("evaluated", every), front))
    behind = next(point.label for point in every if point not in front.points)
    text = render(chart, rows=[[1, 2, 3, behind]])
    assert len(text) < 250_000
    (drawing,) = drawings(text)
    assert len(marks(drawing)) == len(front.points)
    (cloud,) = [g for g in drawing.iter("g") if g.get("class") == "grey cloud"]
    spots = cloud[0].get("d").count("M")
    assert 5_000 < spots < 15_000
    said = f"15,000 points of “evaluated” fall on {spots:,} spots"
    assert said in "".join(Page(text).text)
    assert "<tr data-point" not in text  # a point of the cloud cannot be found by its row


def test_colours_are_those_of_the_picture():
    style = files("cosearch.report.page").joinpath("search.css").read_text(encoding="utf-8")
    light = style.split("@media")[0]
    assert re.findall(r"--s\d: (#\w+)", light) == list(COLOURS)
    assert f"--grey: {GREY}" in light
    assert "prefers-color-scheme: dark" in render()


@pytest.mark.parametrize("shape", ["circle", "square", "diamond", "triangle", "down"])
def test_marks_are_shapes_around_their_point(shape):
    path = mark_path(shape, 4.0)
    assert path.startswith("m")
    assert path.endswith("z")
    assert len({mark_path(other, 4.0) for other in ("circle", shape)}) == 1 + (shape != "circle")


def test_summary():
    summary = {"space": "mbconv", "constraint": "latency of at most 3,000 µs"}
    text = render(summary=summary)
    assert '<span class="label">space</span><strong>mbconv</strong>' in text
    assert '<strong class="long">latency of at most 3,000 µs</strong>' in text


def test_data_come_back():
    data = {"front": [[1, 2.5, None, "<&>"]], "space": "tiny"}
    page = Page(render(data=data))
    assert json.loads(page.scripts[0]) == data


def test_no_row_and_no_table():
    assert "There is no architecture to list." in render(rows=[])
    assert "<table" not in render(columns=[], rows=[])
    ids = [a[2] for a in Page(render()).attributes if a[1] == "id"]
    assert len(ids) == len(set(ids))


def test_what_cannot_be_written_is_refused():
    with pytest.raises(ValueError, match="no chart"):
        render(charts=[])
    with pytest.raises(ValueError, match="row 2 of the table has 1 values for 4 columns"):
        render(rows=[ROWS[0], ["x"]])
    with pytest.raises(ValueError, match="latency, µs in row 1 of the table is nan"):
        render(rows=[[float("nan"), 1, 2, 3]])
    for data in ({"x": float("nan")}, {"x": object()}):
        with pytest.raises(ValueError, match="cannot be written as JSON"):
            render(data=data)
