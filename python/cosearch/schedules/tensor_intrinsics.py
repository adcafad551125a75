"""Registering TVM's tensor intrinsics in a fraction of the time.

MetaSchedule imports ``tvm.s_tir.tensor_intrin`` before it makes a search space. Each of the 250
intrinsics there asks `inspect.stack` for its callers with their source lines, and looks through all
loaded modules for each line: 20 s where torch is loaded, 2 s without the lines. Four in five are
for GPUs.
"""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType

PACKAGE = "tvm.s_tir.tensor_intrin"
CPU_MODULES = ("arm_cpu", "riscv_cpu", "x86")


@contextmanager
def cpu_intrinsics() -> Iterator[None]:
    """Register the intrinsics of CPUs, and keep MetaSchedule from importing the others meanwhile.

    Whoever imports the package afterwards gets them all.
    """
    if PACKAGE in sys.modules:
        yield
        return
    found = importlib.util.find_spec(PACKAGE)
    package = ModuleType(PACKAGE)
    package.__path__ = list(found.submodule_search_locations or ()) if found else []
    sys.modules[PACKAGE] = package
    try:
        with _stack_without_source():
            for name in CPU_MODULES:
                importlib.import_module(f"{PACKAGE}.{name}")
        yield
    finally:
        del sys.modules[PACKAGE]


@contextmanager
def _stack_without_source() -> Iterator[None]:
    """Let `inspect.stack` leave out the source lines, which only scripts in classes need."""
    original = inspect.stack
    inspect.stack = _stack
    try:
        yield
    finally:
        inspect.stack = original


def _stack(context: int = 1) -> list[inspect.FrameInfo]:
    del context
    infos = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        infos.append(
            inspect.FrameInfo(frame, code.co_filename, frame.f_lineno, code.co_name, None, None)
        )
        frame = frame.f_back
    return infos
