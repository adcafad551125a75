"""How well a few measured architectures predict a device that there is no compiler for.

    python benchmarks/adapt.py nasbench201.csv.gz fbnet.csv.gz
    COSEARCH_DATA=tables python benchmarks/adapt.py --json adapt.json
    python benchmarks/adapt.py --quick TABLE.csv.gz           # less than two minutes

A table has a column `arch`, of NAS-Bench-201 strings or FBNet choices, and a column
`latency_ms_DEVICE` for each device, such as those that HELP publishes (Lee et al., NeurIPS 2021).
One device after another is left out: `DeviceAdapter` sees the others, and `--samples` architectures
measured on the one left out. Figures are Spearman's rank correlation with the measured latencies of
all architectures of the table, means over `--seeds`:

- `chosen`: samples as the adapter chooses them,
- `random`: samples drawn at random, as HELP has them,
- `ridge`: the random samples, by ridge regression on the latencies of the other devices,
- `features`: the random samples, by ridge regression on the features alone,
- `all rows`: the adapter's features, fitted to all rows of the table: what noise leaves to any
  number of samples, for a model of these features,
- `coverage`: how many measured latencies are in the interval that is to have 90 % of them.
"""

import argparse
import os
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from reporting import conditions, show, write_report
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from cosearch.latency.adapt import DeviceAdapter
from cosearch.latency.adapt_tables import PREFIX, DeviceTable, read_device_table
from cosearch.schedules import resolve_target

Floats = npt.NDArray[np.float64]
TABLES = ("nasbench201.csv.gz", "fbnet.csv.gz")
METHODS = ("chosen", "random", "ridge", "features")
NINETY_PERCENT = 1.645
notes = Console(stderr=True)


def spearman(left: Floats, right: Floats) -> float:
    """Spearman's rank correlation."""
    return float(spearmanr(left, right).statistic)


def ridge(inputs: Floats, samples: npt.NDArray[np.int64], measured: Floats) -> Floats:
    """Predict all rows by ridge regression, in logarithms of latencies."""
    spread = inputs.std(0)
    plain = (inputs - inputs.mean(0)) / np.where(spread > 0, spread, 1.0)
    seen, target = plain[samples], np.log(measured)
    centred = seen - seen.mean(0)
    kernel = centred @ centred.T + np.eye(len(samples))
    weights = centred.T @ np.linalg.solve(kernel, target - target.mean())
    return plain @ weights


def fit_all(columns: Floats, truth: Floats) -> Floats:
    """Fit all rows by least squares, latencies far out cut."""
    basis = np.concatenate([np.ones((len(columns), 1)), columns], axis=1)
    target = np.clip(truth, *np.percentile(truth, (0.5, 99.5)))
    return basis @ np.linalg.lstsq(basis, target, rcond=None)[0]


def appraise(table: DeviceTable, device: int, samples: int, seeds: int) -> dict[str, Any]:
    """Leave a device out."""
    truth = table.latencies_us[:, device]
    others = np.delete(table.latencies_us, device, axis=1)
    adapter = DeviceAdapter.fit(table.encoding, others)
    figures: dict[str, list[float]] = {name: [] for name in (*METHODS, "coverage")}
    columns = np.concatenate(list(table.encoding.features), axis=1)
    for seed in range(seeds):
        chosen = adapter.choose_samples(samples, seed)
        predictor = adapter.adapt(chosen, truth[chosen])
        prediction = predictor.predict()
        inside = np.abs(prediction - truth) < NINETY_PERCENT * predictor.deviation()
        figures["coverage"].append(float(inside.mean()))
        drawn = np.random.default_rng(seed).choice(len(truth), samples, replace=False)
        predicted = {
            "chosen": prediction,
            "random": adapter.adapt(drawn, truth[drawn]).predict(),
            "ridge": ridge(np.log(others), drawn, truth[drawn]),
            "features": ridge(columns, drawn, truth[drawn]),
        }
        for name, values in predicted.items():
            figures[name].append(spearman(values, truth))
    row = {"table": table.name, "device": table.devices[device], **figures}
    return row | {"all_rows": spearman(fit_all(columns, truth), truth)}


def summarize(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Average over devices."""

    def mean(name: str) -> float:
        return fmean(fmean(row[name]) for row in rows)

    return {
        "spearman_mean": mean("chosen"),
        **{f"spearman_mean_{name}": mean(name) for name in METHODS[1:]},
        "spearman_mean_all_rows": fmean(row["all_rows"] for row in rows),
        "interval_coverage": mean("coverage"),
    }


def render(rows: list[dict[str, Any]], samples: int) -> None:
    """Print the figures of each device."""
    seeds = len(rows[0]["chosen"])
    table = Table("table", "device", title=f"Spearman, {samples} samples, mean of {seeds} seeds")
    for name in ("chosen", "(least)", *METHODS[1:], "all rows", "coverage"):
        table.add_column(name, justify="right")
    for row in rows:
        means = [f"{fmean(row[name]):.3f}" for name in METHODS]
        least, coverage = f"{min(row['chosen']):.3f}", f"{fmean(row['coverage']):.2f}"
        ends = (f"{row['all_rows']:.3f}", coverage)
        table.add_row(row["table"], row["device"], means[0], least, *means[1:], *ends)
    show(table, {})


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", type=Path, metavar="TABLE.csv.gz")
    parser.add_argument("--samples", type=int, default=10, help="measured on the device left out")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="the first table, two seeds")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    folder = os.environ.get("COSEARCH_DATA")
    if not options.tables and folder:
        options.tables = [Path(folder) / name for name in TABLES]
    if not options.tables:
        parser.error(
            "which table? Name files, or set COSEARCH_DATA to a folder that has "
            f"{' and '.join(TABLES)}: columns arch and {PREFIX}DEVICE"
        )
    if missing := [str(path) for path in options.tables if not path.is_file()]:
        parser.error(f"no such file: {', '.join(missing)}")
    if options.samples < 2 or options.seeds < 1:
        parser.error("--samples takes two or more, --seeds one or more")
    if options.quick:
        options.tables, options.seeds = options.tables[:1], min(options.seeds, 2)
    return options


def main() -> int:
    """Run the benchmark."""
    options, load_before = parse(), os.getloadavg()
    rows = []
    try:
        for table in map(read_device_table, options.tables):
            if len(table.encoding) <= options.samples:
                raise ValueError(f"{table.name}: {len(table.encoding)} rows are too few")
            for device, name in enumerate(table.devices):
                notes.print(f"{table.name}: without {name}")
                rows.append(appraise(table, device, options.samples, options.seeds))
    except ValueError as error:
        notes.print(f"adapt.py: {error}", markup=False)
        return 2
    render(rows, options.samples)
    summary = summarize(rows)
    show(Table(show_header=False, box=None), summary)
    taken = conditions(resolve_target({"kind": "llvm", "num-cores": 1}), load_before)
    devices = {f"{row['table']}/{row['device']}": fmean(row["chosen"]) for row in rows}
    write_report(
        options.json,
        "adapt",
        taken | {"samples": options.samples},
        rows,
        {**summary, "spearman_per_device": devices},
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
