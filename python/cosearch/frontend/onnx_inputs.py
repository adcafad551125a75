"""Shapes and data types of an ONNX graph's inputs, from the model and from the user."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tvm

from cosearch.frontend.errors import FrontendError

if TYPE_CHECKING:
    import onnx

Extent = int | str | None


def resolve_inputs(
    graph: "onnx.GraphProto",
    shape: Mapping[str, Sequence[Extent]] | None,
    dtype: str | Mapping[str, str] | None,
) -> dict[str, tuple[list[Any], str]]:
    """Each input's shape and data type.

    Returns
    -------
    dict
        By name: the extents, ints or TVM's symbolic variables, and the data type.

    Raises
    ------
    FrontendError
        For an unknown input, and a shape or type that is missing or contradicts the model.
    """
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in weights}
    shape = _by_input("shape", shape or {}, inputs)
    dtypes = dtype if isinstance(dtype, Mapping) else dict.fromkeys(inputs, dtype) if dtype else {}
    dtypes = _by_input("dtype", dtypes, inputs)
    symbols: dict[str, Any] = {}
    return {
        name: (
            _shape(name, value, shape.get(name), symbols),
            _dtype(name, value, dtypes.get(name)),
        )
        for name, value in inputs.items()
    }


def _by_input(what: str, given: Mapping[str, Any], inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise FrontendError(f"{what} must map names of inputs, {_names(inputs)}, to values")
    for name in given:
        if name not in inputs:
            raise FrontendError(
                f"{what} names the input {name!r}, which the model has not: "
                f"its inputs are {_names(inputs)}"
            )
    return given


def _names(inputs: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, inputs)) or "none"


def _shape(
    name: str, value: "onnx.ValueInfoProto", given: Sequence[Extent] | None, symbols: dict[str, Any]
) -> list[Any]:
    declared = _declared_shape(value)
    if given is None:
        if declared is None:
            raise _missing(name, None, declared)
        for axis, extent in enumerate(declared):
            if not isinstance(extent, int):
                raise _missing(name, axis, declared)
        return list(declared)
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise FrontendError(f"shape of input {name!r} must be a sequence of extents, not {given!r}")
    if declared is not None and len(given) != len(declared):
        raise FrontendError(
            f"shape {tuple(given)} for input {name!r} has {len(given)} axes, the model's "
            f"{_tell(declared)} has {len(declared)}"
        )
    axes = declared if declared is not None else [None] * len(given)
    return [
        _extent(name, axis, wanted, known, symbols)
        for axis, (wanted, known) in enumerate(zip(given, axes, strict=True))
    ]


def _extent(name: str, axis: int, given: Any, known: Extent, symbols: dict[str, Any]) -> Any:
    symbolic = given is None or isinstance(given, str) or given == -1
    if isinstance(known, int):
        if symbolic or given != known:
            raise FrontendError(
                f"shape gives axis {axis} of input {name!r} as {given!r}, the model fixes it to "
                f"{known}: export the model with that axis dynamic, or give {known}"
            )
        return known
    if symbolic:
        symbol = given if isinstance(given, str) else known or f"{name}_{axis}"
        return symbols.setdefault(symbol, tvm.tirx.Var(_identifier(symbol), "int64"))
    if isinstance(given, bool) or not hasattr(given, "__index__") or given < 1:
        raise FrontendError(f"extent {given!r} of axis {axis} of input {name!r} is not above 0")
    return int(given)


def _identifier(symbol: str) -> str:
    name = "".join(letter if letter.isalnum() else "_" for letter in symbol)
    return name if name[:1].isalpha() else f"n_{name}"


def _missing(name: str, axis: int | None, declared: list[Extent] | None) -> FrontendError:
    rank = 4 if declared is None else len(declared)
    known = declared or [None] * rank
    example = tuple(
        extent if isinstance(extent, int) else (1, 3, 224, 224)[i] if rank == 4 else 1
        for i, extent in enumerate(known)
    )
    what = "has no shape in the model" if axis is None else f"is dynamic in axis {axis}"
    symbol = f" ({known[axis]!r})" if axis is not None and known[axis] else ""
    return FrontendError(
        f"input {name!r} {what}{symbol}: give its shape, as shape={{{name!r}: {example}}}; "
        "an extent may be a name, such as 'n', to stay symbolic"
    )


def _declared_shape(value: "onnx.ValueInfoProto") -> list[Extent] | None:
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type"):
        raise FrontendError(f"input {value.name!r} is no tensor: only tensors can be inputs")
    if not kind.HasField("shape"):
        return None
    return [
        int(extent.dim_value)
        if extent.HasField("dim_value") and extent.dim_value > 0
        else extent.dim_param or None
        for extent in kind.shape.dim
    ]


def _tell(declared: Sequence[Extent]) -> str:
    return "(" + ", ".join("?" if extent is None else str(extent) for extent in declared) + ")"


def _dtype(name: str, value: "onnx.ValueInfoProto", given: str | None) -> str:
    from onnx import helper

    element = value.type.tensor_type.elem_type
    known = str(helper.tensor_dtype_to_np_dtype(element)) if element else None
    if given is not None and given != known:
        try:
            given = str(np.dtype(given))
        except TypeError as error:
            raise FrontendError(
                f"dtype {given!r} for input {name!r} is no data type: "
                f"give one such as {known or 'float32'!r}"
            ) from error
    if known is None and given is None:
        raise FrontendError(f"input {name!r} has no data type in the model: give dtype='float32'")
    if known is not None and given is not None and given != known:
        raise FrontendError(
            f"dtype {given!r} for input {name!r} contradicts the model's {known!r}: leave it out, "
            "or convert the model itself"
        )
    return known or str(given)
