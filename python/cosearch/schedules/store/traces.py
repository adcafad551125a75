"""Traces as they are stored, and what a trace must look like before TVM gets to see it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cosearch.schedules.store.codec import parse_json, unpack
from cosearch.schedules.store.errors import DamagedDataError

MAX_TRACE_BYTES = 16 << 20


def trace_text(trace: Any) -> str:
    """Write a trace, as ``Trace.as_json()`` gives it, as canonical JSON.

    Raises
    ------
    ValueError
        When it is no trace.
    """
    text = json.dumps(trace, default=_plain, separators=(",", ":"))
    check_trace(json.loads(text))
    return text


def read_trace(data: bytes) -> list[Any]:
    """Read a stored trace.

    Raises
    ------
    DamagedDataError
        When it cannot be read, or is no trace.
    """
    return check_trace(parse_json(unpack(data, MAX_TRACE_BYTES)))


def check_trace(trace: Any) -> list[Any]:
    """Return a trace that has the form of one.

    TVM 0.27 does not check it: it reads beyond its memory for a decision on an instruction that is
    not there, and divides by a tile of zero.

    Raises
    ------
    DamagedDataError
        When it has another form.
    """
    if not (
        isinstance(trace, list)
        and len(trace) == 2
        and all(isinstance(half, list) for half in trace)
    ):
        raise DamagedDataError("a trace is a list of instructions and a list of decisions")
    for instruction in trace[0]:
        if not _is_instruction(instruction):
            raise DamagedDataError("an instruction is [kind, inputs, attributes, outputs]")
    for decision in trace[1]:
        if not _is_decision(decision, len(trace[0])):
            raise DamagedDataError(
                "a decision is [instruction, choice], the choice a number or factors above zero"
            )
    return trace


def _is_instruction(data: Any) -> bool:
    return (
        isinstance(data, list)
        and len(data) == 4
        and isinstance(data[0], str)
        and all(isinstance(part, list) for part in data[1:])
        and all(value is not None for value in data[1])
        and all(isinstance(name, str) for name in data[3])
    )


def _is_decision(data: Any, instructions: int) -> bool:
    if not (isinstance(data, list) and len(data) == 2 and type(data[0]) is int):
        return False
    index, choice = data
    if not 0 <= index < instructions:
        return False
    if isinstance(choice, list):
        return all(type(factor) is int and factor > 0 for factor in choice)
    return type(choice) is int


def _plain(value: Any) -> Any:
    if hasattr(value, "value"):  # IntImm and FloatImm
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"a trace does not hold a {type(value).__name__}")
