"""Layers of convolutional networks, as ONNX models of one layer each."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference


@dataclass(frozen=True)
class Layer:
    """A convolution on square images; a dense layer is one on a single pixel."""

    height: int
    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1

    @property
    def kind(self) -> str:
        """What users call it."""
        if self.height == 1:
            return "dense"
        if self.groups == self.inputs > 1:
            return "depthwise"
        if self.groups > 1:
            return "grouped"
        return "pointwise" if self.kernel == 1 else "direct"

    @property
    def out_height(self) -> int:
        """Height of the result."""
        return (self.height - 1) // self.stride + 1

    @property
    def flop(self) -> float:
        """Operations of its multiply-adds."""
        depth = self.kernel**2 * self.inputs / self.groups
        return 2 * self.out_height**2 * self.outputs * depth

    def __str__(self) -> str:
        """Name it in a table."""
        text = f"{self.kind} {self.inputs}→{self.outputs} at {self.height}"
        return (
            text
            + (f", {self.kernel}x{self.kernel}" if self.kernel > 1 else "")
            + (f", stride {self.stride}" if self.stride > 1 else "")
        )

    def model(self) -> onnx.ModelProto:
        """Make the ONNX model of the layer."""
        random = np.random.default_rng(0)
        shape = (self.outputs, self.inputs // self.groups, self.kernel, self.kernel)
        weights = random.standard_normal(shape, dtype="float32") / math.sqrt(math.prod(shape[1:]))
        bias = random.standard_normal(self.outputs, dtype="float32")
        size, out = self.height, self.out_height
        nodes = [
            helper.make_node(
                "Conv",
                ["x", "w", "b"],
                ["y"],
                strides=[self.stride] * 2,
                pads=[self.kernel // 2] * 4,
                group=self.groups,
            ),
            helper.make_node("Relu", ["y"], ["z"]),
        ]
        graph = helper.make_graph(
            nodes,
            "layer",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, self.inputs, size, size])],
            [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, self.outputs, out, out])],
            [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


LAYERS = (
    Layer(112, 16, 96),
    Layer(56, 24, 144),
    Layer(28, 192, 32),
    Layer(14, 64, 384),
    Layer(14, 112, 672),
    Layer(14, 512, 512),
    Layer(7, 960, 160),
    Layer(7, 320, 1280),
    Layer(1, 1280, 1000),
    Layer(112, 32, 32, 3, 1, 32),
    Layer(112, 96, 96, 3, 2, 96),
    Layer(56, 144, 144, 3, 1, 144),
    Layer(28, 240, 240, 5, 1, 240),
    Layer(14, 512, 512, 3, 1, 512),
    Layer(14, 672, 672, 5, 1, 672),
    Layer(7, 960, 960, 3, 1, 960),
    Layer(224, 3, 32, 3, 2),
    Layer(32, 16, 16, 3),
    Layer(16, 32, 32, 3),
    Layer(8, 64, 64, 3),
    Layer(56, 64, 64, 3),
    Layer(28, 128, 128, 3),
    Layer(14, 256, 256, 3),
    Layer(14, 152, 152, 3, 1, 19),
)
QUICK = (LAYERS[3], LAYERS[6], LAYERS[11], LAYERS[20])
KINDS = tuple(dict.fromkeys(layer.kind for layer in LAYERS))


def layers_of(model: onnx.ModelProto) -> Iterable[Layer]:
    """Find the square convolutions of a network, each once."""
    inferred = shape_inference.infer_shapes(model).graph
    values = [*inferred.input, *inferred.value_info, *inferred.output]
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
    weights = {tensor.name: list(tensor.dims) for tensor in inferred.initializer}
    found = {}
    for node in inferred.node:
        if node.op_type != "Conv" or node.input[1] not in weights:
            continue
        shape, weight = shapes.get(node.input[0], []), weights[node.input[1]]
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        stride = attributes.get("strides", [1])[0]
        if len(shape) == 4 and shape[2] == shape[3] > 0 and weight[2] == weight[3]:
            groups = attributes.get("group", 1)
            layer = Layer(shape[2], shape[1], weight[0], weight[2], stride, groups)
            found[layer] = None
    return found
