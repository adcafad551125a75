"""Running what a stranger's file asks of TVM where a crash harms nobody.

TVM 0.27 ends the process on a seventh of the randomly altered traces, and on some altered IR.
"""

import faulthandler
import gc
import json
import os
import select
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cosearch.schedules.store.codec import first_line

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """What a check gave: a value, or a fault."""

    value: Any = None
    fault: str = ""


def run_isolated(
    check: Callable[[T], Any], items: Sequence[T], timeout_s: float = 30.0
) -> Iterator[Outcome]:
    """Run a check on each item in a forked child, and carry on after an item that kills it.

    Parameters
    ----------
    check : callable
        Returns something that JSON can hold; what it raises becomes the fault.
    items : sequence
        One fork serves all items up to the next one that ends it.
    timeout_s : float
        Time that one item may take, in seconds.

    Yields
    ------
    Outcome
        One per item, in order.
    """
    if not hasattr(os, "fork"):
        yield from (_outcome(check, item) for item in items)
        return
    done = 0
    while done < len(items):
        for outcome in _run_child(check, items[done:], timeout_s):
            done += 1
            yield outcome


def _run_child(
    check: Callable[[T], Any], items: Sequence[T], timeout_s: float
) -> Iterator[Outcome]:
    """Yield the outcomes of a child; the last one is its death, if it died early."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns where threads run; the child uses none of their locks.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _child(check, items, writer)
    os.close(writer)
    status, count = None, 0
    try:
        with os.fdopen(reader, "rb") as results:
            for line in _lines(results.fileno(), timeout_s):
                count += 1
                yield Outcome(**json.loads(line))
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        yield Outcome(fault=f"TVM was not done with it after {timeout_s:g} s")
        count = len(items)
    except BaseException:  # an interrupt, or a caller that has seen enough
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        status = os.waitpid(child, 0)[1]
    if count < len(items):
        yield Outcome(fault=f"TVM crashes on it ({_death(status)})")


def _child(check: Callable[[T], Any], items: Sequence[T], writer: int) -> None:
    code = 1
    try:
        # Nothing of the parent's may be finalised here: connections would be closed.
        gc.disable()
        # What a dying child prints would read as if the program had crashed.
        faulthandler.disable()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for item in items:
            line = json.dumps(vars(_outcome(check, item))).encode() + b"\n"
            while line:
                line = line[os.write(writer, line) :]
        code = 0
    finally:
        os._exit(code)


def _outcome(check: Callable[[T], Any], item: T) -> Outcome:
    try:
        return Outcome(value=check(item))
    except Exception as error:  # whatever TVM raises
        return Outcome(fault=first_line(error))


def _lines(descriptor: int, timeout_s: float) -> Iterator[bytes]:
    buffer = b""
    deadline = time.monotonic() + timeout_s
    while True:
        if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return
        buffer += chunk
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            yield line
            deadline = time.monotonic() + timeout_s


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit {os.WEXITSTATUS(status)}"
