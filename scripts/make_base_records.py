"""Tune the networks whose records the package carries, and put these in their place.

    python scripts/make_base_records.py              # AVX-512 and AVX2, one and two threads
    python scripts/make_base_records.py --cpu native --threads 1 4 --output mine.sqlite

It needs a machine that can run what it tunes for, and nothing else to do: half an hour on two
cores. Records go to a working file next to the output as they are measured, so it can be ended and
run again; the output is written in the end: the best records of each workload, and the cost models
learnt from all of them.
"""

import argparse
import shutil
import sqlite3
import sys
from pathlib import Path

from rich.console import Console

from cosearch.frontend import from_onnx
from cosearch.report import TuningBar
from cosearch.schedules import (
    ScheduleDatabase,
    extract_workloads,
    lower_to_workloads,
    resolve_target,
    tune,
)
from cosearch.schedules.store.base import BASE_FILE

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from networks import NAS_NETWORKS, load_network

CPUS = ("native", "x86-64-v3")
KEPT = 2
"""Records of a workload that are kept: the second one for where the first does not apply."""
console = Console()


def main() -> int:
    """Tune what is missing, and write the output."""
    options = parse()
    working = options.output.with_suffix(".working.sqlite")
    for name in options.networks:
        mod = from_onnx(load_network(name))
        for cpu in options.cpu:
            for threads in options.threads:
                target = resolve_target(f"llvm -mcpu={cpu} -num-cores={threads}")
                console.print(f"{name}, {cpu}, {threads} threads")
                with (
                    ScheduleDatabase(working, base=False) as database,
                    TuningBar(console) as bar,
                ):
                    result = tune(
                        extract_workloads(lower_to_workloads(mod, target)),
                        database,
                        target,
                        trials_per_task=options.trials,
                        network=f"{Path(name).stem} (shipped)",
                        progress=bar.update,
                    )
                database.close()
                if result.interrupted:
                    return 130
    write(working, options.output)
    console.print(f"wrote {options.output}: {options.output.stat().st_size / 2**20:.1f} MiB")
    return 0


def write(working: Path, output: Path) -> None:
    """Keep the best of each workload, in a file that is as small as it can be."""
    temporary = output.with_suffix(".new.sqlite")
    with sqlite3.connect(working) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(working, temporary)
    database = ScheduleDatabase(temporary, base=False)
    database.prune(KEPT)
    database.close()
    raw = sqlite3.connect(temporary)
    # A reader must not need to write beside a file that may lie in a folder of the system's.
    raw.execute("PRAGMA journal_mode=DELETE")
    raw.execute("VACUUM")
    raw.close()
    temporary.replace(output)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "networks", nargs="*", default=list(NAS_NETWORKS), help="names or ONNX files"
    )
    parser.add_argument(
        "--cpu", nargs="+", default=list(CPUS), help="as LLVM names them, or native"
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--trials", type=int, default=8, help="candidates for each workload")
    parser.add_argument("--output", type=Path, default=BASE_FILE, metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
