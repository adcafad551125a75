"""IR and times as they are stored: compressed JSON, never a pickle."""

import json
import math
import zlib
from hashlib import blake2b
from typing import Any

import tvm
import tvm_ffi
from tvm.ir import IRModule
from tvm.s_tir import SBlock
from tvm.tirx import PrimFunc
from tvm_ffi.serialization import from_json_graph_str

from cosearch.schedules.store.errors import DamagedDataError

MAX_IR_BYTES = 64 << 20

# The attributes that a schedule depends on; the others (names, fusion patterns) would make equal
# workloads look different.
_KEPT_ATTRIBUTES = frozenset({"layout_free_buffers", "s_tir"})


def pack(text: str) -> bytes:
    """Compress text."""
    return zlib.compress(text.encode(), 6)


def unpack(data: bytes, limit: int) -> str:
    """Decompress text of at most `limit` bytes.

    Raises
    ------
    DamagedDataError
        When the data is cut short, altered, not UTF-8, or larger than `limit`: it may come from a
        stranger's file, and a few kilobytes can unfold to gigabytes.
    """
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(data, limit)
        if stream.unconsumed_tail:
            raise DamagedDataError(f"it unfolds to more than {limit} bytes")
        if not stream.eof:
            raise DamagedDataError("its compressed data is cut short")
        return raw.decode()
    except (zlib.error, UnicodeDecodeError, TypeError) as error:
        raise DamagedDataError(f"its compressed data is damaged ({error})") from error


def parse_json(text: str) -> Any:
    """Parse JSON, whatever is wrong with it being one kind of error."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise DamagedDataError(f"it is not JSON ({error})") from error


def check_latencies(latencies: Any) -> tuple[float, ...]:
    """Return measured times that are finite and positive.

    Raises
    ------
    DamagedDataError
        When they are anything else.
    """
    if not isinstance(latencies, list | tuple):
        raise DamagedDataError("latencies are a list of numbers")
    for value in latencies:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DamagedDataError(f"a latency is a number of microseconds, not {value!r}")
        if not math.isfinite(value) or value <= 0:
            raise DamagedDataError(f"a latency is finite and above zero, not {value!r}")
    return tuple(float(value) for value in latencies)


def canonical_module(mod: IRModule) -> IRModule:
    """Return a module whose only function is `main`, the workload without irrelevant attributes.

    Raises
    ------
    ValueError
        When `mod` is not a module of one PrimFunc.
    """
    functions = [func for _, func in mod.functions_items()]
    if len(functions) != 1 or not isinstance(functions[0], PrimFunc):
        names = ", ".join(var.name_hint for var, _ in mod.functions_items()) or "nothing"
        raise ValueError(f"a workload is a module of one PrimFunc, but this one holds {names}")
    func = functions[0]
    for name in list(func.attrs.keys() if func.attrs else ()):
        if name not in _KEPT_ATTRIBUTES:
            func = func.without_attr(name)
    func = func.with_attr("global_symbol", "main").with_attr("tirx.noalias", True)
    return IRModule({"main": func})


def module_text(mod: IRModule) -> str:
    """Write a canonical module as JSON."""
    return str(tvm.ir.save_json(mod))


def read_module(text: str) -> IRModule:
    """Read a module; in the canonical form, if it was not.

    Raises
    ------
    DamagedDataError
        When the text is no module of one PrimFunc.
    """
    try:
        mod = _load(text)
        if not isinstance(mod, IRModule):
            raise DamagedDataError(f"its IR is a {type(mod).__name__}, not a module")
        return canonical_module(mod)
    except DamagedDataError:
        raise
    except Exception as error:
        raise DamagedDataError(f"TVM cannot read its IR ({first_line(error)})") from error


def _load(text: str) -> Any:
    """Read an object; as TVM reads what older versions wrote only where that is needed.

    ``tvm.ir.load_json`` first rewrites the whole text in Python, which takes longer than the rest.
    """
    try:
        return from_json_graph_str(text)
    except Exception:
        return tvm.ir.load_json(text)


def digest(text: str) -> str:
    """Digest of 128 bits as 32 hex digits."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def same_workload(one: IRModule, other: IRModule) -> bool:
    """Tell whether a trace for one canonical module applies to another.

    Their structure is equal, and so are the names of their blocks, by which a trace speaks of
    them.
    """
    left, right = one["main"], other["main"]
    return bool(tvm_ffi.structural_equal(left, right)) and block_names(left) == block_names(right)


def block_names(func: PrimFunc) -> list[str]:
    """Names of the blocks of a PrimFunc, children first."""
    names: list[str] = []
    tvm_ffi.structural_walk(func.body, (SBlock, lambda block: names.append(str(block.name_hint))))
    return names


def first_line(error: BaseException) -> str:
    """First line of an error's text, for a message of one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
