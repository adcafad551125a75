"""Compute what an ONNX graph computes about shapes, before TVM's importer sees it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

_FOLDED = frozenset(
    "Shape Size Gather Concat Slice Unsqueeze Squeeze Cast Add Sub Mul Div Mod Neg Floor Ceil Sqrt "
    "Reshape Transpose Range Where Equal Less Greater Not And Or Expand ConstantOfShape Min Max "
    "ReduceProd ReduceSum ReduceMax Identity Tile Flatten Pow Abs".split()
)
Shape = tuple[int | None, ...]
"""Extents, None where they are not known."""

_MAX_ELEMENTS = 1 << 22
_MAX_ROUNDS = 8


def fold_onnx_constants(
    model: "onnx.ModelProto", shapes: Mapping[str, Sequence[Any]]
) -> "onnx.ModelProto":
    """Replace ops on constants and on known shapes by their values.

    torch's exporters spell `chunk`, `pad` and `view` by chains of Shape, Gather, Div and Slice;
    TVM's importer keeps those that it cannot follow as ops that run, and refuses a padding that
    is computed.

    Parameters
    ----------
    model : onnx.ModelProto
        The model; it is left as it was.
    shapes : mapping of str to sequence
        Shapes of the graph's inputs; extents that are no int are symbolic.
    """
    if not any(_foldable(node) for node in model.graph.node):
        return model
    constants = _constants(model.graph)
    known: dict[str, Shape] = {}
    for _ in range(_MAX_ROUNDS):
        known = _infer_shapes(model, shapes, constants)
        if not _fold_round(model, constants, known):
            break
    return _rewritten(model, constants)


def _foldable(node: "onnx.NodeProto") -> bool:
    return node.op_type in _FOLDED and node.domain in ("", "ai.onnx")


def _constants(graph: "onnx.GraphProto") -> dict[str, np.ndarray | None]:
    """Values by name; None for an initializer, read only when an op on it is folded."""
    from onnx import numpy_helper

    found: dict[str, np.ndarray | None] = {tensor.name: None for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def _infer_shapes(
    model: "onnx.ModelProto",
    shapes: Mapping[str, Sequence[Any]],
    constants: Mapping[str, np.ndarray | None],
) -> dict[str, Shape]:
    """Let onnx infer shapes from what has been folded so far."""
    from onnx import TensorProto, shape_inference

    # Weights make inference slow and only their shapes matter, so they go as inputs.
    light = _rewritten(model, constants, only_small=True)
    for value in light.graph.input:
        if value.name in shapes:
            _set_shape(value, shapes[value.name])
    del light.graph.value_info[:]
    for tensor in [*light.graph.initializer]:
        if int(np.prod(tensor.dims)) > 64:
            value = light.graph.input.add(name=tensor.name)
            value.type.tensor_type.elem_type = tensor.data_type or TensorProto.FLOAT
            _set_shape(value, tensor.dims)
            light.graph.initializer.remove(tensor)
    inferred = shape_inference.infer_shapes(light, data_prop=True)
    known = {}
    for value in (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output):
        kind = value.type.tensor_type
        if kind.HasField("shape"):
            known[value.name] = tuple(
                int(extent.dim_value) if extent.HasField("dim_value") else None
                for extent in kind.shape.dim
            )
    return known


def _set_shape(value: "onnx.ValueInfoProto", extents: Sequence[Any]) -> None:
    kind = value.type.tensor_type
    kind.ClearField("shape")
    kind.shape.SetInParent()
    for extent in extents:
        dim = kind.shape.dim.add()
        if isinstance(extent, int):
            dim.dim_value = extent
        else:
            dim.dim_param = str(extent)


def _fold_round(
    model: "onnx.ModelProto",
    constants: dict[str, np.ndarray | None],
    known: Mapping[str, Shape],
) -> bool:
    from onnx import numpy_helper

    weights = {tensor.name: tensor for tensor in model.graph.initializer}

    def value_of(name: str) -> np.ndarray:
        value = constants[name]
        if value is None:
            value = constants[name] = numpy_helper.to_array(weights[name])
        return value

    shapes: dict[str, Shape] = {}
    changed = False
    for node in model.graph.node:
        if not _foldable(node) or node.output[0] in constants:
            continue
        if node.op_type == "Shape" and node.input[0] in known:
            start, end = (_attribute(node, name) for name in ("start", "end"))
            shape = shapes[node.output[0]] = known[node.input[0]][slice(start, end)]
            if None not in shape:
                constants[node.output[0]] = np.array(shape, "int64")
                changed = True
        elif node.op_type == "Gather" and node.input[0] in shapes and node.input[1] in constants:
            # Of a shape with a symbolic batch, the extents that are read are mostly static.
            taken = np.array(shapes[node.input[0]], object)[value_of(node.input[1])]
            if None not in np.atleast_1d(taken):
                constants[node.output[0]] = np.array(taken, "int64")
                changed = True
        elif all(name in constants for name in node.input if name):
            results = _evaluate(node, [value_of(name) for name in node.input if name], model)
            if results is not None:
                constants.update(zip(node.output, results, strict=True))
                changed = True
    return changed


def _attribute(node: "onnx.NodeProto", name: str) -> int | None:
    return next((int(item.i) for item in node.attribute if item.name == name), None)


def _evaluate(
    node: "onnx.NodeProto", values: list[np.ndarray], model: "onnx.ModelProto"
) -> list[np.ndarray] | None:
    """Run one node by onnx's reference; None where it fails, or the result is large."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    if sum(value.size for value in values) > _MAX_ELEMENTS:
        return None
    names = [name for name in node.input if name]
    inputs = [helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(names)]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = helper.make_graph([node], "one", inputs, outputs)
    single = helper.make_model(graph, opset_imports=model.opset_import)
    try:
        results = ReferenceEvaluator(single).run(None, dict(zip(names, values, strict=True)))
    except Exception:  # whatever it cannot run stays in the graph, where TVM decides
        return None
    arrays = [np.asarray(result) for result in results]
    return arrays if sum(array.size for array in arrays) <= _MAX_ELEMENTS else None


def _rewritten(
    model: "onnx.ModelProto",
    constants: Mapping[str, np.ndarray | None],
    only_small: bool = False,
) -> "onnx.ModelProto":
    """Copy the model with folded values as initializers, in place of the nodes that made them."""
    import onnx
    from onnx import numpy_helper

    made = onnx.ModelProto()
    made.CopyFrom(model)
    weights = {tensor.name for tensor in model.graph.initializer}
    outputs = {value.name for value in model.graph.output}
    kept = [node for node in model.graph.node if _kept(node, constants, outputs)]
    del made.graph.node[:]
    made.graph.node.extend(kept)
    read = {name for node in kept for name in node.input}
    for name, value in constants.items():
        if value is not None and name not in weights and name in read and name not in outputs:
            made.graph.initializer.append(numpy_helper.from_array(value, name))
    return made


def _kept(
    node: "onnx.NodeProto", constants: Mapping[str, np.ndarray | None], outputs: set[str]
) -> bool:
    folded = all(name in constants for name in node.output)
    return not folded or any(name in outputs for name in node.output)
