"""How many queries a second `cosearch serve` answers on the loopback address.

    python benchmarks/serve.py --predictor predictor.json.gz --json serve.json
    python benchmarks/serve.py --quick                       # less than two minutes

The server is a process of its own, the client another one, which holds some connections open and
asks on each for one architecture after another; then for batches. Every answer is compared with the
predictor's own. Without ``--predictor`` a few networks of a small space are measured first.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from labelled import QUICK_BUDGET_S, Family, draw, label
from reporting import conditions, show, write_report
from rich.console import Console
from rich.table import Table

from cosearch import LatencyPredictor, ScheduleDatabase
from cosearch.schedules import resolve_target
from cosearch.spaces import SPACES, space_named

FEW = 6
notes = Console(stderr=True)


@contextlib.contextmanager
def server(predictor: Path, database: str, space: str) -> Iterator[int]:
    """Run ``cosearch serve`` until the end of the block; give its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-c", "from cosearch.cli import main; main()", "serve", space]
    words += ["--port", str(port), "--predictor", str(predictor), "--db", database]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health", timeout=5).read()
                break
            time.sleep(0.1)
        else:
            raise RuntimeError("the server does not answer")
        yield port
    finally:
        process.terminate()
        process.wait()


async def ask(port: int, path: str, bodies: list[bytes], answers: list[Any]) -> None:
    """Ask one question after another on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for place, body in enumerate(bodies):
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        header = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(header.lower().split("content-length:")[1].split("\r\n")[0])
        content = await reader.readexactly(length)
        if " 200 " in header.split("\r\n", maxsplit=1)[0]:
            answers[place] = json.loads(content)
    writer.close()


async def ask_all(port: int, path: str, bodies: list[bytes], connections: int) -> list[Any]:
    """Ask on several connections at once; None in the place of an answer that was lost."""
    parts = [bodies[i::connections] for i in range(connections)]
    found: list[list[Any]] = [[None] * len(part) for part in parts]
    await asyncio.gather(*(ask(port, path, p, f) for p, f in zip(parts, found, strict=True)))
    answers: list[Any] = [None] * len(bodies)
    for i, part in enumerate(found):
        answers[i::connections] = part
    return answers


def measure(port: int, predictor: LatencyPredictor, space: str, options: Any) -> dict[str, float]:
    """Time single queries and batches; count what was lost or wrong."""
    own = space_named(space)
    rows = own.sample(options.architectures, np.random.default_rng(0))
    expected = [predictor.predict(row, space=own).us for row in own.canonical(rows)]
    single = [
        json.dumps({"space": space, "architecture": rows[i % len(rows)].tolist()}).encode()
        for i in range(options.queries)
    ]
    run = asyncio.run(ask_all(port, "/v1/predict", single[: len(rows)], 1))  # new blocks
    start = time.perf_counter()
    run = asyncio.run(ask_all(port, "/v1/predict", single, options.connections))
    seconds = time.perf_counter() - start
    lost = sum(answer is None for answer in run)
    wrong = sum(
        answer is not None and answer["us"] != expected[i % len(rows)]
        for i, answer in enumerate(run)
    )
    many = np.repeat(rows, options.batch // len(rows), axis=0)
    body = json.dumps({"space": space, "architectures": many.tolist()}).encode()
    start = time.perf_counter()
    batches = asyncio.run(ask_all(port, "/v1/predict_batch", [body] * 5, 1))
    batch_s = time.perf_counter() - start
    lost += sum(answer is None for answer in batches)
    return {
        "queries_per_second": len(single) / seconds,
        "batch_architectures_per_second": 5 * len(many) / batch_s,
        "queries": float(len(single)),
        "lost": float(lost),
        "wrong": float(wrong),
    }


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictor", type=Path, metavar="FILE")
    parser.add_argument("--db", default=None, metavar="FILE|URL")
    parser.add_argument("--space", default="mbconv-small", choices=list(SPACES))
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--architectures", type=int, default=8, help="different ones")
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="fewer queries")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.quick:
        options.queries, options.architectures = 4000, 2
    return options


def main() -> int:
    """Run the benchmark."""
    options, load_before = parse(), os.getloadavg()
    target = resolve_target("llvm -mcpu=native -num-cores=1")
    with tempfile.TemporaryDirectory() as folder:
        url = options.db or str(Path(folder) / "labels.sqlite")
        database = ScheduleDatabase(url)
        path = options.predictor
        if path is None:
            family = Family(options.space, space_named(options.space))
            drawn = [(family, name, row) for name, row in draw(family, FEW, 0)]
            label(drawn, database, target, notes, QUICK_BUDGET_S)
            path = LatencyPredictor.fit(database, target).save(Path(folder) / "predictor.json.gz")
        predictor = LatencyPredictor.load(path, database)
        with server(path, url, options.space) as port:
            summary = measure(port, predictor, options.space, options)
    show(Table(show_header=False, box=None), summary)
    taken = conditions(target, load_before) | {"connections": options.connections}
    write_report(options.json, "serve", taken, [], summary)
    return int(bool(summary["lost"] or summary["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
