"""Importing TVM's tensor intrinsics in a tenth of the time.

MetaSchedule imports ``tvm.s_tir.tensor_intrin`` before it makes a search space. Each of the 250
intrinsics there asks `inspect.stack` for its callers with their source lines, and looks through all
loaded modules for each line: 20 s where torch is loaded, 2 s without the lines.
"""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def load_tensor_intrinsics() -> None:
    """Register TVM's tensor intrinsics, once."""
    if "tvm.s_tir.tensor_intrin" in sys.modules:
        return
    with _stack_without_source():
        import tvm.s_tir.tensor_intrin  # noqa: F401 - it registers what it defines


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
