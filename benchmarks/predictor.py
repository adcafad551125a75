"""How well the latency of networks is predicted that were never measured.

    python benchmarks/predictor.py --labels labels.sqlite --json predictor.json
    python benchmarks/predictor.py --labels labels.sqlite net1.onnx net2.onnx ...
    python benchmarks/predictor.py --quick                  # less than two minutes

Networks of four spaces (MBConv, NAS-Bench-201, ResNet-like, FBNet) are built from the package's own
records and measured, or read from ``--labels``, where they are kept. Then some are held out:

- `architecture`: the networks of each space, a third of each at a time,
- `width`: all of an MBConv space that is 1.3 times as wide,
- `family`: one space after another,
- `given`: the ONNX files of the command line, where there are any.

Compared, on the same splits: a regression on operations, a look-up table of operators, and a
regression of each kind of kernel on its shape as nn-Meter's (Zhang et al., MobiSys 2021), which
knows nothing of schedules.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import tvm_ffi
from labelled import BUDGET_S, QUICK_BUDGET_S, Family, draw, families, label
from networks import load_network
from reporting import conditions, explained, show, write_report
from rich.console import Console
from rich.table import Table
from rivals import RIVALS
from tvm.target import Target

from cosearch import frontend
from cosearch.latency import Laboratory
from cosearch.latency.batch_plan import BatchPlan
from cosearch.latency.composition import compose, import_block
from cosearch.latency.dataset import Dataset, read_dataset
from cosearch.latency.metrics import prediction_metrics
from cosearch.latency.outlook import Foreseer
from cosearch.latency.predictor import LEAST_NETWORKS, Latency, LatencyPredictor
from cosearch.relay.label_network import label_network
from cosearch.schedules import Conditions, ScheduleDatabase, resolve_target

COUNT, QUICK_COUNT = 60, 9
FOLDS = 3
"""Parts of each space that are held out by architecture, one after another."""
BATCH = 200_000
CORE_QUERIES = 1000
METRICS = ("within_10_percent", "within_5_percent", "rmspe", "mape", "kendall_tau")
notes = Console(stderr=True)

Fold = tuple[frozenset[str], frozenset[str]]
"""Digests of the networks to learn from and to test on."""
Split = tuple[str, list[Fold]]


def splits(data: Dataset, found: list[Family], given: frozenset[str]) -> list[Split]:
    """Make the splits out of what was measured."""
    own = {
        family.name: [
            key
            for key, name in zip(data.networks, data.names, strict=True)
            if name.rsplit(" ", 1)[0] == family.name and key not in given
        ]
        for family in found
    }
    learnable = {name: keys for name, keys in own.items() if "x1.3" not in name}
    everything = frozenset().union(*learnable.values())
    parts = [
        frozenset().union(*(keys[part::FOLDS] for keys in learnable.values()))
        for part in range(FOLDS)
    ]
    rows: list[Split] = [
        (
            f"architecture: {name}",
            [(everything - part, part.intersection(keys)) for part in parts],
        )
        for name, keys in learnable.items()
    ]
    wide = frozenset().union(*(keys for name, keys in own.items() if "x1.3" in name))
    rows.append(("width: mbconv x1.3", [(everything, wide)]))
    rows += [
        (f"family: {name}", [(everything - frozenset(keys), frozenset(keys))])
        for name, keys in learnable.items()
    ]
    rows.append(("given", [(everything | wide, given)]))
    return [
        (name, folds)
        for name, folds in rows
        if all(len(learn) >= LEAST_NETWORKS and len(test) > 1 for learn, test in folds)
    ]


def appraise(
    data: Dataset, split: Split, database: ScheduleDatabase, target: Target
) -> dict[str, Any]:
    """Learn from one part and predict the other, for each fold."""
    name, folds = split
    found: list[Latency] = []
    guesses: dict[str, list[float]] = {rival: [] for rival in RIVALS}
    measured_us: list[float] = []
    for learn, test in folds:
        known, wanted = data.only(learn), data.only(test)
        predictor = LatencyPredictor.fit_dataset(known, database, target)
        found += [predictor.of_composition(kernels) for kernels in wanted.compositions]
        measured_us += wanted.measured_us.tolist()
        for rival, make in RIVALS.items():
            guesses[rival] += list(make(known).predict(wanted.compositions))
    row = {
        "split": name,
        "networks": len(found),
        "learnt_from": [len(learn) for learn, _ in folds],
        "measured_us": measured_us,
        "predicted_us": [one.us for one in found],
        "low_us": [one.low_us for one in found],
        "high_us": [one.high_us for one in found],
        "sources": sorted({one.source for one in found}),
    }
    ours = [row[key] for key in ("predicted_us", "measured_us", "low_us", "high_us")]
    row["cosearch"] = prediction_metrics(*ours)
    for rival, own in guesses.items():
        row[rival] = prediction_metrics(own, measured_us)
    return row


def pool(rows: list[dict[str, Any]], kind: str) -> dict[str, float]:
    """Take the networks of the splits of a kind together."""
    own = [row for row in rows if row["split"].startswith(kind)]
    if not own:
        return {}
    joined = {
        name: np.concatenate([row[name] for row in own])
        for name in ("predicted_us", "measured_us", "low_us", "high_us")
    }
    found = prediction_metrics(**joined)
    # Between spaces latencies differ so much that any order is right.
    found["kendall_tau"] = min(row["cosearch"]["kendall_tau"] for row in own)
    return found


def speed(predictor: LatencyPredictor, family: Family) -> dict[str, float]:
    """Time queries: of blocks never seen, of one architecture, of a batch."""
    space, rng = family.space, np.random.default_rng(0)
    few = space.sample(2, rng)
    cold = []
    foreseer = Foreseer(ScheduleDatabase(), predictor.conditions)
    for block in {block.name: block for block in space.blocks(few[0])}.values():
        start = time.perf_counter()
        mod = import_block(block)
        predictor.of_composition(compose(mod, predictor.target, foreseer))
        cold.append(time.perf_counter() - start)
    predictor.predict_batch(few, space)
    plan, one = predictor.plan(space), few[:1]
    queries = []
    for _ in range(200):
        start = time.perf_counter()
        plan.latencies_us(one)
        queries.append(time.perf_counter() - start)
    core_us = time_core_us(plan, np.ascontiguousarray(space.slots(one), "int32"))
    batch = np.repeat(few, BATCH // 2, axis=0)
    batches = []
    for _ in range(5):
        start = time.perf_counter()
        plan.latencies_us(batch)
        batches.append(time.perf_counter() - start)
    return {
        "cold_block_ms": median(cold) * 1e3,
        "warm_query_us": median(queries) * 1e6,
        "warm_query_core_us": core_us,
        "batch_per_second": BATCH / median(batches),
    }


def time_core_us(plan: BatchPlan, slots: np.ndarray) -> float:
    """Time a warm query in C++, with the call of it, which takes most of the time."""
    sums = np.empty(len(slots))
    arguments = [tvm_ffi.from_dlpack(array) for array in (plan.costs, slots, plan.curve)]
    out, add_up = tvm_ffi.from_dlpack(sums), tvm_ffi.get_global_func("cosearch.latency.SumBlocks")
    times = []
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(CORE_QUERIES):
            add_up(*arguments, 0.0, out)
        times.append(time.perf_counter() - start)
    return median(times) / CORE_QUERIES * 1e6


def render(rows: list[dict[str, Any]]) -> None:
    """Print each split."""
    table = Table("split", "networks", title="networks within 10 % / within 5 %, RMSPE, tau")
    for name in ("cosearch", *RIVALS):
        table.add_column(name, justify="right")
    table.add_column("in interval", justify="right")
    for row in rows:
        cells = []
        for name in ("cosearch", *RIVALS):
            found = row[name]
            cells.append(
                f"{found['within_10_percent']:.0%} / {found['within_5_percent']:.0%}, "
                f"{found['rmspe']:.1%}, {found['kendall_tau']:.2f}"
            )
        covered = f"{row['cosearch']['interval_coverage']:.0%}"
        table.add_row(row["split"], str(row["networks"]), *cells, covered)
    show(table, {})


def measure_given(paths: list[str], database: ScheduleDatabase, target: Target) -> frozenset[str]:
    """Measure the networks of the command line; return their digests."""
    laboratory = Laboratory(target, database)
    keys = set()
    for path in paths:
        notes.print(f"{path}: measured")
        mod = frontend.from_onnx(load_network(path))
        found = label_network(mod, target, database, laboratory, name=f"given {path}")
        keys.add(found.network.key)
    return frozenset(keys)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", help="ONNX files to test on as well")
    parser.add_argument("--target", default="llvm -mcpu=native")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--labels", type=Path, metavar="FILE", help="where labels are kept")
    parser.add_argument("--count", type=int, default=COUNT, help="networks of each space")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one space, few networks")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.quick:
        options.count = min(options.count, QUICK_COUNT)
    if options.count < QUICK_COUNT:
        parser.error(f"--count takes {QUICK_COUNT} or more")
    return options


def main(options: argparse.Namespace) -> int:
    """Measure, split, compare."""
    load_before = os.getloadavg()
    target = resolve_target(f"{options.target} -num-cores={options.threads}")
    found = families()[1:2] if options.quick else families()
    with tempfile.TemporaryDirectory() as folder:
        database = ScheduleDatabase(options.labels or Path(folder) / "labels.sqlite")
        drawn = [
            (family, name, row)
            for family in found
            for name, row in draw(family, round(options.count * family.share), options.seed)
        ]
        budget_s = QUICK_BUDGET_S if options.quick else BUDGET_S
        seconds = label(drawn, database, target, notes, budget_s)
        given = measure_given(options.networks, database, target)
        notes.print(f"{len(drawn)} networks measured or read in {seconds:.0f} s")
        data = read_dataset(database, Foreseer(database, Conditions.of(target)))
        rows = [appraise(data, s, database, target) for s in splits(data, found, given)]
        render(rows)
        everything = LatencyPredictor.fit_dataset(data, database, target)
        timed = speed(everything, found[0])
        database.close()
    kinds = ("architecture", "width", "family", "given")
    summary = {kind: values for kind in kinds if (values := pool(rows, kind))}
    show(Table(show_header=False, box=None), timed)
    taken = conditions(target, load_before) | {"networks": len(data.networks)}
    write_report(options.json, "predictor", taken, rows, {**summary, **timed})
    for kind, values in summary.items():
        notes.print(kind, {name: round(value, 4) for name, value in values.items()})
    return 0


if __name__ == "__main__":
    sys.exit(explained(lambda: main(parse())))
