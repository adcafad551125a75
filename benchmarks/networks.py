"""Networks as ONNX: transformers' vision models, onnx's light ones, and some of our own spaces."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from cosearch.spaces import Space
from cosearch.spaces.named import space_named

LIGHT = {
    "densenet121": "light_densenet121.onnx",
    "inception_v1": "light_inception_v1.onnx",
    "inception_v2": "light_inception_v2.onnx",
    "shufflenet": "light_shufflenet.onnx",
    "squeezenet": "light_squeezenet.onnx",
}
"""Models of the ONNX model zoo without their weights: random ones are filled in."""

VISION_MODELS = ("mobilenet_v1", "mobilenet_v2", "efficientnet_b0", "regnet_x_200mf", "resnet18")
"""Models of transformers with a random initialisation."""

SPACES = ("mbconv", "fbnet", "nasbench201")
"""The package's own spaces; of each, one architecture drawn with a fixed seed."""

NAS_NETWORKS = (*VISION_MODELS, *SPACES)
"""Networks that are made by torch."""


def load_network(name: str, batch: int = 1) -> onnx.ModelProto:
    """Return a network by its name, or from an ONNX file.

    Parameters
    ----------
    name : str
        One of `network_names`, or the path of an ONNX file.
    batch : int
        Images at once, where the network is made here.

    Raises
    ------
    ValueError
        When the name is neither.
    """
    if name in NAS_NETWORKS:
        return _export(name, batch)
    if name in LIGHT:
        return _light(name)
    if Path(name).is_file():
        return onnx.load(name)
    raise ValueError(f"{name!r} is neither an ONNX file nor one of {', '.join(network_names())}")


def network_names() -> list[str]:
    """Names of all networks that need no file."""
    return [*NAS_NETWORKS, *LIGHT]


def _light(name: str) -> onnx.ModelProto:
    from onnx.backend.test import runner  # the light models lie beside it

    folder = Path(runner.__file__).parents[1] / "data" / "light"
    return _with_random_weights(onnx.load(folder / LIGHT[name]))


def _with_random_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Put random weights in the place of equal ones.

    With those the output does not depend on the input at all, and no comparison of outputs could
    fail.
    """
    rng = np.random.default_rng(0)
    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    factors = _factors(model)
    # Each sum with a shortcut would double the variance, and the last softmax would be 0 or 1.
    factor = 0.2 if any(node.op_type == "Sum" for node in model.graph.node) else 1.0
    for node in model.graph.node:
        if node.op_type != "ConstantOfShape" or node.input[0] not in shapes:
            continue
        shape = shapes[node.input[0]]
        if len(shape) > 1:  # keeps the variance through a ReLU (He et al., ICCV 2015)
            value = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        else:
            value = 0.1 * rng.standard_normal(shape)
            if node.output[0] in factors:
                value = factor * np.exp(value)
        tensor = numpy_helper.from_array(value.astype("float32"))
        node.CopyFrom(onnx.helper.make_node("Constant", [], node.output, value=tensor))
    return model


def _factors(model: onnx.ModelProto) -> set[str]:
    """Names of the values that scale channels, or are their variance."""
    found = set()
    for node in model.graph.node:
        if node.op_type == "BatchNormalization":
            found |= {node.input[1], node.input[4]}
        elif node.op_type == "Mul":
            found |= set(node.input)
    for node in model.graph.node:
        if node.op_type == "Unsqueeze" and node.output[0] in found:
            found.add(node.input[0])
    return found


def torch_network(name: str) -> Any:
    """Return one of `NAS_NETWORKS` as a torch module from images to logits, always the same one."""
    import torch

    torch.manual_seed(0)
    network = _of_space(name) if name in SPACES else _vision_model(name)
    _calibrate(network, torch.randn(8, *image_shape(name)))
    return network


def image_shape(name: str) -> tuple[int, ...]:
    """Return channels, height and width of the images of one of `NAS_NETWORKS`."""
    if name not in SPACES:
        return 3, 224, 224
    space, architecture = _drawn(name)
    return space.blocks(architecture)[0].input_shape[1:]


def _drawn(name: str) -> tuple[Space, np.ndarray]:
    """Draw an architecture of a space, always the same one."""
    space = space_named(name)
    return space, space.sample(1, np.random.default_rng(0))[0]


def _of_space(name: str) -> Any:
    space, architecture = _drawn(name)
    return space.network(architecture).eval()


def _vision_model(name: str) -> Any:
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    backbone = _CONFIGURATIONS[name](transformers).eval()
    if name == "efficientnet_b0":
        # The same global mean, but written so that OpenVINO can read it.
        backbone.efficientnet.pooler = torch.nn.AdaptiveAvgPool2d(1)

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = backbone

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.backbone(pixels).logits

    return Logits().eval()


def _export(name: str, batch: int) -> onnx.ModelProto:
    import torch

    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.onnx.export(
            torch_network(name),
            (torch.zeros(batch, *image_shape(name)),),
            content,
            input_names=["pixels"],
            output_names=["logits"],
            dynamo=False,
        )
    return onnx.load_from_string(content.getvalue())


def _calibrate(network: Any, images: Any) -> None:
    """Give every batch-norm the statistics of random images.

    With those of a random initialisation the output hardly depends on the input, and no comparison
    of outputs could fail.
    """
    import torch

    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
        norm.reset_running_stats()
        norm.train()
    with torch.inference_mode():
        network(images)
    network.eval()


def _mobilenet_v1(t: Any) -> Any:
    return t.MobileNetV1ForImageClassification(t.MobileNetV1Config(num_labels=1000))


def _mobilenet_v2(t: Any) -> Any:
    return t.MobileNetV2ForImageClassification(t.MobileNetV2Config(num_labels=1000))


def _efficientnet_b0(t: Any) -> Any:
    config = t.EfficientNetConfig(
        width_coefficient=1.0,
        depth_coefficient=1.0,
        image_size=224,
        hidden_dim=1280,
        num_labels=1000,
    )
    return t.EfficientNetForImageClassification(config)


def _regnet_x_200mf(t: Any) -> Any:
    config = t.RegNetConfig(
        embedding_size=32,
        hidden_sizes=[24, 56, 152, 368],
        depths=[1, 1, 4, 7],
        groups_width=8,
        layer_type="x",
        num_labels=1000,
    )
    return t.RegNetForImageClassification(config)


def _resnet18(t: Any) -> Any:
    config = t.ResNetConfig(
        embedding_size=64,
        hidden_sizes=[64, 128, 256, 512],
        depths=[2, 2, 2, 2],
        layer_type="basic",
        num_labels=1000,
    )
    return t.ResNetForImageClassification(config)


_CONFIGURATIONS: dict[str, Callable[[Any], Any]] = {
    "mobilenet_v1": _mobilenet_v1,
    "mobilenet_v2": _mobilenet_v2,
    "efficientnet_b0": _efficientnet_b0,
    "regnet_x_200mf": _regnet_x_200mf,
    "resnet18": _resnet18,
}
