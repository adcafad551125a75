"""Whether latencies stay what they are when the machine is busy.

    python benchmarks/load.py                       # one and two threads
    python benchmarks/load.py net.onnx --threads 1 --json load.json
    python benchmarks/load.py --unprivileged        # without real-time priority
    python benchmarks/load.py --quick               # less than two minutes

Kernels of real networks, and whole networks, are measured on the quiet machine, again, and beside
each of the loads in `neighbours.py`; and in the same minutes by two other protocols:

- `cosearch`: `Laboratory.measure`, and `measure_run` for networks,
- `MetaSchedule`: TVM's `time_evaluator` as MetaSchedule's LocalRunner calls it by default, mean of
  its repeats,
- `wall clock`: mean of wall-clock times over a tenth of a second, as onnxruntime's perf test.

Drift is the difference from the same protocol's first figure on the quiet machine. The figures of a
number of threads are over all loads; what cosearch called unstable is counted, and left out of the
drift of all protocols.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tvm
from neighbours import LOADS, neighbours
from networks import load_network
from reporting import conditions, show, write_report
from rich.console import Console
from rich.table import Table
from scipy.stats import kendalltau
from tvm.s_tir.meta_schedule.arg_info import ArgInfo
from tvm.target import Target

from cosearch import frontend, relay
from cosearch.latency import Laboratory
from cosearch.relay.graph_module import GraphModule
from cosearch.relay.measure_network import measure_run, ready_module
from cosearch.schedules import Conditions, ScheduleDatabase, lower_to_workloads, resolve_target
from cosearch.schedules.apply import apply_schedules
from cosearch.schedules.label import Label
from cosearch.schedules.prefetch_weights import as_in_networks
from cosearch.schedules.workers.arguments import ArgumentPool
from cosearch.schedules.workers.runner import plain
from cosearch.timing.time_calls import BUDGET_S

NETWORKS = (
    "mobilenet_v2",
    "efficientnet_b0",
    "regnet_x_200mf",
    "resnet18",
    "squeezenet",
    "shufflenet",
)
QUICK = NETWORKS[:2]
KERNELS_EACH = 6
AGAIN = "quiet again"
QUICK_BUDGET_S = 0.5
notes = Console(stderr=True)
Protocol = Callable[["Subject"], float]
Values = npt.NDArray[np.float64]


@dataclass
class Subject:
    """What is measured."""

    name: str
    call: Callable[..., Any]
    arguments: list[Any]
    evaluator: Callable[[], Any]
    network: GraphModule | None = None

    def label(self, laboratory: Laboratory, budget_s: float) -> Label:
        """Measure it as cosearch does."""
        if self.network is None:
            return laboratory.measure(self.call, self.arguments, budget_s=budget_s)
        return measure_run(self.network, laboratory, budget_s=budget_s)


def kernels_of(name: str, mod: tvm.IRModule, target: Target, count: int) -> list[Subject]:
    """Compile some kernels of a network, spread over it."""
    lowered = lower_to_workloads(mod, target)
    with ScheduleDatabase.in_memory() as database:
        scheduled, applied = apply_schedules(lowered, database, Conditions.of(target))
    names = [name for name, entry in applied.items() if entry.candidate is not None]
    chosen = names[:: max(1, len(names) // count)][:count]
    pool = ArgumentPool()
    subjects = []
    for kernel in chosen:
        module = tvm.IRModule({"main": scheduled[kernel].with_attr("global_symbol", "main")})
        info = [plain(i.as_json()) for i in ArgInfo.from_entry_func(module, remove_preproc=True)]
        built = tvm.tirx.build(as_in_networks(module), target=target)
        arguments = [guarded.tensor for guarded in pool.get(info)]
        subjects.append(
            Subject(
                f"{name}: {kernel}",
                built["main"],
                arguments,
                lambda built=built, arguments=arguments: built.time_evaluator(
                    "main", tvm.cpu(), number=3, repeat=1, min_repeat_ms=100
                )(*arguments),
            )
        )
    return subjects


def network_of(name: str, mod: tvm.IRModule, target: Target) -> Subject:
    """Build a network."""
    with ScheduleDatabase.in_memory():
        module = ready_module(relay.build(mod, target), seed=0)
    return Subject(
        name,
        module.module["main"],
        module.arguments(),
        lambda: module.benchmark(number=3, repeat=1, min_repeat_ms=100),
        network=module,
    )


def wall_clock_us(subject: Subject) -> float:
    """Mean over a tenth of a second."""
    subject.call(*subject.arguments)
    start, runs = time.perf_counter(), 0
    while time.perf_counter() - start < 0.1:
        subject.call(*subject.arguments)
        runs += 1
    return (time.perf_counter() - start) / runs * 1e6


def meta_schedule_us(subject: Subject) -> float:
    """As MetaSchedule's LocalRunner measures."""
    return float(np.mean(subject.evaluator().results)) * 1e6


