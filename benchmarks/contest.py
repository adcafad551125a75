"""Processes that each run one network in one system, and take turns (see `contestant.py`)."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

TURN_S = 0.25


class Contestant:
    """A process that runs a network in one system.

    Parameters
    ----------
    log : file
        Where what it prints goes.
    threads : int
        Threads for its kernels.
    """

    def __init__(self, log: Any, threads: int) -> None:
        script = Path(__file__).with_name("contestant.py")
        environment = {
            **os.environ,
            "TVM_NUM_THREADS": str(threads),
            "OMP_NUM_THREADS": str(threads),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer."""
        self.send(**request)
        return self.answer()

    def send(self, **request: Any) -> None:
        """Send a request; `answer` waits for what it gives."""
        assert self.process.stdin is not None
        # A process that has ended does not answer, which says more.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for the answer to a request."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            return {"error": f"its process ended with {self.process.wait()}"}
        reply: dict[str, Any] = json.loads(line)
        return reply

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


def run_in_turns(contestants: Mapping[str, Contestant], rounds: int) -> dict[str, list[float]]:
    """Let each run its network for a while, A B C A B C …; return the seconds of its runs."""
    seconds: dict[str, list[float]] = {system: [] for system in contestants}
    for _ in range(rounds):
        for system, contestant in contestants.items():
            seconds[system] += contestant.ask(run=TURN_S)["seconds"]
    return seconds


def first_outputs(contestants: Mapping[str, Contestant], folder: Path) -> dict[str, np.ndarray]:
    """Return what each gave for the same input."""
    outputs = {}
    for system, contestant in contestants.items():
        contestant.ask(output=str(folder / f"{system}.npy"))
        outputs[system] = np.load(folder / f"{system}.npy")
    return outputs


def relative_error(output: np.ndarray, reference: np.ndarray) -> float:
    """Return the largest difference by the reference's largest value."""
    return float(np.abs(output - reference).max() / np.abs(reference).max())
