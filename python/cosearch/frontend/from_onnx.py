"""Networks from ONNX."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvm.ir import IRModule

from cosearch.frontend.errors import FrontendError
from cosearch.frontend.fold_onnx_constants import fold_onnx_constants
from cosearch.frontend.normalize import named, normalize
from cosearch.frontend.onnx_inputs import resolve_inputs

if TYPE_CHECKING:
    import onnx


def from_onnx(
    model: "onnx.ModelProto | str | Path | bytes",
    shape: Mapping[str, Sequence[int | str | None]] | None = None,
    dtype: str | Mapping[str, str] | None = None,
) -> IRModule:
    """Import an ONNX model and normalise it.

    Parameters
    ----------
    model : onnx.ModelProto, str, pathlib.Path or bytes
        The model, the path of its file, or the file's content.
    shape : mapping of str to sequence, optional
        Shapes of inputs, by name. Needed for inputs that the model leaves dynamic; an extent may be
        a name (``("n", 3, 224, 224)``), -1 or None, which keeps it symbolic.
    dtype : str or mapping of str to str, optional
        Data types of inputs, for those whose type the model does not tell.

    Returns
    -------
    tvm.ir.IRModule
        One function, `main`, normalised as by `normalize`, the weights bound as constants. Its
        attribute `cosearch.model` is the name of the file or of the graph.

    Raises
    ------
    FrontendError
        For a file that is missing or damaged, an operator that TVM does not import, an input whose
        shape or type is missing or contradicts the model. The message names the node or the input.
    """
    from cosearch.frontend.onnx_importer import import_graph

    proto, name = _load(model)
    proto = _inlined(proto)
    _check_order(proto)
    inputs = resolve_inputs(proto.graph, shape, dtype)
    static = {key: value for key, (value, _) in inputs.items()}
    folded = fold_onnx_constants(proto, static)
    return normalize(named(import_graph(folded, inputs), name))


def _load(model: Any) -> "tuple[onnx.ModelProto, str]":
    import onnx

    if isinstance(model, onnx.ModelProto):
        _check_data_present(model)
        return model, model.graph.name
    if isinstance(model, bytes | bytearray):
        return _parse(bytes(model), "the given bytes", None), ""
    if not isinstance(model, str | Path):
        raise FrontendError(
            f"from_onnx takes an onnx.ModelProto, a path or bytes, not {type(model).__name__}"
        )
    path = Path(model)
    if not path.is_file():
        what = "a folder, no ONNX file" if path.is_dir() else "no file"
        raise FrontendError(f"{str(path)!r} is {what}: check the path of the model")
    return _parse(path.read_bytes(), repr(str(path)), path.parent), path.stem


def _parse(content: bytes, origin: str, folder: Path | None) -> "onnx.ModelProto":
    import onnx

    try:
        proto = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's DecodeError, which has no types
        raise FrontendError(
            f"{origin} is not an ONNX model, or was cut short ({len(content)} bytes, {error}): "
            "export or copy it again"
        ) from error
    if not proto.graph.node and not proto.graph.output:
        raise FrontendError(
            f"{origin} holds no graph ({len(content)} bytes): it is empty or no ONNX model; "
            "export or copy it again"
        )
    if folder is not None:
        _load_external(proto, folder, origin)
    _check_data_present(proto)
    return proto


def _load_external(proto: "onnx.ModelProto", folder: Path, origin: str) -> None:
    from onnx import external_data_helper as external

    for tensor in proto.graph.initializer:
        if not external.uses_external_data(tensor):
            continue
        location = external.ExternalDataInfo(tensor).location
        try:
            external.load_external_data_for_tensor(tensor, str(folder))
        except Exception as error:
            raise FrontendError(
                f"the weights of {tensor.name!r} are in the file {location!r} beside {origin}, "
                f"which cannot be read ({error}): copy that file along with the model"
            ) from error
        tensor.data_location = 0  # the data is in the tensor now
        del tensor.external_data[:]


def _check_data_present(proto: "onnx.ModelProto") -> None:
    from onnx import external_data_helper as external

    for tensor in proto.graph.initializer:
        if external.uses_external_data(tensor):
            location = external.ExternalDataInfo(tensor).location
            raise FrontendError(
                f"the weights of {tensor.name!r} are in another file, {location!r}: give the path "
                "of the model's file, or load it with onnx.load, which reads both"
            )


def _inlined(proto: "onnx.ModelProto") -> "onnx.ModelProto":
    """Inline the model's own functions, which TVM's importer does not know."""
    if not proto.functions:
        return proto
    from onnx import inliner

    return inliner.inline_local_functions(proto)


def _check_order(proto: "onnx.ModelProto") -> None:
    from cosearch.frontend.onnx_importer import label

    defined = {tensor.name for tensor in proto.graph.initializer}
    defined |= {value.name for value in proto.graph.input} | {""}
    for node in proto.graph.node:
        missing = [name for name in node.input if name not in defined]
        if missing:
            raise FrontendError(
                f"node {label(node)} ({node.op_type}) reads {missing[0]!r}, which no node before "
                "it makes: the graph is damaged or not in order; export it again"
            )
        defined.update(node.output)
    for value in proto.graph.output:
        if value.name not in defined:
            raise FrontendError(
                f"no node makes the output {value.name!r}: the graph is damaged; export it again"
            )
