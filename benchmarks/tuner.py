"""Tuning the same workloads with TVM's LocalBuilder and LocalRunner, and with cosearch.

    python benchmarks/tuner.py                    # three workloads of mobile networks
    python benchmarks/tuner.py net.onnx --trials 64 --json tuner.json
    python benchmarks/tuner.py --quick            # less than two minutes

Both tune each workload in turn, in one run, for the same number of trials. A candidate counts when
it has a time; start of the workers, search and training are in the seconds. In the end the two best
schedules of each workload are compiled and timed in turns in one process.

`stock` is `tvm.s_tir.meta_schedule.tune_tasks` as it comes (see `stock.py`).
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import tvm
from reporting import conditions, geomean, show, write_report
from rich.table import Table
from stock import tune_stock
from tvm import relax
from tvm.s_tir import Schedule
from tvm.s_tir import meta_schedule as ms
from tvm.target import Target

from cosearch.schedules import (
    ScheduleDatabase,
    extract_workloads,
    lower_to_workloads,
    resolve_target,
    tune,
)
from cosearch.schedules.prefetch_weights import as_in_networks
from cosearch.schedules.store.replay import replay
from cosearch.schedules.tasks import TuningTask
from cosearch.schedules.tensor_intrinsics import cpu_intrinsics
from cosearch.schedules.workers.arguments import ArgumentPool
from cosearch.schedules.workers.runner import plain

Tuning = tuple[int, float, Schedule]
"""Measured candidates, seconds and the best schedule."""

WORKLOADS = {
    "pointwise": {"height": 14, "inputs": 112, "outputs": 672, "kernel": 1, "groups": 1},
    "depthwise": {"height": 56, "inputs": 144, "outputs": 144, "kernel": 3, "groups": 144},
    "convolution": {"height": 28, "inputs": 32, "outputs": 32, "kernel": 3, "groups": 1},
}


def convolution(height: int, inputs: int, outputs: int, kernel: int, groups: int) -> tvm.IRModule:
    """Build a network of one convolution with bias and ReLU."""
    builder = relax.BlockBuilder()
    image = relax.Var("image", relax.TensorType((1, height, height, inputs), "float32"))
    random = np.random.default_rng(0)
    depthwise = groups > 1
    shape = (kernel, kernel, inputs, 1) if depthwise else (kernel, kernel, inputs, outputs)
    weights = relax.const(random.standard_normal(shape, dtype="float32") / kernel)
    bias = relax.const(random.standard_normal((1, 1, 1, outputs), dtype="float32"))
    with builder.function("main", [image]):
        with builder.dataflow():
            conv = relax.op.nn.conv2d(
                image,
                weights,
                padding=kernel // 2,
                groups=groups,
                data_layout="NHWC",
                kernel_layout="HWOI" if depthwise else "HWIO",
            )
            out = builder.emit_output(builder.emit(relax.op.nn.relu(conv + bias)))
        builder.emit_func_output(out)
    return builder.get()


def tune_with_stock(task: TuningTask, target: Target, trials: int) -> Tuning:
    """Tune with TVM's own builder and runner."""
    found = tune_stock(task, target, trials)
    if found.schedule is None:
        raise RuntimeError(f"stock has no schedule for {task.workload.name}")
    return found.measured, found.seconds, found.schedule


