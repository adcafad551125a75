"""Elements of HTML and SVG, in which all text is escaped, and how figures are written."""

import html
import math

_BARE = frozenset({"input", "meta", "br"})


class Html(str):
    """Markup. Text of any other type is escaped when it becomes part of an element."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | float | None) -> Html:
    """Write an element.

    Parameters
    ----------
    name : str
        Its name.
    *children : str
        What it holds, in this order; escaped unless it is `Html`.
    **attributes : str or float or None
        Those that are None are left out. ``class_`` becomes ``class``, ``data_key`` ``data-key``.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _BARE:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def join(*parts: str) -> Html:
    """Put markup and text, which is escaped, one after the other."""
    return Html("".join(p if isinstance(p, Html) else html.escape(p, quote=False) for p in parts))


def section(title: str, *children: str, id_: str, hint: str = "") -> Html:
    """Write a section of the page with its heading, and a line that explains it."""
    explained = element("p", hint, class_="hint") if hint else ""
    return element("section", element("h2", title), explained, *children, id_=id_)


def chip(source: str | None) -> Html:
    """Write the name of a source in its colour."""
    if source is None:
        return element("span", "—", class_="none")
    return element("span", source, class_=f"chip {source}")


def figure(value: float | None, digits: int = 3) -> str:
    """Write a number with the digits that count, three or as many as given; nothing for None."""
    if value is None:
        return ""
    if not value or not math.isfinite(value):
        return f"{value:.0f}"
    rounded = f"{value:.{digits - 1}e}"
    decimals = digits - 1 - int(rounded.partition("e")[2])
    if decimals <= 0:
        return f"{value:,.0f}"
    return f"{value:.{decimals}f}" if decimals < digits else f"{value:.{digits}g}"


def percent(value: float | None) -> str:
    """Write a share, and nothing for None."""
    if value is None:
        return ""
    return f"{value:.1%}" if 0 < abs(value) < 0.0995 else f"{value:.0%}"


def plural(count: int, noun: str) -> str:
    """Write a number of things."""
    return f"{count:,} {noun}{'s' if count != 1 else ''}"


def _attribute(value: str | float) -> str:
    return html.escape(value) if isinstance(value, str) else f"{value:.6g}"
