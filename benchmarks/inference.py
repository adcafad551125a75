"""Latency of whole networks: cosearch beside TVM's default, onnxruntime, OpenVINO and torch.

    python benchmarks/inference.py                       # NAS networks, one and two threads
    python benchmarks/inference.py net.onnx --threads 2 --json inference.json
    python benchmarks/inference.py --quick               # less than two minutes

Every system runs in a process of its own, and they take turns in one run; medians count. `cosearch`
is tuned for `--trials` candidates of each workload (seconds in the table), `untuned` is built from
an empty database. Ratios are latencies of cosearch divided by the other's: below 1 is faster. Each
output is compared with onnxruntime's (or the first other one's): a difference above `TOLERANCE` of
the largest value fails the run. `share of peak` is the multiply-adds of convolutions and matrix
products by what the cores can do in the latency: it bounds what any system can reach without
another algorithm.
"""

import argparse
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
from contest import Contestant, first_outputs, relative_error, run_in_turns
from networks import NAS_NETWORKS, load_network, network_names
from peak import peak_gflops
from reporting import conditions, geomean, show, write_report
from rich.progress import Progress
from rich.table import Table
from tvm.ir import IRModule
from tvm.s_tir import Schedule
from tvm.target import Target

from cosearch.frontend import from_onnx
from cosearch.peers import random_inputs
from cosearch.schedules import (
    ScheduleDatabase,
    extract_workloads,
    lower_to_workloads,
    resolve_target,
    tune,
)
from cosearch.schedules.rules.anatomy import NotScheduled, axes, find_stages, operand_iterators

OURS = ("cosearch", "untuned")
PEERS = ("onnxruntime", "openvino")
SYSTEMS = (*OURS, *PEERS, "torch_eager", "torch_compile", "tvm")
TOLERANCE = 1e-3


def flops(mod: IRModule, target: Target) -> float:
    """Operations of the multiply-adds of convolutions and matrix products in one run.

    Convolutions count as computed directly, whatever is done to spare multiplications. Workloads
    that the rules cannot take apart are left out.
    """
    total = 0.0
    for task in extract_workloads(lower_to_workloads(mod, target, winograd=False)):
        schedule = Schedule(task.workload.mod)
        try:
            stages = find_stages(schedule)
        except NotScheduled:
            continue
        for stage in stages:
            if stage.anchor is not None and len(operand_iterators(schedule, stage.anchor)) > 1:
                extents = axes(schedule, stage.anchor)
                total += 2.0 * task.weight * math.prod(extents.spatial + extents.reduction)
    return total


def tune_network(mod: IRModule, target: Target, name: str, options: argparse.Namespace) -> float:
    """Tune what the database lacks; return the seconds that it took."""
    start = time.perf_counter()
    with ScheduleDatabase(options.db) as database:
        tasks = extract_workloads(lower_to_workloads(mod, target))
        tune(tasks, database, target, trials_per_task=options.trials, network=name)
    return time.perf_counter() - start


def start(
    folder: Path, name: str, threads: int, options: argparse.Namespace
) -> dict[str, Contestant]:
    """Start the systems for one network; those that cannot run it are named and left out."""
    contestants = {}
    log = (folder / "log").open("a")
    for system in options.systems:
        if system.startswith("torch") and name not in NAS_NETWORKS:
            continue
        contestant = Contestant(log, threads)
        reply = contestant.ask(
            system=system,
            network=name,
            model=str(folder / "model.onnx"),
            inputs=str(folder / "inputs.npz"),
            threads=threads,
            target=options.target,
            database=str(options.db),
        )
        if "error" in reply:
            print(f"{name}: {system} left out: {reply['error']}", file=sys.stderr)
            contestant.close()
        else:
            contestants[system] = contestant
    return contestants


def compare_outputs(contestants: dict[str, Contestant], folder: Path) -> float:
    """Return the largest difference of an output of ours from a peer's, by the largest value."""
    outputs = first_outputs(contestants, folder)
    others = [system for system in (*PEERS, *SYSTEMS) if system in outputs and system not in OURS]
    if not others:
        return math.nan
    reference = outputs[others[0]]
    return max(relative_error(outputs[ours], reference) for ours in OURS if ours in outputs)


