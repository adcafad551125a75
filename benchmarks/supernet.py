"""What the training objective does for a supernet: an ablation of CHaNAS's generalization gap.

    python benchmarks/supernet.py --json supernet.json
    python benchmarks/supernet.py --quick                   # less than two minutes; says nothing

For each seed a supernet is trained by L_train, by L_val, and by L_train + 0.45 |L_val - L_train|
(CHaNAS, section 3.4). The last reads the pictures of both parts, and twice as many a step; so a
fourth, "pooled", minimises the plain loss on both parts with twice the batch: what is left between
these two is the gap itself. Reported are

- the mean accuracy of random subnets on held-out pictures, with inherited weights;
- the rank correlation of inherited loss, and accuracy, with those of the same networks trained
  alone on the training part. Networks are spread evenly over the multiply-adds of the space;
- how well the losses of networks trained alone agree between two seeds: where these do not, ranks
  say little about any objective.

Pictures are scikit-learn's digits, which any network of a usual space tells apart. To make them
harder a fifth is trained on, another fifth is the validation part, noise is added once to every
picture, and the networks are narrow: three stages of at most 4 blocks for 16×16 pixels.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from reporting import conditions, show, write_report
from rich.console import Console
from rich.table import Table
from scipy.stats import kendalltau, spearmanr
from torch.nn.functional import cross_entropy

from cosearch.accuracy.pictures import Pictures, Split
from cosearch.accuracy.supernet import (
    MBConvSupernet,
    SupernetAccuracy,
    SupernetTraining,
    TrainingPlan,
)
from cosearch.accuracy.supernet.draws import draw_pictures
from cosearch.accuracy.supernet.evaluate import Appraisal, evaluate
from cosearch.accuracy.supernet.training import set_learning_rate, sgd
from cosearch.schedules import resolve_target
from cosearch.spaces import MBConvSpace
from cosearch.spaces.mbconv import Skeleton
from cosearch.spaces.space import Integers

SKELETON = Skeleton(
    name="mbconv-digits",
    sizes=(16,),
    stem=(8, 1),
    first=8,
    stages=((8, 2), (16, 1), (24, 1)),
    hidden=64,
)
OBJECTIVES = ("train", "validation", "generalization", "pooled")
NOISE = 110
"""Standard deviation of the noise, of 255."""
BATCH = 32
DRAWN = 240
"""Architectures among which those that are compared are spread."""
notes = Console(stderr=True)


def hard_digits(size: int, seed: int) -> Pictures:
    """Digits with noise; most are held out, so that ranks are not of chance."""
    pictures = Pictures.digits(size, seed)
    generator = torch.Generator().manual_seed(seed)

    def noisy(split: Split) -> Split:
        noise = NOISE * torch.randn(split.pictures.shape, generator=generator)
        return Split((split.pictures + noise).round().clamp(0, 255).byte(), split.labels)

    train, validation, test = map(noisy, (pictures.validation, pictures.test, pictures.train))
    return replace(pictures, train=train, validation=validation, test=test)


def pooled(pictures: Pictures) -> Pictures:
    """Both parts that an objective may see, as one to train on."""
    parts = (pictures.train, pictures.validation)
    both = Split(torch.cat([p.pictures for p in parts]), torch.cat([p.labels for p in parts]))
    return replace(pictures, train=both)


def train_supernet(
    space: MBConvSpace, pictures: Pictures, objective: str, steps: int, seed: int
) -> MBConvSupernet:
    """Train a supernet by an objective."""
    plan = TrainingPlan(steps=steps, batch=BATCH, seed=seed)
    if objective == "pooled":
        plan, pictures = replace(plan, objective="train", batch=2 * BATCH), pooled(pictures)
    else:
        plan = replace(plan, objective=objective)
    network = MBConvSupernet(space, seed)
    SupernetTraining(network, pictures, plan).run()
    return network


def train_alone(
    space: MBConvSpace, row: Integers, pictures: Pictures, steps: int, seed: int
) -> Appraisal:
    """Train one network with weights of its own, and measure it on the held-out pictures."""
    torch.manual_seed(seed)
    network = space.network(row).train()
    plan = TrainingPlan(steps=steps, batch=BATCH, seed=seed)
    optimizer = sgd(network, plan)
    for step in range(steps):
        places = draw_pictures(len(pictures.train), BATCH, step, seed)
        drawn = pictures.train.take(places)
        optimizer.zero_grad()
        cross_entropy(network(pictures.standardised(drawn)), drawn.labels).backward()
        set_learning_rate(optimizer, plan, step)
        optimizer.step()
    test = pictures.batches(pictures.test, 128)
    return evaluate(network.eval(), test, SKELETON.sizes[-1])


def spread_rows(space: MBConvSpace, count: int) -> Integers:
    """Draw architectures whose multiply-adds are spread as those of the space; always the same."""
    drawn = space.sample(DRAWN, np.random.default_rng(0))
    order = np.argsort(space.multiply_adds(drawn), kind="stable")
    return drawn[order[np.linspace(0, DRAWN - 1, count).round().astype(int)]]


def correlations(inherited: list[Appraisal], alone: list[Appraisal]) -> dict[str, float]:
    """Rank correlations of losses and of accuracies."""
    found = {}
    for name in ("loss", "accuracy"):
        pair = [[getattr(a, name) for a in side] for side in (inherited, alone)]
        found[f"spearman_{name}"] = float(spearmanr(*pair).statistic)
        found[f"kendall_tau_{name}"] = float(kendalltau(*pair).statistic)
    return found


def run_seed(space: MBConvSpace, seed: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Train the networks alone and a supernet by each objective; compare them."""
    pictures, compared = hard_digits(SKELETON.sizes[-1], seed), spread_rows(space, options.compared)
    start = time.perf_counter()
    alone = [train_alone(space, row, pictures, options.steps, seed) for row in compared]
    alone_s = time.perf_counter() - start
    notes.print(f"seed {seed}: {len(alone)} networks trained alone in {alone_s:.0f} s")
    rows = []
    for objective in OBJECTIVES:
        start = time.perf_counter()
        network = train_supernet(space, pictures, objective, options.steps, seed)
        seconds = time.perf_counter() - start
        accuracy = SupernetAccuracy(network, pictures)
        # Chosen apart from the compared ones, and for all seeds and objectives the same.
        others = space.sample(options.random, np.random.default_rng(1))
        inherited = [accuracy.appraise(row) for row in compared]
        row = {
            "objective": objective,
            "seed": seed,
            "random_accuracies": accuracy.score(others).tolist(),
            "inherited_losses": [found.loss for found in inherited],
            "inherited_accuracies": [found.accuracy for found in inherited],
            "alone_losses": [found.loss for found in alone],
            "alone_accuracies": [found.accuracy for found in alone],
            **correlations(inherited, alone),
            "training_seconds": seconds,
            "seconds_an_architecture": accuracy.cost_s,
        }
        row["accuracy"] = mean(row["random_accuracies"])
        notes.print(
            f"seed {seed}, {objective}: {row['accuracy']:.2f} % of {options.random}, loss ranks "
            f"{row['spearman_loss']:.2f}, accuracy ranks {row['spearman_accuracy']:.2f}, "
            f"{seconds:.0f} s"
        )
        rows.append(row)
    return rows


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Give mean and deviation over seeds, of each objective."""
    summary: dict[str, Any] = {}
    for objective in OBJECTIVES:
        own = [row for row in rows if row["objective"] == objective]
        summary[objective] = {}
        for name in ("accuracy", "spearman_loss", "kendall_tau_loss", "spearman_accuracy"):
            values = [row[name] for row in own]
            summary[objective][f"{name}_mean"] = mean(values)
            summary[objective][f"{name}_sd"] = stdev(values) if len(values) > 1 else float("nan")
    alone = {row["seed"]: row["alone_losses"] for row in rows}
    pairs = [float(spearmanr(*pair).statistic) for pair in combinations(alone.values(), 2)]
    summary["alone_between_seeds_spearman_loss"] = mean(pairs) if pairs else float("nan")
    return summary


def render(rows: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    """Print a line an objective."""
    table = Table("objective", title="mean ± standard deviation over seeds (nan for one seed)")
    for name in ("accuracy of random subnets, %", "Spearman, losses", "Spearman, accuracies", "s"):
        table.add_column(name, justify="right")
    for objective in OBJECTIVES:
        found = summary[objective]
        seconds = mean(r["training_seconds"] for r in rows if r["objective"] == objective)
        names = ("accuracy", "spearman_loss", "spearman_accuracy")
        cells = [f"{found[f'{n}_mean']:.2f} ± {found[f'{n}_sd']:.2f}" for n in names]
        table.add_row(objective, *cells, f"{seconds:.0f}")
    name = "alone_between_seeds_spearman_loss"
    show(table, {name: summary[name]})


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=200, help="of each training")
    parser.add_argument("--compared", type=int, default=12, help="networks trained alone")
    parser.add_argument("--random", type=int, default=24, help="subnets of the mean accuracy")
    parser.add_argument("--quick", action="store_true", help="one seed, few steps and networks")
    parser.add_argument("--json", type=Path, metavar="FILE", help="written after each seed")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.steps, options.compared, options.random = 1, 10, 4, 4
    if options.seeds < 1 or options.compared < 3 or options.random < 1:
        parser.error("--seeds and --random take 1 or more, --compared 3 or more")
    return options


def main() -> int:
    """Run the benchmark."""
    options, load_before = parse(), os.getloadavg()
    torch.set_num_threads(1)
    space = MBConvSpace(skeleton=SKELETON, classes=10)
    taken_with = {"noise": NOISE, "batch": BATCH, "steps": options.steps, "torch_threads": 1}
    rows: list[dict[str, Any]] = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        rows += run_seed(space, seed, options)
        summary = summarise(rows)
        target = resolve_target("llvm -mcpu=native -num-cores=1")
        taken = conditions(target, load_before) | taken_with
        write_report(options.json, "supernet", taken, rows, summary)
    render(rows, summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
