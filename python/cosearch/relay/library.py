"""What ``relay.build`` returns: a compiled network."""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tvm
from tvm import relax

from cosearch.relay.metadata import FUNCTION, Metadata
from cosearch.report.reuse import ReuseReport


class Library:
    """A compiled network.

    Parameters
    ----------
    executable : tvm.runtime.Executable or tvm.runtime.Module
        What TVM compiled, or loaded.
    metadata : Metadata
        What it knows of itself.
    mod_name : str
        The name under which it is found.
    """

    def __init__(self, executable: Any, metadata: Metadata, mod_name: str = "default") -> None:
        self.executable = executable
        self.metadata = metadata
        self.mod_name = mod_name

    @property
    def reuse(self) -> ReuseReport:
        """How each kernel's schedule came.

        Raises
        ------
        AttributeError
            When the network was built without co-search.
        """
        if self.metadata.reuse is None:
            raise AttributeError(
                "this library was built without co-search: build it inside "
                'PassContext(config={"relax.cosearch.enable": True}) or a ScheduleDatabase.'
            )
        return self.metadata.reuse

    def __getitem__(self, name: str) -> Callable[[Any], "Library"]:
        """Return Relay's factory function: ``GraphModule(lib["default"](device))``."""
        if name != self.mod_name:
            raise KeyError(f"the library holds {self.mod_name!r}, not {name!r}")
        return lambda _device: self

    def profile(self, seed: int = 0) -> ReuseReport:
        """Measure each kernel where it stands, on random input, and the peak of the machine.

        Parameters
        ----------
        seed : int
            For the input.

        Returns
        -------
        ReuseReport
            `Library.reuse` with measured times, and so with shares of the time and of the peak.
        """
        from cosearch.latency import peak_gflops
        from cosearch.latency.laboratory import laboratory_for
        from cosearch.relay.measure_network import measure_network

        target = tvm.target.Target(json.loads(self.metadata.target))
        labels = measure_network(self, laboratory_for(target), seed=seed)
        latency_us = {name: label.latency_us for name, label in labels.kernels.items()}
        peak = peak_gflops(target) if target.kind.name == "llvm" else None
        return self.reuse.with_measured(latency_us, peak)

    def export_library(self, file_name: str | Path, **options: Any) -> None:
        """Write the network as a shared library, which a process with TVM's runtime can load.

        Parameters
        ----------
        file_name : str or pathlib.Path
            Where to write, such as ``"net.so"``.
        **options
            Passed on to TVM's ``export_library``.

        Raises
        ------
        OSError
            When the folder does not exist or cannot be written.
        """
        path = Path(file_name)
        if not path.parent.is_dir():
            raise FileNotFoundError(f"cannot write {path}: there is no folder {path.parent}")
        with _without_scope_warnings():
            self.executable.export_library(str(path), **options)


def load_library(file_name: str | Path) -> Library:
    """Load a network that `Library.export_library` wrote.

    Only load libraries that you trust: they are machine code.

    Parameters
    ----------
    file_name : str or pathlib.Path
        The shared library.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is no library that `Library.export_library` wrote.
    """
    path = Path(file_name)
    if not path.is_file():
        raise FileNotFoundError(f"there is no library {path}")
    try:
        with _without_scope_warnings():
            module = tvm.runtime.load_module(str(path))
        text = relax.VirtualMachine(module, tvm.cpu())[FUNCTION]()
    except (RuntimeError, AttributeError, ValueError, OSError) as error:
        raise ValueError(
            f"{path} is no network that Library.export_library wrote: {error}"
        ) from error
    return Library(module, Metadata.from_json(str(text)))


@contextlib.contextmanager
def _without_scope_warnings() -> Iterator[None]:
    """Drop the line that TVM's C++ writes to standard error for each constant it saves or loads."""
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(original, 2)
            os.close(original)
            captured.seek(0)
            kept = [line for line in captured if not _is_scope_warning(line)]
            sys.stderr.write(b"".join(kept).decode(errors="replace"))


def _is_scope_warning(line: bytes) -> bool:
    return b"Warning: Scope Saving:" in line or b"Warning: Scope Loaded:" in line
