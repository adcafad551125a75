"""What every benchmark says about itself: conditions, and a JSON file of its figures."""

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tvm.target import Target

from cosearch.latency.predictor_file import PredictorError

TABLE_WIDTH = 130
PACKAGES = (
    "apache-tvm",
    "apache-tvm-ffi",
    "onnxruntime",
    "openvino",
    "torch",
    "transformers",
    "xgboost",
)


def conditions(target: Target, load: tuple[float, ...]) -> dict[str, Any]:
    """Say where and with what the figures were taken.

    Parameters
    ----------
    target : tvm.target.Target
        What was compiled for.
    load : tuple of float
        The machine's load averages before.
    """
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "target": str(target),
        "threads": int(target.attrs["num-cores"]),
        "versions": versions,
        "commit": commit,
        "load": {"before": load, "after": os.getloadavg()},
    }


def geomean(ratios: Iterable[float]) -> float:
    """Geometric mean; not a number where there are none."""
    logs = [math.log(ratio) for ratio in ratios]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def write_report(
    path: Path | None,
    benchmark: str,
    taken: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    summary: Mapping[str, float | Mapping[str, float]],
) -> None:
    """Write the figures of a run as JSON, where a file is given; null for what is not a number."""
    if path is None:
        return
    report = {
        "benchmark": benchmark,
        "conditions": taken,
        "rows": list(rows),
        "summary": _without_nan(summary),
    }
    path.write_text(json.dumps(report, indent=1) + "\n")


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def explained(run: Callable[[], int]) -> int:
    """Run a benchmark, and say it in a line where the machine was too busy to measure enough."""
    try:
        return run()
    except PredictorError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 1


def show(table: Table, summary: dict[str, float]) -> None:
    """Print a table and the sums below it."""
    console = Console()
    console.width = max(console.width, TABLE_WIDTH)
    console.print(table)
    for name, value in summary.items():
        if not math.isnan(value):
            console.print(f"{name} = {value:.3g}")
