"""Targets as users write them, resolved to what LLVM and a record need."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from tvm.target import Target, codegen

from cosearch._threads import default_threads

_OPTION = re.compile(r"-{1,2}([A-Za-z][\w-]*)(?:=(.*))?")
_INTEGER_OPTIONS = {"num-cores", "vector-width", "opt-level"}
_LIST_OPTIONS = {"mattr", "keys", "libs", "cl-opt"}


def resolve_target(target: str | Mapping[str, Any] | Target | None = None) -> Target:
    """Turn a target in any of the accepted forms into one that says CPU and threads.

    Parameters
    ----------
    target : str or mapping or tvm.target.Target, optional
        A TVM target or its dict, JSON, or a Relay-style string such as
        ``"llvm -mcpu=native -num-cores=2"``. ``native`` becomes the CPU's real name; a missing
        ``mcpu`` of an ``llvm`` target without triple does as well; a missing ``num-cores`` becomes
        the number of physical cores that this process may use. By default, this machine.

    Returns
    -------
    tvm.target.Target
        A target with ``mcpu`` and ``num-cores``.

    Raises
    ------
    ValueError
        When the target cannot be parsed, or LLVM does not know its CPU.
    """
    config = _as_config(target)
    if config.get("kind") == "llvm":
        _resolve_cpu(config)
    config.setdefault("num-cores", default_threads())
    try:
        return Target(config)
    except Exception as error:
        raise ValueError(
            f"TVM refuses the target {json.dumps(config)}: {_first_line(error)}"
        ) from error


def with_threads(target: Target | None) -> Target:
    """Return the target that code is being generated for, with the number of its threads.

    Unlike `resolve_target` this leaves the CPU as it is: where a target names none, LLVM generates
    generic code, and schedules of the real CPU must not be taken for it.

    Parameters
    ----------
    target : tvm.target.Target or None
        The target in force; None stands for this machine.
    """
    if target is None:
        return resolve_target()
    if "num-cores" in target.attrs:
        return target
    return Target({**target.export(), "num-cores": default_threads()})


def _as_config(target: str | Mapping[str, Any] | Target | None) -> dict[str, Any]:
    if target is None:
        target = Target.current(allow_none=True) or "llvm"
    if isinstance(target, Target):
        return dict(target.export())
    if isinstance(target, Mapping):
        return dict(target)
    if isinstance(target, str):
        text = target.strip()
        return _parse_json(text) if text.startswith("{") else _parse_relay_string(text)
    raise ValueError(
        f"a target is a string, a dict or a tvm.target.Target, not {type(target).__name__}"
    )


def _parse_json(text: str) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the target {text!r} is not readable as JSON: {error}") from None
    return config


def _parse_relay_string(text: str) -> dict[str, Any]:
    words = shlex.split(text)
    if not words or words[0].startswith("-"):
        raise ValueError(f"the target {text!r} does not start with a kind, such as llvm")
    config: dict[str, Any] = {"kind": words[0]}
    for word in words[1:]:
        match = _OPTION.fullmatch(word)
        if match is None:
            raise ValueError(
                f"cannot read {word!r} in the target {text!r}: options look like -mcpu=native"
            )
        name, value = match.group(1), match.group(2)
        config[name] = _parse_option(name, value, text)
    return config


def _parse_option(name: str, value: str | None, text: str) -> Any:
    if value is None:
        return True
    if name in _LIST_OPTIONS:
        return value.split(",")
    if name in _INTEGER_OPTIONS:
        try:
            return int(value)
        except ValueError:
            raise ValueError(
                f"-{name} takes a whole number, not {value!r}, in the target {text!r}"
            ) from None
    return value


def _resolve_cpu(config: dict[str, Any]) -> None:
    cpu = config.get("mcpu")
    if cpu == "native" or (cpu is None and "mtriple" not in config):
        config["mcpu"] = codegen.llvm_get_system_cpu()
    elif cpu is not None and "mtriple" not in config and cpu not in _known_cpus():
        raise ValueError(
            f"LLVM does not know the CPU {cpu!r}: use -mcpu=native, or a name out of "
            f"`llc -march=x86-64 -mcpu=help`"
        )


def _known_cpus() -> frozenset[str]:
    names = codegen.llvm_get_cpu_archlist(Target({"kind": "llvm"}))
    return frozenset(str(name) for name in names)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