def tune_with_cosearch(task: TuningTask, target: Target, trials: int) -> Tuning:
    """Tune with cosearch."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        database = ScheduleDatabase(Path(folder) / "schedules.sqlite", base=False)
        result = tune([task], database, target, trials=trials, seed=1)
        seconds = time.perf_counter() - start
        best = min(database.records(), key=lambda record: record.latency_us)
        schedule = replay(best.trace, task.workload.mod)
        database.close()
    return result.trials - result.failed, seconds, schedule


def time_in_turns(schedules: list[Schedule], target: Target, rounds: int = 15) -> list[float]:
    """Time compiled schedules in turns; lower quartile of microseconds for each."""
    arguments, evaluators = ArgumentPool(), []
    for schedule in schedules:
        infos = ms.arg_info.ArgInfo.from_entry_func(schedule.mod, remove_preproc=True)
        tensors = [a.tensor for a in arguments.get([plain(info.as_json()) for info in infos])]
        module = tvm.tirx.build(as_in_networks(schedule.mod), target=target)
        evaluators.append((module.time_evaluator("main", tvm.cpu(), min_repeat_ms=5), tensors))
    times = [
        [evaluate(*tensors).mean * 1e6 for evaluate, tensors in evaluators] for _ in range(rounds)
    ]
    return [float(value) for value in np.quantile(times, 0.25, axis=0)]


def compare(task: TuningTask, target: Target, trials: int, stock_first: bool) -> dict[str, Any]:
    """Tune one workload both ways."""
    tuners = {"stock": tune_with_stock, "cosearch": tune_with_cosearch}
    names = list(tuners) if stock_first else list(tuners)[::-1]
    found = {name: tuners[name](task, target, trials) for name in names}
    latencies = time_in_turns([found[name][2] for name in tuners], target)
    row: dict[str, Any] = {"workload": task.workload.name, "trials": trials}
    for name, latency_us in zip(tuners, latencies, strict=True):
        measured, seconds, _ = found[name]
        row |= {
            f"{name}_measured": measured,
            f"{name}_s": seconds,
            f"{name}_candidates_per_second": measured / seconds,
            f"{name}_latency_us": latency_us,
        }
    return row


def summarize(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Compare the two over all workloads."""
    rates = [r["cosearch_candidates_per_second"] / r["stock_candidates_per_second"] for r in rows]
    ratios = [row["cosearch_latency_us"] / row["stock_latency_us"] for row in rows]
    return {
        "candidates_per_second_vs_stock": median(rates),
        "best_latency_vs_stock": geomean(ratios),
    }


def find_tasks(models: list[Path], target: Target) -> list[TuningTask]:
    """Collect the workloads of the networks on the command line, or of this file's own."""
    if models:
        from cosearch.frontend import from_onnx

        networks = [from_onnx(model) for model in models]
    else:
        networks = [convolution(**shape) for shape in WORKLOADS.values()]
    tasks = {}
    for network in networks:
        for task in extract_workloads(lower_to_workloads(network, target, winograd=False)):
            tasks.setdefault(task.workload, task)
    return list(tasks.values())


def render(rows: list[dict[str, Any]], summary: dict[str, float]) -> None:
    """Print the figures as a table."""
    table = Table("workload", "measured", "candidates/s", "ratio", "best µs", "ratio")
    for row in rows:
        rates = [row[f"{name}_candidates_per_second"] for name in ("stock", "cosearch")]
        best = [row[f"{name}_latency_us"] for name in ("stock", "cosearch")]
        table.add_row(
            row["workload"],
            f"{row['stock_measured']} / {row['cosearch_measured']}",
            f"{rates[0]:.2f} / {rates[1]:.2f}",
            f"{rates[1] / rates[0]:.1f}",
            f"{best[0]:.1f} / {best[1]:.1f}",
            f"{best[1] / best[0]:.2f}",
        )
    show(table, summary)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Path, help="ONNX files to take workloads from")
    parser.add_argument("--target", default="llvm -mcpu=native")
    parser.add_argument("--trials", type=int, default=128, help="for each workload")
    parser.add_argument("--tasks", type=int, help="take so many workloads, evenly spread")
    parser.add_argument("--quick", action="store_true", help="one workload, 32 trials")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    target = resolve_target(options.target)
    os.environ["TVM_NUM_THREADS"] = str(target.attrs["num-cores"])
    load = os.getloadavg()
    tasks = find_tasks(options.models, target)
    count = 1 if options.quick else options.tasks or len(tasks)
    trials = 32 if options.quick else options.trials
    chosen = [tasks[index * len(tasks) // count] for index in range(min(count, len(tasks)))]
    with cpu_intrinsics():
        rows = [compare(task, target, trials, index % 2 == 0) for index, task in enumerate(chosen)]
    summary = summarize(rows)
    render(rows, summary)
    write_report(options.json, "tuner", conditions(target, load), rows, summary)


if __name__ == "__main__":
    main()
