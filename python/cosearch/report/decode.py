"""Read dataclasses back from JSON, every value checked."""

import math
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def decode(kind: Any, data: Any, where: str = "") -> Any:
    """Rebuild a value of an annotated type from plain data.

    Parameters
    ----------
    kind : type
        A dataclass, or what its fields may be: text, numbers, literals, optional values, tuples of
        any length. A field with a default may be missing; what no field is named for is left out,
        so that reports of other versions can be read.
    data : Any
        What ``json.loads`` gave.
    where : str
        Where the data stands, for messages.

    Raises
    ------
    ValueError
        When the data does not fit the type.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _decode_dataclass(kind, data, where)
    if origin is tuple:
        if not isinstance(data, list | tuple):
            raise _unfit(where, data, "a list")
        return tuple(decode(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if origin in (Union, UnionType):
        if data is None and NoneType in arguments:
            return None
        return decode(next(part for part in arguments if part is not NoneType), data, where)
    if origin is Literal:
        if not isinstance(data, str) or data not in arguments:
            raise _unfit(where, data, f"one of {', '.join(arguments)}")
        return data
    return _decode_plain(kind, data, where)


def _decode_dataclass(kind: Any, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise _unfit(where, data, "an object")
    types = get_type_hints(kind)
    values = {}
    for field in fields(kind):
        place = f"{where}.{field.name}" if where else field.name
        if field.name in data:
            values[field.name] = decode(types[field.name], data[field.name], place)
        elif field.default is MISSING:
            raise ValueError(f"{place} is missing")
    return kind(**values)


def _decode_plain(kind: type, data: Any, where: str) -> Any:
    """Check text, a whole number, or a finite one."""
    accepted = (int, float) if kind is float else kind
    if not isinstance(data, accepted) or isinstance(data, bool):
        raise _unfit(where, data, {str: "text", int: "a whole number", float: "a number"}[kind])
    if isinstance(data, float) and not math.isfinite(data):
        raise _unfit(where, data, "a finite number")
    return kind(data)


def _unfit(where: str, data: Any, wanted: str) -> ValueError:
    shown = repr(data)
    return ValueError(f"{where or 'it'} is {shown[:40]}{'…' * (len(shown) > 40)}, not {wanted}")
