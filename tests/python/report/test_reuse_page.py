"""The page shows what the report holds, escapes all of it, and loads nothing."""

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from cosearch.report import Kernel, ReuseReport, compare_reuse, render_page, reuse_data
from cosearch.report.page.donor_graph import flows_of, merge_small
from cosearch.report.page.markup import Html, element, figure, join, percent
from cosearch.report.page.scale import Scale, columns
from cosearch.schedules.call_sites import BlockCall
from cosearch.schedules.worth import Worth

NASTY = "</script><img src=x onerror=alert(1)>\"'&"
"""The name that the report has in several places."""
VOID = {"input", "meta", "br"}
ELEMENTS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "header",
        "section",
        "footer",
        "h1",
    ),
    *("h2", "p", "div", "span", "em", "i", "small", "strong", "code", "button", "input", "script"),
    *(
        "table",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
        "a",
        "svg",
        "g",
        "rect",
        "line",
        "path",
    ),
    "text",
}
WORTH = [Worth("expand", "b" * 32, 3, 20.0, 16.0, 12.0, 16, "33 tuned workloads")]
COMMAND = "cosearch tune 'a net.onnx' --worth 5"


class Page(HTMLParser):
    """Reads a page as a browser does, and fails where elements are not closed as they should."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements = Counter()
        self.attributes = []
        self.text = []
        self.scripts = []
        self.rows = {}
        self._open = []
        self._table = None
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements[tag] += 1
        self.attributes += [(tag, *attribute) for attribute in attrs]
        attributes = dict(attrs)
        if tag == "table":
            self._table = self.rows.setdefault(attributes["id"], [])
        if tag == "tr" and "tbody" in self._open:
            self._table.append([])
        if tag == "td" and "tbody" in self._open:
            self._table[-1].append("")
        if tag == "script":
            self.scripts.append((attributes.get("type"), ""))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)
        elif self._open and self._open[-1] != "style":
            self.text.append(data)
            if "tbody" in self._open and "td" in self._open:
                self._table[-1][-1] += data

    @property
    def data(self):
        return json.loads(next(text for kind, text in self.scripts if kind == "application/json"))


def full_page(report) -> Page:
    before = replace(
        report,
        kernels=tuple(replace(k, source="rules", measured_us=30.0) for k in report.kernels),
    )
    comparison = compare_reuse(before, report, f"old {NASTY}.json")
    return Page(render_page(report, worth=WORTH, comparison=comparison, command=COMMAND))


def test_names_cannot_become_markup(report):
    page = full_page(report)
    assert set(page.elements) <= ELEMENTS
    assert not [a for a in page.attributes if a[1].startswith("on")]
    assert len(page.scripts) == 2
    assert "".join(page.text).count(NASTY) >= 5
    assert page.data["kernels"][3]["name"] == NASTY


@pytest.mark.parametrize(
    ("part", "careless"),
    [
        ("page.markup.html.escape", lambda text, quote=True: text),
        ("page.document.embedded_json", json.dumps),
    ],
)
def test_the_check_of_names_can_fail(report, monkeypatch, part, careless):
    monkeypatch.setattr(f"cosearch.report.{part}", careless)
    with pytest.raises(AssertionError):
        test_names_cannot_become_markup(report)


def test_it_loads_nothing(report):
    text = render_page(report, worth=WORTH, command=COMMAND)
    page = Page(text)
    loading = {"src", "srcset", "data", "action", "poster", "background", "xlink:href"}
    assert not [a for a in page.attributes if a[1] in loading]
    assert all(a[2].startswith("#") for a in page.attributes if a[1] == "href")
    assert not page.elements.keys() & {"link", "iframe", "img", "object", "base", "embed"}
    assert not re.search(r"https?://|@import|url\(|fetch\(|XMLHttp|WebSocket|import\(", text)
    policy = [a[2] for a in page.attributes if a[0] == "meta" and a[1] == "content"]
    assert any(content.startswith("default-src 'none'") for content in policy)


def test_a_database_on_a_server_is_no_load(report):
    page = Page(render_page(replace(report, database="https://host/x")))
    assert not [a for a in page.attributes if "https:" in (a[2] or "")]


def test_the_data_are_those_of_the_json(report):
    comparison = compare_reuse(report, report, "same")
    text = render_page(report, worth=WORTH, comparison=comparison)
    data = Page(text).data
    assert data == json.loads(json.dumps(reuse_data(report, WORTH, comparison)))
    assert ReuseReport.from_dict(data) == report
    assert data["worth"][0]["expected_gain_us"] == 12.0
    assert data["comparison"]["label"] == "same"


def test_table_of_kernels(report):
    rows = Page(render_page(report)).rows["kernel-table"]
    assert len(rows) == 5
    expand = rows[1]
    assert expand[:4] == ["expand", "mbconv", "transferred", "3"]
    assert expand[4] == "52%"  # 60 of 115 µs
    assert expand[5:10] == ["20.0", "18.5", "", "150", "38%"]
    assert expand[10:] == [f"{NASTY} #8", "0.125"]
    assert rows[0][7] == "9.50"
    assert rows[4][-2:] == ["no rule", ""]


def test_cells_carry_what_they_are_sorted_by(report):
    page = Page(render_page(report))
    keys = [a[2] for a in page.attributes if a[1] == "data-key"]
    assert "18.5" in keys
    assert "0.125" in keys
    assert "None" not in keys


def test_the_network_is_drawn_in_order_and_to_scale(report):
    scale = Scale.of(report)
    row = columns(report, scale)
    assert [column.pattern for column in row] == ["conv_norm_act", "mbconv", "mbconv", ""]
    assert [column.size for column in row] == [20.0, 30.0, 40.0, 25.0]
    text = render_page(report)
    drawing = text[text.index("<svg") : text.index("</svg>")]
    assert [source for source in re.findall(r'<rect [^>]*class="(\w+)"', drawing)] == [
        *("exact", "transferred", "tuned", "transferred", "transferred", "rules", "default")
    ]
    heights = [float(h) for h in re.findall(r'<rect [^>]*height="([\d.]+)"', drawing)]
    assert heights[0] == pytest.approx(100, abs=1)  # 20 of 40 µs, which are 200 high
    assert "mbconv × 2" in drawing
    assert 'href="#k1"' in drawing


def test_an_older_report_is_drawn_by_first_calls(report):
    old = replace(report, blocks=())
    row = columns(old, Scale.of(old))
    assert [column.pattern for column in row] == ["conv_norm_act", "mbconv", ""]
    assert [column.size for column in row] == [20.0, 70.0, 25.0]


def test_what_is_drawn_without_a_measurement(report):
    kernels = tuple(replace(k, measured_us=None) for k in report.kernels)
    unmeasured = replace(report, kernels=kernels, peak_gflops=None)
    assert Scale.of(unmeasured).name == "arithmetic"
    text = "".join(Page(render_page(unmeasured)).text)
    assert "floating-point operations" in text
    assert "was not measured" in text
    unknown = replace(report, kernels=tuple(replace(k, flops=0.0) for k in kernels))
    assert Scale.of(unknown).name == "calls"
    assert "each call is drawn alike" in "".join(Page(render_page(unknown)).text)


def test_flows_from_donors_to_blocks(report):
    flows = flows_of(columns(report, Scale.of(report)))
    assert flows == {
        ("mobilenet", "exact", "conv_norm_act"): 20.0,
        (NASTY, "transferred", "mbconv"): 60.0,
        ("here", "tuned", "mbconv"): 10.0,
        ("schedule rules", "rules", "outside of blocks"): 20.0,
        ("TVM's own loops", "default", "outside of blocks"): 5.0,
    }
    merged = merge_small(flows, most=2)
    assert sum(merged.values()) == sum(flows.values())
    assert {flow[0] for flow in merged} == {NASTY, "4 other donors"}
    assert {flow[2] for flow in merged} == {"mbconv", "2 other kinds of blocks"}


def test_what_is_worth_tuning(report):
    page = full_page(report)
    assert page.rows["worth-table"] == [
        ["expand", "3", "20.0", "16.0", "12.0", "16", "33 tuned workloads"]
    ]
    text = "".join(page.text)
    assert COMMAND in text
    assert "4 kernels cannot be ranked" in text
    assert "12 s = 120 candidates × 0.1 s" in text


def test_nothing_is_worth_tuning(report):
    worth = [replace(WORTH[0], name=k.name, expected_gain_us=0.0) for k in report.kernels]
    text = "".join(Page(render_page(report, worth=worth, command=COMMAND)).text)
    assert "No gain is expected of tuning any kernel" in text
    assert COMMAND not in text


def test_rejected_schedules_have_reasons(report):
    assert full_page(report).rows["rejected-table"] == [
        ["expand", "transferred", "#9", NASTY, "tile of <3> & 4 does not divide"]
    ]


def test_comparison(report):
    page = full_page(report)
    rows = page.rows["comparison-table"]
    assert rows[1] == ["expand", "rules", "transferred", "90.0", "60.0", "", "0.67", "30.0"]
    text = "".join(page.text)
    assert f"Compared with old {NASTY}.json" in text
    assert "210" in text  # all kernels before: 5 of 30 µs, one of them three times


def test_no_kernels():
    page = Page(render_page(ReuseReport(())))
    assert page.rows == {"kernel-table": []}
    assert page.data["kernels"] == []
    assert "There is no kernel." in page.text
    assert "nan" not in "".join(page.text).lower()


def test_many_kernels():
    names = [f"fused_conv2d{index}" for index in range(300)]
    kernels = tuple(
        Kernel(name, name, name, "exact", 2, ("mbconv",), 1, f"net{index % 40}", 1.0, 2.0 + index)
        for index, name in enumerate(names)
    )
    blocks = tuple(BlockCall("mbconv", (name, name)) for name in names)
    page = Page(render_page(ReuseReport(kernels, blocks=blocks)))
    assert len(page.rows["kernel-table"]) == 300
    assert "29 other donors" in page.text
    ids = [a[2] for a in page.attributes if a[1] == "id"]
    assert len(ids) == len(set(ids))


def test_a_block_of_kernels_that_the_report_does_not_list(report):
    blocks = (BlockCall("mbconv", ("gone",)), BlockCall("mbconv", ("stem", "gone")))
    row = columns(replace(report, blocks=blocks), Scale.of(report))
    assert [[part.kernel.name for part in column.parts] for column in row] == [["stem"]]


def test_markup_escapes_text_once():
    inner = element("b", "1 < 2 & 3", title='"<">')
    assert inner == '<b title="&quot;&lt;&quot;&gt;">1 &lt; 2 &amp; 3</b>'
    assert element("p", inner, "<") == f"<p>{inner}&lt;</p>"
    assert isinstance(join("a", inner), Html)
    assert element("i", class_="x", data_key=0.5, title=None) == '<i class="x" data-key="0.5"></i>'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.0, "0"),
        (0.01234, "0.0123"),
        (1.0, "1.00"),
        (9.999, "10.0"),
        (99.96, "100"),
        (1234.5, "1,234"),
        (-3.14159, "-3.14"),
    ],
)
def test_figures(value, text):
    assert figure(value) == text


def test_percentages():
    assert [percent(value) for value in (None, 0.0, 0.004, 0.0996, 0.5, 1.03)] == [
        *("", "0%", "0.4%", "10%", "50%", "103%")
    ]
