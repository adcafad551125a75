"""How well cheap scores rank architectures of NAS-Bench-201 by their accuracy.

    python benchmarks/proxies.py --json proxies.json
    python benchmarks/proxies.py --quick                      # less than two minutes

The accuracies are the benchmark's own, which the package carries. For `--count` random
architectures, and for all 15,625 where that is cheap, the table has the rank correlation
(Spearman's and Kendall's) of accuracy with

- `gennas`: the negated loss of a regression on synthetic signals (GenNAS, NeurIPS 2021),
- `parameters`, `multiply_adds`: of the network without dead edges,
- `surrogate N`: perceptrons that saw N other architectures with their accuracy; the mean over
  `--seeds` draws of these.

`upper half` is Spearman's among the more accurate half alone, which is what a search is about.
Brackets are the 90 % interval over draws of the same number of architectures (bootstrap).
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from reporting import conditions, show, write_report
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.stats import kendalltau, spearmanr

from cosearch.accuracy.gennas import GenNAS
from cosearch.accuracy.nasbench201_table import DATASETS, NASBench201Accuracy
from cosearch.accuracy.surrogate import AccuracySurrogate
from cosearch.schedules import resolve_target
from cosearch.spaces import NASBench201Space

Floats = npt.NDArray[np.float64]
SAMPLES = (100, 300, 1000)
QUICK_COUNT, QUICK_SEEDS = 12, 1
BOOTSTRAPS = 1000
notes = Console(stderr=True)
space = NASBench201Space()
GRID = np.indices(space.choices).reshape(len(space.choices), -1).T.astype(np.int64)


def correlations(scores: Floats, accuracies: Floats) -> dict[str, float]:
    """Spearman's and Kendall's rank correlation, and Spearman's in the upper half."""
    upper = accuracies >= np.median(accuracies)
    return {
        "spearman": float(spearmanr(scores, accuracies).statistic),
        "kendall_tau": float(kendalltau(scores, accuracies).statistic),
        "spearman_upper_half": float(spearmanr(scores[upper], accuracies[upper]).statistic),
    }


def interval(scores: Floats, accuracies: Floats, seed: int) -> tuple[float, float]:
    """90 % interval of Spearman's rank correlation, by bootstrap."""
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(scores), (BOOTSTRAPS, len(scores)))
    found = [spearmanr(scores[draw], accuracies[draw]).statistic for draw in draws]
    low, high = np.nanpercentile(found, (5, 95))
    return float(low), float(high)


def score_gennas(rows: npt.NDArray[np.int64], seed: int) -> tuple[Floats, float]:
    """Scores and seconds an architecture."""
    gennas = GenNAS(space, seed=seed)
    with Progress(console=notes, transient=True) as bar:
        task = bar.add_task("gennas", total=None)
        scores = gennas.score(rows, lambda done, of: bar.update(task, completed=done, total=of))
    return scores, gennas.cost_s


def appraise_counts(
    name: str, count: Callable[[Any], Any], rows: npt.NDArray[np.int64], truth: NASBench201Accuracy
) -> dict[str, Any]:
    """Rank by a count of the network: the drawn architectures, and all."""
    start = time.perf_counter()
    everything = count(GRID).astype(np.float64)
    cost_s = (time.perf_counter() - start) / len(GRID)
    scores = count(rows).astype(np.float64)
    return {
        "proxy": name,
        "drawn": correlations(scores, truth.score(rows)),
        "all": correlations(everything, truth.score(GRID)),
        "cost_s": cost_s,
        "scores": scores,
    }


