"""What records of other networks are worth to a network that nobody has tuned.

    python benchmarks/reuse.py --prepared tuned/          # nine networks; tunes them at first
    python benchmarks/reuse.py a.onnx b.onnx c.onnx --threads 1 --json reuse.json
    python benchmarks/reuse.py --quick                    # less than two minutes

One network after another is left out: the database holds the records of all the others, and the
network is built as

- `default`: by TVM, without co-search,
- `rules`: from an empty database,
- `zero-shot`: from the database of the others, with nothing measured,
- `few-shot`: the same, with some candidates measured for each workload that has no exact record,
  within some seconds, where that helps most,
- `tuned`: from its own records and those of the others.

All of them start from the same imported module; each is a process of its own, and they take turns;
medians count. A share is that of the tuned network's speed-up over TVM's default: by the default's
latency divided by another one, so `tuned / other`. Each output is compared with the default's: a
difference above `TOLERANCE` of the largest value fails the run.

`stock` is MetaSchedule as it comes (see `stock.py`) on the workloads that `--stock` asks for, drawn
by the seed and named in the rows: its best after as many trials as the tuned network had, and the
seconds until it has the zero-shot build's latency of that kernel. Where it does not get there in
`--stock-trials` or `--stock-seconds`, the seconds that it had are a lower bound. The column
`stock` has the sum of those seconds by as large a part of the zero-shot build's.

In the end the database of all networks builds sixteen that a NAS would draw from one space.
"""

import argparse
import math
import os
import sys
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

from left_out import SHARES, SYSTEMS, Network, Terms, leave_out, load
from nas_family import optimise_networks
from networks import network_names
from prepared import merge, prepare
from reporting import conditions, geomean, show, write_report
from rich.console import Console
from rich.table import Table
from stock_race import race_stock
from tvm.target import Target

from cosearch.schedules import extract_workloads, lower_to_workloads, resolve_target
from cosearch.schedules.tensor_intrinsics import cpu_intrinsics

NETWORKS = (
    *("mobilenet_v1", "mobilenet_v2", "efficientnet_b0", "regnet_x_200mf", "resnet18"),
    *("densenet121", "squeezenet", "shufflenet", "inception_v1"),
)
TOLERANCE = 1e-3
DRAWN = 16
notes = Console(stderr=True)


