"""The picture shows all that the charts hold, whatever their names are."""

import importlib
import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from cosearch.report.chart_layout import COLOURS, GREY
from cosearch.report.pareto_chart import Axis, BarChart, Link, ParetoChart, Point, Series
from cosearch.report.pareto_png import draw_png

LATENCY = Axis("latency", "µs", log=True)
ACCURACY = Axis("accuracy", "%", higher_is_better=True)
HOSTILE = r"_$\notacommand{ & <b> $"
SLOW, FAST = Point(2_000.0, 91.0, "slow"), Point(900.0, 91.5, "fast")
BARS = BarChart("speed-ups", "×", ("slow", HOSTILE), (1.0, 3.0))


def pareto(title="a search", name="evaluated", label="2.2×") -> ParetoChart:
    series = Series(name, (SLOW, Point(2_500.0, 90.0, "poor"))), Series("front", (FAST,), True)
    return ParetoChart(title, LATENCY, ACCURACY, series, (Link(SLOW, FAST, label),))


@pytest.fixture
def figures(monkeypatch) -> list[Figure]:
    """Keep the figures that are drawn, and draw them nonetheless."""
    kept = []
    save = Figure.savefig

    def keep(figure, *args, **options):
        kept.append(figure)
        save(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return kept


def texts(axes) -> list[str]:
    found = [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
    legend = axes.get_legend()
    found += [text.get_text() for text in (legend.get_texts() if legend else [])]
    found += [text.get_text() for text in axes.texts]
    found += [text.get_text() for text in axes.get_yticklabels()]
    return [text.replace(r"\$", "$") for text in found]


def share_of(path, colour: str) -> float:
    """Return the share of the picture that is of a colour, nearly."""
    picture = np.asarray(Image.open(path).convert("RGB")).astype(int)
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return float((np.abs(picture - wanted).max(axis=2) < 12).mean())


def test_charts_stand_one_below_the_other(tmp_path):
    path = tmp_path / "one.png"
    draw_png(pareto(), path)
    assert Image.open(path).size == (2_000, 1_200)
    draw_png([pareto(), BARS], path)
    width, height = Image.open(path).size
    assert width == 2_000
    assert 1_500 < height < 1_800
    # Points before, the front after, the bars and the line at their mean.
    assert share_of(path, COLOURS[0]) > 0.02
    assert share_of(path, COLOURS[1]) > 0.0005


def test_what_is_written(tmp_path, figures):
    draw_png([pareto(), BARS], tmp_path / "x.png")
    above, below = figures[0].axes
    assert {
        *("a search", "latency, µs (lower is better)", "accuracy, % (higher is better)"),
        *("evaluated (2)", "front (1)", "2.2×"),
    } <= set(texts(above))
    assert {"speed-ups", "1.00×", "3.00×", "mean 2.00×", "slow"} <= set(texts(below))
    assert above.get_xscale() == "log"
    ticks = [tick.get_text() for tick in above.get_xticklabels()]
    assert ticks == ["1,000", "1,500", "2,000", "2,500"]
    assert [line.get_xdata()[0] for line in below.get_lines()] == [2.0]


def test_names_are_no_formulas(tmp_path, figures):
    chart = pareto(HOSTILE, HOSTILE, HOSTILE)
    draw_png([chart, BARS], tmp_path / "x.png")
    above, below = figures[0].axes
    assert {HOSTILE, f"{HOSTILE} (2)"} <= set(texts(above))
    assert texts(above).count(HOSTILE) == 2  # title and link
    assert HOSTILE in texts(below)


def test_the_check_of_formulas_can_fail(tmp_path, figures, monkeypatch):
    monkeypatch.setattr("cosearch.report.pareto_png._plain", str)
    with pytest.raises(ValueError, match="notacommand"):
        test_names_are_no_formulas(tmp_path, figures)


def test_a_front_is_joined_by_its_staircase(tmp_path, figures):
    every = tuple(Point(x, y, "") for x, y in ((100.0, 80.0), (200.0, 90.0), (300.0, 85.0)))
    chart = ParetoChart("", Axis("latency"), ACCURACY, (Series("front", every, front=True),))
    draw_png(chart, tmp_path / "x.png")
    (line,) = figures[0].axes[0].get_lines()
    assert line.get_xydata().tolist() == [[100, 80], [200, 80], [200, 90]]
    (marks,) = figures[0].axes[0].collections
    assert len(marks.get_offsets()) == 3


@pytest.mark.parametrize("name", ["evolution from the chosen subspaces", "W" * 40])
def test_a_legend_of_long_names_has_room(tmp_path, figures, name):
    series = tuple(Series(f"{number} {name}", (SLOW,)) for number in range(5))
    draw_png(ParetoChart("t", LATENCY, ACCURACY, series), tmp_path / "x.png")
    (axes,) = figures[0].axes
    legend = axes.get_legend().get_window_extent()
    assert legend.x1 < 2_000 or name.startswith("W")
    assert legend.y0 > axes.bbox.y1 - 5
    assert axes.bbox.width > 1_700
    assert axes.get_title(loc="left") == "t"
    assert axes._left_title.get_window_extent().y0 > legend.y1 - 20


def test_a_cloud_is_grey_and_faint(tmp_path, figures):
    rng = np.random.default_rng(0)
    places = rng.lognormal(5.0, 0.5, (15_000, 2)).tolist()
    cloud = tuple(Point(x, y, "") for x, y in places)
    chart = ParetoChart("", LATENCY, LATENCY, (Series("evaluated", cloud),))
    draw_png(chart, tmp_path / "x.png")
    (marks,) = figures[0].axes[0].collections
    assert to_hex(marks.get_facecolor()[0]) == GREY
    assert marks.get_alpha() < 0.5
    assert (tmp_path / "x.png").stat().st_size < 1_000_000


def test_bars_of_nothing(tmp_path):
    draw_png(BarChart("none", "", ("a",), (0.0,)), tmp_path / "x.png")
    draw_png(ParetoChart("one", LATENCY, ACCURACY, (Series("s", (SLOW,)),)), tmp_path / "x.png")


def test_the_process_is_left_as_it_was(tmp_path, monkeypatch):
    # pyplot would keep state for the whole process.
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    draw_png(BARS, tmp_path / "x.png")


def test_importing_it_loads_no_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    importlib.reload(sys.modules[draw_png.__module__])


def test_what_goes_wrong_is_said(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no chart"):
        draw_png([], tmp_path / "x.png")
    with pytest.raises(FileNotFoundError, match="missing"):
        draw_png(BARS, tmp_path / "missing" / "x.png")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"needs matplotlib: pip install"):
        draw_png(BARS, tmp_path / "x.png")
