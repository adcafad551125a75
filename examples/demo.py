"""Tune one network, then build another of its family from the database, without tuning.

Run by ``make demo``. Everything it prints was measured in this run.
"""

import argparse
import io
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import torch
from mbconv_family import FIRST, SECOND, MBConvNet, calibrate
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_sample_images
from tvm.ir import IRModule
from tvm.target import Target

from cosearch import ScheduleDatabase, relay
from cosearch.blocks import find_blocks
from cosearch.peers import (
    Runner,
    import_onnx_as_tvm,
    library_runner,
    peer_runners,
    torch_runner,
    tvm_runner,
)
from cosearch.report import TuningBar, render_reuse, run_side_by_side
from cosearch.schedules import extract_workloads, lower_to_workloads, resolve_target, tune

SIZE = 128
console = Console(width=110)


def main() -> None:
    """Run the demo."""
    options = parse_arguments()
    started = time.perf_counter()
    target = resolve_target(
        f"llvm -mcpu=native -num-cores={options.threads}" if options.threads else None
    )
    threads = int(target.attrs["num-cores"])
    console.rule(f"{target.attrs['mcpu']}, {threads} threads")

    torch.manual_seed(options.seed)
    pictures, crops = load_pictures()
    first = calibrate(MBConvNet(FIRST), crops)
    second = calibrate(MBConvNet(SECOND), crops)

    console.rule("1. Import a network from torch and lift its blocks")
    mod, _ = relay.frontend.from_pytorch(first, (pictures,))
    describe_blocks("first", mod)

    with tempfile.TemporaryDirectory() as folder:
        url = options.db or str(Path(folder) / "schedules.sqlite")
        with ScheduleDatabase(url) as database:
            console.rule("2. Tune its kernels into a database")
            tuned_in = tune_network(mod, database, target, options)

            console.rule("3. Build another network of the family from ONNX, with no tuning")
            onnx_bytes = to_onnx(second, pictures)
            begin = time.perf_counter()
            mod, params = relay.frontend.from_onnx(onnx_bytes)
            lib = relay.build(mod, target, params=params)
            built_in = time.perf_counter() - begin
        with ScheduleDatabase.in_memory():
            untuned = relay.build(mod, target, params=params)
        describe_blocks("second", mod)
        console.print(render_reuse(lib.reuse))

    console.rule("4. Run it on a picture, beside the others")
    inputs = {"input": pictures.numpy()}
    runners: dict[str, Runner] = {
        "cosearch, schedules reused": library_runner(lib, inputs),
        "cosearch, empty database": library_runner(untuned, inputs),
        "TVM's default": tvm_runner(
            import_onnx_as_tvm(onnx.load_from_string(onnx_bytes)), target, inputs
        ),
        "torch eager": torch_runner(second, threads, [pictures.numpy()]),
    }
    runners |= peer_runners(onnx_bytes, threads, inputs)
    compare(runners, "torch eager")
    total = time.perf_counter() - started
    console.print(
        f"tuning the first network took {tuned_in:.0f} s; importing and building the second "
        f"{built_in:.1f} s, with nothing measured; all of this {total:.0f} s"
    )


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=480, help="candidates to measure in all")
    parser.add_argument("--seconds", type=float, default=180, help="time for tuning at most")
    parser.add_argument("--threads", type=int, help="threads; by default the physical cores")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and search")
    parser.add_argument("--db", help="database to keep; by default one that is thrown away")
    return parser.parse_args()


def load_pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """Return a picture of a flower [1, 3, SIZE, SIZE], and crops [32, 3, …] to calibrate with."""
    china, flower = (image.astype(np.float32) / 127.5 - 1 for image in load_sample_images().images)
    rng = np.random.default_rng(0)
    crops = []
    for image in (china, flower) * 16:
        top, left = (rng.integers(0, extent - 2 * SIZE) for extent in image.shape[:2])
        crops.append(image[top : top + 2 * SIZE : 2, left : left + 2 * SIZE : 2])
    picture = flower[40 : 40 + 3 * SIZE : 3, 100 : 100 + 3 * SIZE : 3]
    as_tensor = [
        torch.from_numpy(np.stack(x).transpose(0, 3, 1, 2).copy()) for x in ([picture], crops)
    ]
    return as_tensor[0], as_tensor[1]


def describe_blocks(name: str, mod: IRModule) -> None:
    """Count the blocks that were found."""
    blocks = find_blocks(mod)
    kinds = Counter(block.pattern for block in blocks)
    distinct = len({block.signature.shape_aware for block in blocks})
    text = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    console.print(f"the {name} network: {len(blocks)} blocks ({text}), {distinct} of them distinct")


def tune_network(
    mod: IRModule, database: ScheduleDatabase, target: Target, options: argparse.Namespace
) -> float:
    """Tune the kernels of a network; return the seconds that took."""
    tasks = extract_workloads(lower_to_workloads(mod, target))
    console.print(f"{len(tasks)} workloads, at most {options.trials} candidates")
    begin = time.perf_counter()
    with TuningBar(console) as bar:
        result = tune(
            tasks,
            database,
            target,
            trials=options.trials,
            seconds=options.seconds,
            network="first",
            seed=options.seed,
            progress=bar.update,
        )
    seconds = time.perf_counter() - begin
    console.print(
        f"{result.trials} candidates measured in {seconds:.0f} s "
        f"({result.trials / seconds:.1f} a second), {result.failed} failed"
    )
    return seconds


def to_onnx(network: torch.nn.Module, pictures: torch.Tensor) -> bytes:
    """Export a torch network as ONNX."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (pictures,), buffer, input_names=["input"], dynamo=False, verbose=False
        )
    return buffer.getvalue()


def compare(runners: dict[str, Runner], reference: str) -> None:
    """Time the runners side by side, and compare their outputs."""
    outputs = {name: runner()[0] for name, runner in runners.items()}
    timings = run_side_by_side(runners)
    fastest = timings[next(iter(runners))].latency_us
    table = Table()
    for column in (
        "",
        "latency, ms",
        "± %",
        "times cosearch",
        f"largest difference from {reference}",
    ):
        table.add_column(column, justify="right" if column else "left")
    scale = float(np.abs(outputs[reference]).max())
    for name, timing in timings.items():
        difference = float(np.abs(outputs[name] - outputs[reference]).max()) / scale
        table.add_row(
            name,
            f"{timing.latency_us / 1e3:.2f}",
            f"{100 * timing.spread:.1f}",
            f"{timing.latency_us / fastest:.2f}",
            "" if name == reference else f"{difference:.1e} of the largest output",
        )
    console.print(table)


if __name__ == "__main__":
    main()
