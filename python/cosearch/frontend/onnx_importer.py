"""TVM's importer of ONNX graphs, which also names the node that it fails on."""

import contextlib
import io
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tvm import relax
from tvm.ir import GenericConst, IRModule
from tvm.relax.frontend.onnx.onnx_frontend import ONNXGraphImporter, _get_convert_map

from cosearch.frontend.errors import FrontendError
from cosearch.frontend.graph import dims

if TYPE_CHECKING:
    import onnx

_DOMAINS = ("", "ai.onnx", "com.microsoft")


def import_graph(proto: "onnx.ModelProto", inputs: Mapping[str, tuple[Any, str]]) -> IRModule:
    """Import a checked model.

    Parameters
    ----------
    proto : onnx.ModelProto
        The model.
    inputs : mapping of str to (shape, data type)
        Its inputs, as `resolve_inputs` returns them.

    Raises
    ------
    FrontendError
        For operators that TVM does not import, and for a node that its importer fails on.
    """
    _check_operators(proto)
    versions = [item.version for item in proto.opset_import if item.domain in ("", "ai.onnx")]
    importer = _NamingImporter(
        {name: list(extents) for name, (extents, _) in inputs.items()},
        {name: dtype for name, (_, dtype) in inputs.items()},
    )
    try:
        # The importer prints the arguments of a node that it fails on.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return importer.from_onnx(proto.graph, versions[0] if versions else 1)
    except FrontendError:
        raise
    except Exception as error:
        raise FrontendError(f"TVM cannot import the ONNX graph: {_short(error)}") from error


def label(node: "onnx.NodeProto") -> str:
    """Quote a node's name for a message; one without a name is told by what it makes."""
    return repr(node.name) if node.name else f"that makes {', '.join(map(repr, node.output))}"


def _check_operators(proto: "onnx.ModelProto") -> None:
    known = {*_get_convert_map(), "Constant", "If"}
    unknown = [
        f"{node.domain + '.' if node.domain else ''}{node.op_type} (node {label(node)})"
        for node in proto.graph.node
        if node.op_type not in known or node.domain not in _DOMAINS
    ]
    if unknown:
        raise FrontendError(
            f"TVM imports no ONNX operator {', '.join(unknown)}: replace it in the network, or "
            "export at another opset_version, where the exporter may spell it by simpler operators"
        )


class _NamingImporter(ONNXGraphImporter):  # type: ignore[misc]
    def _convert_operator(
        self, op_name: str, inputs: Any, attrs: dict[str, Any], opset: int
    ) -> Any:
        try:
            if op_name == "Conv":
                attrs = {**attrs, **_explicit_pads(inputs, attrs)}
            made = _CONVERTERS[op_name](inputs, attrs) if op_name in _CONVERTERS else None
            if made is not None:
                return self.bb.normalize(made)
            return super()._convert_operator(op_name, inputs, attrs, opset)
        except FrontendError:
            raise
        except Exception as error:
            node = attrs.get("tvm_custom", {}).get("name")
            raise FrontendError(
                f"TVM cannot import node {node!r} ({op_name}) as it stands: {_short(error)}"
            ) from error


def _constant_pad(inputs: Any, attrs: dict[str, Any]) -> Any:
    """Make padding with a constant an op: TVM's importer makes it a call of a PrimFunc."""
    rank = inputs[0].ty.ndim
    if attrs.get("mode", b"constant") != b"constant" or rank < 0:
        return None
    given = [inputs[i] for i in (1, 2, 3)]
    pads, value, axes = map(_numbers, given)
    if [item is None for item in given] != [item is None for item in (pads, value, axes)]:
        return None
    pads = pads if pads is not None else attrs.get("pads")
    if pads is None or min(pads) < 0:
        return None
    half, width = len(pads) // 2, [0] * (2 * rank)
    for position, axis in enumerate(range(rank) if axes is None else axes):
        width[2 * (int(axis) % rank)] = int(pads[position])
        width[2 * (int(axis) % rank) + 1] = int(pads[half + position])
    fill = float(value[0]) if value else float(attrs.get("value", 0.0))
    return relax.op.nn.pad(inputs[0], width, "constant", fill)


def _tile(inputs: Any, _attrs: dict[str, Any]) -> Any:
    repeats = _numbers(inputs[1])
    return relax.op.tile(inputs[0], [int(count) for count in repeats]) if repeats else None


_CONVERTERS = {"Pad": _constant_pad, "Tile": _tile}
"""What TVM's importer makes a call of a PrimFunc, and could be an op."""


def _explicit_pads(inputs: Any, attrs: dict[str, Any]) -> dict[str, Any]:
    """Work out a convolution's ``SAME`` padding: TVM's importer pads in a PrimFunc of its own."""
    mode = attrs.get("auto_pad", b"NOTSET")
    data, kernel = dims(inputs[0]), dims(inputs[1])
    if mode not in (b"SAME_UPPER", b"SAME_LOWER") or data is None or kernel is None:
        return {}
    spatial = len(data) - 2
    strides = attrs.get("strides", [1] * spatial)
    dilations = attrs.get("dilations", [1] * spatial)
    before, after = [], []
    for size, window, step, spread in zip(data[2:], kernel[2:], strides, dilations, strict=True):
        if step != 1 and not isinstance(size, int):
            return {}
        overlap = step if step == 1 or size % step == 0 else size % step
        total = max((window - 1) * spread + 1 - overlap, 0)
        small, large = total // 2, total - total // 2
        before.append(small if mode == b"SAME_UPPER" else large)
        after.append(large if mode == b"SAME_UPPER" else small)
    return {"auto_pad": b"NOTSET", "pads": [*before, *after]}


def _numbers(value: Any) -> list[float] | None:
    if not isinstance(value, GenericConst):
        return None
    return list(value.value.numpy().reshape(-1).tolist())


def _short(error: Exception) -> str:
    """Shorten an error to its last line: TVM's carry a C++ backtrace."""
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1].strip() if lines else ''}"
