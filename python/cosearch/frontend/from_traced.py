"""Blocks from PyTorch, by following their forward instead of exporting them."""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tvm import relax
from tvm.ir import IRModule

from cosearch.frontend.normalize import named, normalize

if TYPE_CHECKING:
    import torch


_METHODS = {"permute", "transpose", "view", "reshape", "flatten", "unflatten"}


def from_traced(
    module: "torch.nn.Module", input_shape: Sequence[int], *, channels_last: bool = False
) -> IRModule | None:
    """Import a module of common layers twenty times as fast as `from_pytorch` does.

    torch.export takes a second or two for a block, whatever its size; a search space has thousands
    of them. Here the forward is followed once by ``torch.fx``, and each layer is translated by its
    class. Layers and functions are a closed list, for each of which a test says that both ways come
    to the same workloads.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode, with one input of float32 and one output.
    input_shape : sequence of int
        Of the input.
    channels_last : bool
        Let images come out with their channels innermost; what else comes out stays as it is.

    Returns
    -------
    tvm.ir.IRModule or None
        As from `from_pytorch`; None where the module has anything that is not on the list, or a
        forward that cannot be followed.
    """
    import torch

    if module.training or any(hasattr(part, "cosearch_mark") for part in module.modules()):
        return None
    try:
        graph = torch.fx.Tracer(autowrap_modules=()).trace(module)
    except Exception:  # whatever the forward raises when it is given no tensor
        return None
    layers = dict(module.named_modules())
    if not all(_is_known(node, layers) for node in graph.nodes):
        return None
    inputs = [(tuple(input_shape), "float32")]
    with torch.no_grad():
        mod = _importer()().from_fx(_Traced(module, graph), inputs, False, True, False)
    main = mod["main"].with_attr("num_input", len(inputs))
    mod["main"] = _with_channels_last(main) if channels_last else main
    return normalize(named(mod, type(module).__name__))


class _Traced:
    """What TVM's importer asks of a ``GraphModule``, which takes longer to make than a trace."""

    def __init__(self, module: "torch.nn.Module", graph: "torch.fx.Graph") -> None:
        self.graph = graph
        self.named_modules = module.named_modules
        self.named_parameters = module.named_parameters


def _with_channels_last(func: relax.Function) -> relax.Function:
    """Transpose the result where it is an image; `normalize` brings that to a normal form."""
    result = func.body.body
    if result.ty.ndim != 4:
        return func
    axes = [0, 2, 3, 1]
    body = relax.SeqExpr(func.body.blocks, relax.op.permute_dims(result, axes))
    shape = [result.ty.shape.values[axis] for axis in axes]
    kind = relax.TensorType(shape, result.ty.dtype)
    return relax.Function(func.params, body, kind, func.is_pure, func.attrs)


def _is_known(node: Any, layers: dict[str, Any]) -> bool:
    if node.op == "call_module":
        layer = layers[node.target]
        check = _layers().get(type(layer))
        return check is not None and check(layer)
    if node.op == "call_function":
        return node.target in _functions()
    if node.op == "call_method":
        return not node.kwargs and node.target in _METHODS
    return node.op in {"placeholder", "output"}


def _layers() -> dict[Any, Callable[[Any], bool]]:
    """Classes of layers, and what tells whether TVM's translator knows how one is set."""
    from torch import nn

    def always(_: Any) -> bool:
        return True

    def plain(layer: Any) -> bool:
        return layer.padding_mode == "zeros" and not isinstance(layer.padding, str)

    return {
        nn.Conv2d: plain,
        nn.BatchNorm2d: lambda layer: bool(layer.affine and layer.track_running_stats),
        nn.Linear: always,
        nn.ReLU: always,
        nn.ReLU6: always,
        nn.SiLU: always,
        nn.Sigmoid: always,
        nn.Hardswish: always,
        nn.Hardsigmoid: always,
        nn.Identity: always,
        nn.Dropout: always,
        nn.Flatten: lambda layer: layer.start_dim == 1 and layer.end_dim == -1,
        nn.AdaptiveAvgPool2d: lambda layer: layer.output_size in {1, (1, 1)},
        nn.AvgPool2d: lambda layer: layer.divisor_override is None,
        nn.MaxPool2d: lambda layer: not layer.return_indices,
    }


def _functions() -> set[Any]:
    import torch

    return {operator.add, operator.mul, torch.add, torch.relu, torch.sigmoid, torch.cat}


@functools.cache
def _importer() -> Any:
    from tvm.relax.frontend.torch.fx_translator import TorchFXImporter

    class Importer(TorchFXImporter):  # type: ignore[misc] # Any to mypy
        """TVM's, which does not unflatten, and forgets whether padding counts in an average."""

        def create_convert_map(self) -> dict[Any, Any]:
            return {**super().create_convert_map(), "unflatten": self._unflatten}

        def _unflatten(self, node: Any) -> relax.Var:
            source, axis, sizes = node.args
            x = self.env[source]
            shape = list(self.shape_of(x))
            place = axis % len(shape)
            shape[place : place + 1] = sizes
            return self.block_builder.emit(relax.op.reshape(x, shape))

        def _avg_pool2d_module(self, node: Any) -> relax.Var:
            layer = self.named_modules[node.target]
            return self._avg_pool2d_impl(
                self.env[node.args[0]],
                layer.kernel_size,
                layer.stride,
                layer.padding,
                layer.ceil_mode,
                layer.count_include_pad,
            )

    return Importer