def summarize(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Compare over all networks."""

    def values(key: str) -> list[float]:
        return [row[key] for row in rows if row.get(key) is not None]

    def mean(key: str) -> float:
        return fmean(values(key)) if values(key) else math.nan

    spent = sum(values("stock_zero_shot_s"))
    return {
        "zero_shot_share_mean": mean("zero_shot_share"),
        "zero_shot_share_min": min(values("zero_shot_share"), default=math.nan),
        "few_shot_share_mean": mean("few_shot_share"),
        "few_shot_seconds_mean": mean("few_shot_s"),
        "rules_share_mean": mean("rules_share"),
        "stock_time_ratio": sum(values("stock_s")) / spent if spent else math.nan,
        "build_time_ratio": geomean(values("zero_shot_build_time_ratio")),
        "build_time_vs_rules": geomean(
            [row["zero_shot_s"] / row["rules_s"] for row in rows if "rules_s" in row]
        ),
        "sixteen_networks_seconds": max(values("drawn_total_s"), default=math.nan),
    }


def render(rows: list[dict[str, Any]], summary: dict[str, float]) -> None:
    """Print the figures as tables."""
    latency = Table("network", title="latency, ms, and share of the tuned speed-up")
    for name in SYSTEMS:
        latency.add_column(name, justify="right")
    builds = Table("network", title="seconds of building and measuring")
    for name in (*SYSTEMS, "tuning", "zero-shot kernels", "stock", "largest error"):
        builds.add_column(name, justify="right")
    for row in (row for row in rows if "tuned_ms" in row):
        shares = {name: f" {row[f'{name}_share']:.0%}" for name in SHARES}
        latency.add_row(
            row["network"], *(f"{row[f'{name}_ms']:.2f}{shares.get(name, '')}" for name in SYSTEMS)
        )
        sources = row["zero_shot_sources"].items()
        builds.add_row(
            row["network"],
            *(f"{row[f'{name}_s']:.1f}" for name in (*SYSTEMS, "tuning")),
            ", ".join(f"{count} {source}" for source, count in sources),
            stock_ratio([row]),
            f"{row['relative_error']:.0e}",
        )
    show(latency, {})
    show(builds, {name: value for name, value in summary.items() if name != "stock_time_ratio"})
    if not math.isnan(summary["stock_time_ratio"]):
        print(f"stock_time_ratio {stock_ratio(rows)}")


def stock_ratio(rows: list[dict[str, Any]]) -> str:
    """Write how much longer stock takes, as a lower bound where it did not get there."""
    spent = sum(row.get("stock_zero_shot_s", 0.0) for row in rows)
    if not spent:
        return ""
    reached = all(one["reached"] for row in rows for one in row.get("stock", ()))
    ratio = sum(row.get("stock_s", 0.0) for row in rows) / spent
    return f"{'=' if reached else '≥'} {ratio:.0f}"


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "networks", nargs="*", help=f"two or more ONNX files, or of: {', '.join(network_names())}"
    )
    parser.add_argument("--target", default="llvm -mcpu=native")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--prepared", type=Path, metavar="FOLDER", help="files of records, NETWORK.sqlite each"
    )
    parser.add_argument("--trials", type=int, default=16, help="candidates for each workload")
    parser.add_argument("--few", type=int, default=8, help="candidates for each without a record")
    parser.add_argument("--few-seconds", type=float, default=12.0, help="to spend on them")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each build")
    parser.add_argument(
        "--stock", help="workloads of each network to tune with stock, whole or none; by default 1"
    )
    parser.add_argument("--stock-trials", type=int, default=64, help="for each workload")
    parser.add_argument("--stock-seconds", type=float, default=180.0, help="for each workload")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="two networks, few trials, no stock")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.quick:
        options.networks = options.networks[:3] or ["squeezenet", "shufflenet"]
        options.trials, options.few, options.rounds = 2, 2, 3
    options.stock = options.stock or ("none" if options.quick else "1")
    if options.stock not in ("whole", "none") and not options.stock.isdecimal():
        parser.error(f"--stock takes a number, whole or none, not {options.stock}")
    options.networks = options.networks or list(NETWORKS)
    if len({Path(name).stem for name in options.networks}) < max(2, len(options.networks)):
        parser.error("name two or more networks, and each only once")
    return options


def prepare_all(options: argparse.Namespace, temporary: Path, target: Target) -> list[Network]:
    """Load the networks and tune those that are not prepared."""
    networks = [load(name, options.prepared or temporary) for name in options.networks]
    for network in networks:
        if options.quick and not network.records.exists():  # too few trials to be kept
            network.records = temporary / network.records.name
        notes.print(f"{network.name}: records in {network.records}")
        network.tuning_s = prepare(
            network.name,
            network.mod,
            network.records,
            target,
            trials=options.trials,
            seed=options.seed,
            console=notes,
        )
    return networks


def compare(
    networks: list[Network], options: argparse.Namespace, target: Target
) -> list[dict[str, Any]]:
    """Leave out one network after another, and draw some in the end."""
    builds = 1 if options.quick else 2
    terms = Terms(
        options.target, options.threads, options.few, options.few_seconds, options.rounds, builds
    )
    rows = []
    for network in networks:
        notes.print(f"{network.name}: left out")
        others = [other.records for other in networks if other is not network]
        row, kernels_us = leave_out(network, others, terms)
        own, plain = (
            extract_workloads(lower_to_workloads(network.mod, target, winograd=winograd))
            for winograd in (True, False)
        )
        # Stock gets the convolutions as TVM defines them, against what ours take.
        goals_us = {
            theirs: kernels_us[task.workload.signature.shape_aware]
            for task, theirs in zip(own, plain, strict=True)
        }
        rows.append(row | race_stock(goals_us, row["zero_shot_s"], target, options))
    if not options.quick:
        notes.print(f"{DRAWN} networks drawn from the MBConv space")
        with tempfile.TemporaryDirectory() as temporary:
            database = Path(temporary) / "all.sqlite"
            merge(database, [network.records for network in networks], target)
            rows.append(optimise_networks(DRAWN, options.seed, database, target))
    return rows


def main() -> int:
    """Run the benchmark."""
    options = parse()
    load_before = os.getloadavg()
    os.environ["TVM_NUM_THREADS"] = str(options.threads)
    if options.prepared:
        options.prepared.mkdir(parents=True, exist_ok=True)
    target = resolve_target(f"{options.target} -num-cores={options.threads}")
    with tempfile.TemporaryDirectory() as temporary, cpu_intrinsics():
        networks = prepare_all(options, Path(temporary), target)
        rows = compare(networks, options, target)
    summary = summarize(rows)
    render(rows, summary)
    write_report(options.json, "reuse", conditions(target, load_before), rows, summary)
    wrong = [row["network"] for row in rows if not row["relative_error"] <= TOLERANCE]
    if wrong:
        print(f"wrong results: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
