"""The line that says how far a search is, on a terminal and where there is none."""

import io

from rich.console import Console

from cosearch.nas import SearchBar, SearchProgress
from cosearch.nas.search_bar import describe_progress

NOW = SearchProgress(300, 1500, 0.87654, 12, 61.4, 245.6)


def drawn(updates, terminal):
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=120)
    with SearchBar(console) as bar:
        for progress in updates:
            bar.update(progress)
        if terminal:
            bar._bar.refresh()
    return file.getvalue()


def test_a_line_says_it_all():
    text = describe_progress(NOW)
    assert text == (
        "300 of 1500 evaluations, hypervolume 0.8765, front of 12, 0:01:01 gone, 0:04:06 left"
    )
    assert "left" not in describe_progress(SearchProgress(0, 5, 0.0, 0, 0.0, None))


def test_a_terminal_shows_a_bar():
    assert "300 of 1500" in drawn([NOW], terminal=True)


def test_elsewhere_a_line_is_printed_now_and_then():
    early = SearchProgress(10, 1500, 0.5, 3, 2.0, None)
    soon = SearchProgress(310, 1500, 0.9, 12, 65.0, 240.0)
    late = SearchProgress(900, 1500, 0.9, 12, 130.0, 100.0)
    text = drawn([early, NOW, soon, late], terminal=False).replace("\n", " ")
    assert text.count("searching:") == 2
    assert "300 of 1500" in text
    assert "900 of 1500" in text