def race(
    name: str, threads: int, model: onnx.ModelProto, options: argparse.Namespace, peak: float
) -> dict[str, Any]:
    """Run one network in all systems, in turns."""
    target = resolve_target(f"{options.target} -num-cores={threads}")
    mod = from_onnx(model)
    row: dict[str, Any] = {"network": Path(name).stem, "threads": threads}
    row["tuning_s"] = tune_network(mod, target, name, options)
    row["gflop"] = flops(mod, target) / 1e9
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        onnx.save(model, folder / "model.onnx")
        np.savez(folder / "inputs.npz", **random_inputs(mod))
        contestants = start(folder, name, threads, options)
        try:
            row["relative_error"] = compare_outputs(contestants, folder)
            seconds = run_in_turns(contestants, options.rounds)
        finally:
            for contestant in contestants.values():
                contestant.close()
    row |= {f"{system}_ms": median(times) * 1e3 for system, times in seconds.items()}
    row["share_of_peak"] = row["gflop"] / row["cosearch_ms"] * 1e3 / peak
    best = min((row[f"{peer}_ms"] for peer in PEERS if f"{peer}_ms" in row), default=math.nan)
    row["vs_best_peer"] = row["cosearch_ms"] / best
    return row


def summarize(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Compare over all networks and threads."""

    def ratios(system: str, ours: str = "cosearch") -> list[float]:
        return [
            row[f"{ours}_ms"] / row[f"{system}_ms"]
            for row in rows
            if f"{system}_ms" in row and f"{ours}_ms" in row
        ]

    against_best = [r["vs_best_peer"] for r in rows if not math.isnan(r["vs_best_peer"])]
    return {
        "geomean_vs_best_peer": geomean(against_best),
        "worst_vs_best_peer": max(against_best, default=math.nan),
        **{
            f"geomean_vs_{system}": geomean(ratios(system))
            for system in ("onnxruntime", "openvino", "torch_eager", "torch_compile", "tvm")
        },
        "geomean_untuned_vs_tuned": geomean(ratios("cosearch", "untuned")),
        "geomean_share_of_peak": geomean(row["share_of_peak"] for row in rows),
        "max_relative_error": max(row["relative_error"] for row in rows),
    }


def render(rows: list[dict[str, Any]], summary: dict[str, float]) -> None:
    """Print the figures as a table."""
    shown = [system for system in SYSTEMS if any(f"{system}_ms" in row for row in rows)]
    table = Table("network", "threads", *(f"{s}, ms" for s in shown), title="median latency")
    for name in ("vs best peer", "share of peak", "tuning, s"):
        table.add_column(name, justify="right")
    for row in rows:
        times = [f"{row[f'{s}_ms']:.2f}" if f"{s}_ms" in row else "" for s in shown]
        table.add_row(
            row["network"],
            str(row["threads"]),
            *times,
            f"{row['vs_best_peer']:.2f}",
            f"{row['share_of_peak']:.0%}",
            f"{row['tuning_s']:.0f}",
        )
    show(table, summary)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "networks",
        nargs="*",
        help=f"ONNX files, or names: {', '.join(network_names())}; by default the NAS networks",
    )
    parser.add_argument("--target", default="llvm -mcpu=native")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch", type=int, default=1, help="for networks that are made here")
    parser.add_argument("--trials", type=int, default=16, help="candidates for each workload")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each system")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--db", type=Path, help="database to tune into and to build from")
    parser.add_argument("--quick", action="store_true", help="one network, two threads, no torch")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.quick:
        options.networks = options.networks[:1] or ["mobilenet_v2"]
        options.threads, options.trials, options.rounds = options.threads[-1:], 4, 5
        options.systems = [*OURS, *PEERS]
    if "cosearch" not in options.systems:
        parser.error("--systems must name cosearch: the others are compared with it")
    options.networks = options.networks or list(NAS_NETWORKS)
    return options


def main() -> int:
    """Run the benchmark."""
    options = parse()
    load = os.getloadavg()
    rows = []
    with tempfile.TemporaryDirectory() as temporary, Progress(transient=True) as progress:
        options.db = options.db or Path(temporary) / "schedules.sqlite"
        steps = progress.add_task("networks", total=len(options.networks) * len(options.threads))
        models = {name: load_network(name, options.batch) for name in options.networks}
        for threads in options.threads:
            target = resolve_target(f"{options.target} -num-cores={threads}")
            peak = peak_gflops(target)
            for name, model in models.items():
                progress.update(steps, description=f"{Path(name).stem}, {threads} threads")
                rows.append(race(name, threads, model, options, peak))
                rows[-1]["peak_gflops"] = peak
                progress.advance(steps)
    summary = summarize(rows)
    render(rows, summary)
    target = resolve_target(f"{options.target} -num-cores={max(options.threads)}")
    write_report(options.json, "inference", conditions(target, load), rows, summary)
    wrong = [row["network"] for row in rows if row["relative_error"] > TOLERANCE]
    if wrong:
        print(f"wrong results: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
