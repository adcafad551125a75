"""Results in files: JSON that can be read back, CSV, PNG and HTML."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cosearch.latency.outlook import SOURCES
from cosearch.nas.goals import Goals
from cosearch.nas.history import Step
from cosearch.spaces import SPACES, space_named
from cosearch.spaces.space import Space

if TYPE_CHECKING:
    from cosearch.nas.result import Result

FORMAT = "cosearch-search-result"
VERSION = 1


def result_data(result: "Result") -> dict[str, Any]:
    """Return all of a result as plain data."""
    places, evaluated = result.front_places.tolist(), result.evaluated
    return {
        "format": FORMAT,
        "version": VERSION,
        "space": result.space.name,
        "choices": list(result.space.choices),
        **result.settings,
        "goals": result.goals.to_json(),
        "interrupted": result.interrupted,
        "evaluations": len(evaluated.rows),
        "history": [step._asdict() for step in result.history],
        "front": [{**row, "place": place} for place, row in zip(places, result.front, strict=True)],
        "evaluated": {"rows": evaluated.rows.tolist(), "values": evaluated.values.tolist()},
    }


def save_result(result: "Result", path: Path) -> None:
    """Write a result in the form that the ending of the file names; see `Result.save`."""
    check_ending(path)
    if path.suffix == ".png":
        result.plot(path)
        return
    text = _WRITERS[path.suffix](result)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8", newline="")
    partial.replace(path)


def check_ending(path: Path) -> None:
    """Refuse a file whose form is not known.

    Raises
    ------
    ValueError
        Naming the forms that are.
    """
    known = (*_WRITERS, ".png")
    if path.suffix not in known:
        raise ValueError(f"cannot write {path}: the file has to end in one of {', '.join(known)}")


def read_result(path: Path, space: Space | None) -> dict[str, Any]:
    """Return the parts of a result that was written as JSON; see `Result.load`."""
    text = path.read_text(encoding="utf-8")
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path} is no result of a search ({error})") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f"{path} is no result of a search")
    if data.get("version") != VERSION:
        raise ValueError(f"{path} was written by another release of cosearch")
    try:
        return _parts(data, _space(path, data, space))
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{path} is damaged ({error!r})") from error


def _space(path: Path, data: dict[str, Any], space: Space | None) -> Space:
    name = data["space"]
    if space is None:
        if name not in SPACES:
            raise ValueError(f"{path} is of the space {name!r}: pass it as space=")
        space = space_named(name)
    if space.name != name or list(space.choices) != data["choices"]:
        raise ValueError(f"{path} is of the space {name!r}, not of this {space.name!r}")
    return space


def _parts(data: dict[str, Any], space: Space) -> dict[str, Any]:
    goals, front = Goals.from_json(data["goals"]), data["front"]
    rows = np.array(data["evaluated"]["rows"], np.int64).reshape(-1, len(space.choices))
    values = np.array(data["evaluated"]["values"], np.float64).reshape(-1, len(goals.columns))
    has_schedules = bool(front) and "schedules" in front[0]
    return {
        "space": space,
        "goals": goals,
        "rows": space.validate(rows),
        "values": values,
        "history": [Step(**step) for step in data["history"]],
        "settings": {key: data[key] for key in ("algorithm", "seed", "budget")},
        "interrupted": bool(data["interrupted"]),
        "schedules": [row["schedules"] for row in front] if has_schedules else None,
    }


def _json(result: "Result") -> str:
    return json.dumps(result_data(result)) + "\n"


def _csv(result: "Result") -> str:
    """Write a line an evaluated architecture; schedules are known of the front only."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = [column.name for column in result.goals.columns]
    front = dict(zip(result.front_places.tolist(), result.front, strict=True))
    has_schedules = any("schedules" in row for row in result.front)
    sources = SOURCES if has_schedules else ()
    writer.writerow(["architecture", *names, "feasible", "front", *sources])
    evaluated = result.evaluated
    for place, row in enumerate(evaluated.rows):
        schedules = front.get(place, {}).get("schedules", {})
        writer.writerow(
            [
                result.space.format(row),
                *evaluated.values[place].tolist(),
                int(evaluated.feasible[place]),
                int(place in front),
                *(schedules.get(source, "") for source in sources),
            ]
        )
    return file.getvalue()


def _html(result: "Result") -> str:
    from cosearch.nas.result_charts import result_charts
    from cosearch.report.search_page import render_search_page

    front = result.front
    return render_search_page(
        title=f"Search: {result.space.name}",
        summary=summarize(result),
        charts=result_charts(result),
        table_columns=front.headings,
        table_rows=front.cells(),
        data=result_data(result),
    )


def summarize(result: "Result") -> dict[str, str]:
    """Say in a few lines what was searched for and how far it came."""
    last = result.history[-1]
    algorithm = result.settings["algorithm"]
    said = {
        "space": result.space.name,
        "objectives": ", ".join(
            f"{column.name} ({'highest' if column.higher_is_better else 'lowest'})"
            for column in result.goals.columns[: result.goals.objectives]
        ),
        "algorithm": f"{algorithm['name']}, seed {result.settings['seed']}",
        "evaluations": f"{last.evaluations} of {result.settings['budget']}",
        "front": f"{len(result.front)} architectures",
        "hypervolume": f"{last.hypervolume:.4f}",
        "seconds": f"{last.elapsed_s:.1f}",
    }
    if result.goals.bounds:
        said["constraints"] = ", ".join(_bound(result.goals, *one) for one in result.goals.bounds)
    if result.interrupted:
        said["interrupted"] = "before its end"
    return said


def _bound(goals: Goals, name: str, bound: float) -> str:
    column = goals.columns[goals.index(name)]
    sign = "≥" if column.higher_is_better else "≤"
    return f"{name} {sign} {bound:g}{' ' + column.unit if column.unit else ''}"


_WRITERS: dict[str, Callable[["Result"], str]] = {".json": _json, ".csv": _csv, ".html": _html}