def appraise_surrogate(
    samples: int, seeds: range, drawn: npt.NDArray[np.int64], truth: NASBench201Accuracy
) -> dict[str, Any]:
    """Rank by surrogates that saw other architectures than those they are asked about."""
    everyone = np.arange(len(GRID))
    others, accuracies = np.setdiff1d(everyone, drawn), truth.score(GRID)
    found, costs = [], []
    for seed in seeds:
        seen = np.random.default_rng(seed).choice(others, samples, replace=False)
        surrogate = AccuracySurrogate.fit(space, GRID[seen], accuracies[seen], seed)
        unseen = np.setdiff1d(everyone, seen)
        figures = {
            of: correlations(surrogate.score(GRID[places]), accuracies[places])
            for of, places in (("drawn", drawn), ("all", unseen))
        }
        figures["all"]["mae"] = surrogate.evaluate(GRID[unseen], accuracies[unseen])["mae"]
        found.append(figures)
        costs.append(surrogate.cost_s)
    means = {
        of: {key: fmean(one[of][key] for one in found) for key in found[0][of]}
        for of in ("drawn", "all")
    }
    return {"proxy": f"surrogate {samples}", **means, "cost_s": fmean(costs), "seeds": found}


def render(rows: list[dict[str, Any]], count: int, dataset: str) -> None:
    """Print the correlations."""
    table = Table("score", title=f"rank correlation with {dataset} accuracy, NAS-Bench-201")
    for of in (f"{count} drawn", "all"):
        for name in ("Spearman", "Kendall", "upper half"):
            table.add_column(f"{name}\n{of}", justify="right")
    table.add_column("seconds each", justify="right")
    for row in rows:
        cells = []
        for of in ("drawn", "all"):
            values = row.get(of, {})
            for key in ("spearman", "kendall_tau", "spearman_upper_half"):
                cells.append(f"{values[key]:.3f}" if key in values else "")
        if "interval" in row:
            cells[0] += " [{:.2f}, {:.2f}]".format(*row["interval"])
        table.add_row(row["proxy"], *cells, f"{row['cost_s']:.2g}")
    show(table, {})


def summarize(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Name the figures that are followed from one version to the next."""
    summary = {}
    for row in rows:
        key = row["proxy"].replace(" ", "_")
        summary[f"{key}_spearman"] = row["drawn"]["spearman"]
        summary[f"{key}_kendall_tau"] = row["drawn"]["kendall_tau"]
        summary[f"{key}_spearman_all"] = row.get("all", {}).get("spearman", math.nan)
        summary[f"{key}_seconds"] = row["cost_s"]
    return summary


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100, help="random architectures")
    parser.add_argument("--dataset", choices=DATASETS, default="cifar10")
    parser.add_argument("--seed", type=int, default=0, help="of the draw and of GenNAS")
    parser.add_argument("--seeds", type=int, default=5, help="of each surrogate")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_COUNT} architectures")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.quick:
        options.count, options.seeds = QUICK_COUNT, QUICK_SEEDS
    if options.count < 5 or options.seeds < 1:
        parser.error("--count takes five or more, --seeds one or more")
    return options


def main() -> int:
    """Run the benchmark."""
    import torch

    torch.set_num_threads(1)
    options, load_before = parse(), os.getloadavg()
    truth = NASBench201Accuracy(options.dataset)
    drawn = np.random.default_rng(options.seed).choice(len(GRID), options.count, replace=False)
    rows = GRID[drawn]
    accuracies = truth.score(rows)
    counts = {"parameters": space.parameters, "multiply_adds": space.multiply_adds}
    table = [appraise_counts(name, count, rows, truth) for name, count in counts.items()]
    seeds = range(options.seed, options.seed + options.seeds)
    table += [appraise_surrogate(samples, seeds, drawn, truth) for samples in SAMPLES]
    scores, cost_s = score_gennas(rows, options.seed)
    gennas = {"proxy": "gennas", "drawn": correlations(scores, accuracies), "cost_s": cost_s}
    table.insert(0, gennas | {"scores": scores})
    for row in table:
        if "scores" in row:
            row["interval"] = interval(row["scores"], accuracies, options.seed)
            row["scores"] = row["scores"].tolist()
    render(table, options.count, options.dataset)
    taken = conditions(resolve_target({"kind": "llvm", "num-cores": 1}), load_before)
    taken |= {"dataset": options.dataset, "seed": options.seed}
    taken["gennas"] = str(GenNAS(space).settings)
    architectures = [
        {"architecture": space.format(row), "accuracy": accuracy}
        for row, accuracy in zip(rows, accuracies.tolist(), strict=True)
    ]
    report = [{"architectures": architectures}, *table]
    write_report(options.json, "proxies", taken, report, summarize(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
