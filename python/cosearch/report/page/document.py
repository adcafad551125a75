"""The page around the parts: style, script, and the data as JSON, all in one file."""

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from cosearch.report.page.markup import Html, element, join


def write_document(
    title: str,
    parts: Sequence[Html],
    data: Any,
    *,
    style: Sequence[str] = (),
    script: Sequence[str] = (),
) -> str:
    """Write a page that loads nothing, and asks the browser not to.

    Parameters
    ----------
    title : str
        In the window's title; its first word names the file of the saved data.
    parts : sequence of Html
        The sections, in order.
    data : object
        What the page shows, as JSON can write it.
    style, script : sequence of str
        Files beside this one that follow those of every page.

    Raises
    ------
    ValueError
        If JSON cannot write the data.
    """
    return Template(_file("page.html")).substitute(
        title=element("title", title),
        style="".join(_file(name) for name in ("page.css", *style)),
        script="".join(_file(name) for name in ("page.js", *script)),
        body=join(*parts),
        data=embedded_json(data),
    )


def embedded_json(data: Any) -> Html:
    """Write data as JSON that cannot end the element it stands in, whatever its names are.

    Raises
    ------
    ValueError
        If JSON cannot write the data.
    """
    try:
        text = json.dumps(data, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the data of the page cannot be written as JSON ({error}): give text, finite "
            "numbers, None, lists and dicts of them"
        ) from error
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Html(text)


@cache
def _file(name: str) -> str:
    return files("cosearch.report.page").joinpath(name).read_text(encoding="utf-8")