def appraise(
    names: list[str], threads: int, options: argparse.Namespace
) -> tuple[list[dict[str, Any]], Target]:
    """Measure everything beside every load."""
    target = resolve_target(f"{options.target} -num-cores={threads}")
    subjects: list[Subject] = []
    for name in names:
        mod = frontend.from_onnx(load_network(name))
        subjects += [
            *kernels_of(Path(name).stem, mod, target, KERNELS_EACH),
            network_of(Path(name).stem, mod, target),
        ]
    laboratory = Laboratory(target, realtime=not options.unprivileged)
    unstable: set[tuple[str, str]] = set()

    def label_us(subject: Subject) -> float:
        label = subject.label(laboratory, QUICK_BUDGET_S if options.quick else BUDGET_S)
        if label.unstable:
            unstable.add((subject.name, load))
        return label.latency_us

    protocols: dict[str, Protocol] = {
        "cosearch": label_us,
        "MetaSchedule": meta_schedule_us,
        "wall clock": wall_clock_us,
    }
    rows = []
    for load in (*LOADS, AGAIN):
        notes.print(f"{threads} threads, {load}: {len(subjects)} kernels and networks")
        with neighbours("quiet" if load == AGAIN else load):
            for subject in subjects:
                row = {
                    "threads": threads,
                    "load": load,
                    "subject": subject.name,
                    "network": subject.network is not None,
                    "exclusive": laboratory.stopwatch.exclusive,
                }
                for protocol, measure in protocols.items():
                    row[protocol] = measure(subject)
                row["unstable"] = (subject.name, load) in unstable
                rows.append(row)
    return rows, target


def pairs(rows: list[dict[str, Any]], load: str, protocol: str) -> tuple[Values, Values]:
    """Return what a protocol said on the quiet machine, and beside a load, of the same things.

    Left out is what cosearch itself called unstable, for whatever protocol.
    """
    shaky = {row["subject"] for row in rows if row["unstable"] and row["load"] in ("quiet", load)}
    quiet, busy = (
        {r["subject"]: r[protocol] for r in rows if r["load"] == name and r["subject"] not in shaky}
        for name in ("quiet", load)
    )
    return np.array(list(quiet.values())), np.array([busy[name] for name in quiet])


def drift(rows: list[dict[str, Any]], load: str, protocol: str) -> dict[str, float]:
    """Compare what a protocol says beside a load with what it said on the quiet machine."""
    before, after = pairs(rows, load, protocol)
    change = np.abs(after / before - 1)
    return {
        "median_drift": float(np.median(change)),
        "p95_drift": float(np.quantile(change, 0.95)),
        "kendall_tau": float(kendalltau(before, after).statistic),
    }


def summarize(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Sum up over the loads: the median and the 95th percentile of all changes, the least tau."""
    summary = {}
    for threads in sorted({row["threads"] for row in rows}):
        own = [row for row in rows if row["threads"] == threads]
        loads = [load for load in LOADS if load != "quiet"]
        for protocol, ending in (
            ("cosearch", ""),
            ("wall clock", "_wall_clock"),
            ("MetaSchedule", "_meta_schedule"),
        ):
            each = [drift(own, load, protocol) for load in loads]
            both = [pairs(own, load, protocol) for load in loads]
            changes = np.concatenate([np.abs(after / before - 1) for before, after in both])
            summary[f"t{threads}{ending}"] = {
                "median_drift": float(np.median(changes)),
                "p95_drift": float(np.quantile(changes, 0.95)),
                "kendall_tau": min(found["kendall_tau"] for found in each),
            }
        summary[f"t{threads}"]["unstable_share"] = float(np.mean([r["unstable"] for r in own]))
    return summary


def render(rows: list[dict[str, Any]]) -> None:
    """Print the drift beside each load."""
    table = Table("threads", "load", title="drift from the quiet machine: median / 95 %, and tau")
    for protocol in ("cosearch", "MetaSchedule", "wall clock"):
        table.add_column(protocol, justify="right")
    table.add_column("unstable", justify="right")
    for threads in sorted({row["threads"] for row in rows}):
        own = [row for row in rows if row["threads"] == threads]
        for load in (AGAIN, *(load for load in LOADS if load != "quiet")):
            cells = []
            for protocol in ("cosearch", "MetaSchedule", "wall clock"):
                found = drift(own, load, protocol)
                cells.append(
                    f"{found['median_drift']:.1%} / {found['p95_drift']:.1%}  "
                    f"{found['kendall_tau']:.3f}"
                )
            unstable = sum(row["unstable"] for row in own if row["load"] == load)
            table.add_row(str(threads), load, *cells, str(unstable))
    show(table, {})


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", help="ONNX files, or names of networks.py")
    parser.add_argument("--target", default="llvm -mcpu=native")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument(
        "--unprivileged", action="store_true", help="without real-time priority, as most users are"
    )
    parser.add_argument("--quick", action="store_true", help="two networks, one thread")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.quick:
        options.networks, options.threads = options.networks[:2] or list(QUICK), options.threads[:1]
    options.networks = options.networks or list(NETWORKS)
    if too_many := [t for t in options.threads if not 1 <= t <= (os.cpu_count() or 1)]:
        parser.error(f"--threads {too_many[0]}: this machine has {os.cpu_count()} cores")
    return options


def main() -> int:
    """Run the benchmark."""
    options, load_before = parse(), os.getloadavg()
    rows: list[dict[str, Any]] = []
    try:
        for threads in options.threads:
            found, target = appraise(options.networks, threads, options)
            rows += found
    except ValueError as error:
        notes.print(f"load.py: {error}", markup=False)
        return 2
    render(rows)
    summary = summarize(rows)
    flat = {f"{t} {name}": value for t, found in summary.items() for name, value in found.items()}
    show(Table(show_header=False, box=None), flat)
    write_report(options.json, "load", conditions(target, load_before), rows, summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
