"""Single layers: cosearch's kernels beside the machine's peak and onnxruntime's kernels.

    python benchmarks/kernels.py                         # layers of mobile networks
    python benchmarks/kernels.py net.onnx --json kernels.json
    python benchmarks/kernels.py --quick                 # less than two minutes

Each layer is a convolution or a matrix product with bias and ReLU. Ours is
tuned for `--trials` candidates and timed alone; onnxruntime runs a model of the one layer, and its
profiler tells the time of the layer's node, without the reordering of layouts around it. Both take
turns. `first` is the design that the rules rank first, without any measurement. Peak is what the
cores do on registers alone; convolutions count as computed directly, so that minimal filtering goes
beyond it.
"""

import argparse
import json
import math
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import tvm
from layers import KINDS, LAYERS, QUICK, Layer, layers_of
from networks import load_network
from peak import peak_gflops
from reporting import conditions, geomean, show, write_report
from rich.progress import track
from rich.table import Table
from tvm.ir import IRModule
from tvm.s_tir import Schedule
from tvm.s_tir.meta_schedule.arg_info import ArgInfo
from tvm.target import Target

from cosearch._threads import set_threads
from cosearch.frontend import from_onnx
from cosearch.schedules import (
    Conditions,
    ScheduleDatabase,
    TuningTask,
    extract_workloads,
    lower_to_workloads,
    resolve_target,
    tune,
)
from cosearch.schedules.prefetch_weights import as_in_networks
from cosearch.schedules.rules.design import apply_design, rank_designs
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.store.replay import replay
from cosearch.schedules.workers.arguments import ArgumentPool
from cosearch.schedules.workers.runner import plain

RUNS = 30


def task_of(layer: Layer, target: Target) -> TuningTask:
    """Lower a layer to its workload, leaving out what brings its input into our layout."""
    tasks = extract_workloads(lower_to_workloads(from_onnx(layer.model()), target))
    return max(tasks, key=lambda task: len(str(task.workload.mod)))


class Kernel:
    """A compiled schedule, ready to be timed."""

    def __init__(self, schedule: Schedule, target: Target, arguments: ArgumentPool) -> None:
        infos = ArgInfo.from_entry_func(schedule.mod, remove_preproc=True)
        self.tensors = [a.tensor for a in arguments.get([plain(i.as_json()) for i in infos])]
        module = tvm.tirx.build(as_in_networks(schedule.mod), target=target)
        self.evaluate = module.time_evaluator("main", tvm.cpu(), number=1, repeat=RUNS)
        self.threads = int(target.attrs["num-cores"])

    def time_us(self) -> float:
        """Return the median time of some calls, as of onnxruntime's, in microseconds."""
        set_threads(self.threads)
        return float(self.evaluate(*self.tensors).median) * 1e6


def onnxruntime_us(layer: Layer, threads: int) -> float:
    """Median time of the layer's node in onnxruntime, in microseconds."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(
            layer.model().SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        x = np.random.default_rng(0).standard_normal(
            (1, layer.inputs, layer.height, layer.height), dtype="float32"
        )
        for _ in range(RUNS):
            session.run(None, {"x": x})
        events = json.loads(Path(session.end_profiling()).read_text())
    times = [
        event["dur"]
        for event in events
        if event.get("cat") == "Node"
        and event.get("args", {}).get("op_name") in ("Conv", "FusedConv")
    ]
    return float(median(times)) if times else math.nan


def measure(
    layer: Layer, target: Target, options: argparse.Namespace, peak: float
) -> dict[str, Any]:
    """Time one layer, ours and onnxruntime's in turns."""
    task = task_of(layer, target)
    mod: IRModule = task.workload.mod
    machine = Machine.of(Conditions.of(target))
    with ScheduleDatabase.in_memory() as database:
        tune([task], database, target, trials_per_task=options.trials)
        best = database.best(task.workload.signature, Conditions.of(target))
    assert best is not None
    arguments = ArgumentPool()
    tuned = Kernel(replay(best.trace, mod), target, arguments)
    first = Kernel(apply_design(mod, rank_designs(mod, machine)[0], machine), target, arguments)
    times: dict[str, list[float]] = {"cosearch": [], "first": [], "onnxruntime": []}
    for _ in range(options.rounds):
        times["cosearch"].append(tuned.time_us())
        times["first"].append(first.time_us())
        times["onnxruntime"].append(onnxruntime_us(layer, machine.threads))
    row: dict[str, Any] = {"layer": str(layer), "kind": layer.kind, "threads": machine.threads}
    row |= {f"{name}_us": median(values) for name, values in times.items()}
    row["gflops"] = layer.flop / row["cosearch_us"] / 1e3
    row["share_of_peak"] = row["gflops"] / peak
    row["vs_onnxruntime"] = row["cosearch_us"] / row["onnxruntime_us"]
    return row


def summarize(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Sum up by kind of layer."""
    summary: dict[str, float] = {}
    for kind in dict.fromkeys(row["kind"] for row in rows):
        chosen = [row for row in rows if row["kind"] == kind]
        summary[f"{kind}_share_of_peak"] = geomean(row["share_of_peak"] for row in chosen)
        known = [r["vs_onnxruntime"] for r in chosen if r["vs_onnxruntime"] > 0]
        summary[f"{kind}_vs_onnxruntime"] = geomean(known)
    summary["first_vs_tuned"] = geomean(row["first_us"] / row["cosearch_us"] for row in rows)
    return summary


def render(rows: list[dict[str, Any]], summary: dict[str, float], peak: float) -> None:
    """Print the figures as a table."""
    table = Table(
        "layer", "ours, µs", "first, µs", "onnxruntime, µs", "ratio", "GFLOP/s", "share of peak",
        title=f"peak {peak:.0f} GFLOP/s",
    )  # fmt: skip
    for row in rows:
        table.add_row(
            row["layer"],
            f"{row['cosearch_us']:.1f}",
            f"{row['first_us']:.1f}",
            f"{row['onnxruntime_us']:.1f}",
            f"{row['vs_onnxruntime']:.2f}",
            f"{row['gflops']:.0f}",
            f"{row['share_of_peak']:.0%}",
        )
    show(table, summary)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="ONNX files to take the convolutions from")
    parser.add_argument("--target", default="llvm -mcpu=native")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--trials", type=int, default=16, help="candidates for each layer")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, help="only such layers; by default all"
    )
    parser.add_argument("--quick", action="store_true", help="four layers, four candidates each")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    target = resolve_target(f"{options.target} -num-cores={options.threads}")
    load = os.getloadavg()
    layers = [layer for name in options.models for layer in layers_of(load_network(name))]
    chosen = layers or list(QUICK if options.quick else LAYERS)
    if options.kinds:
        chosen = [layer for layer in chosen if layer.kind in options.kinds]
    if options.quick:
        chosen, options.trials, options.rounds = chosen[:4], 4, 5
    peak = peak_gflops(target)
    rows = [measure(layer, target, options, peak) for layer in track(chosen, transient=True)]
    summary = summarize(rows)
    render(rows, summary, peak)
    taken = conditions(target, load) | {"peak_gflops": peak}
    write_report(options.json, "kernels", taken, rows, summary)


if __name__ == "__main__":
    main()
