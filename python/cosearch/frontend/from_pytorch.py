"""Networks from PyTorch."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tvm.ir import IRModule

from cosearch.frontend.errors import FrontendError
from cosearch.frontend.normalize import named, normalize

if TYPE_CHECKING:
    import torch


def from_pytorch(
    module: "torch.nn.Module | torch.export.ExportedProgram",
    example_inputs: Any = None,
) -> IRModule:
    """Import a PyTorch network and normalise it.

    Parameters
    ----------
    module : torch.nn.Module or torch.export.ExportedProgram
        The network. A module is exported in evaluation mode, and left in the mode that it was in.
    example_inputs : torch.Tensor, sequence of them, or mapping of str to them
        What the network is exported with: the arguments of `forward`, or its keyword arguments.
        Not needed for an exported program.

    Returns
    -------
    tvm.ir.IRModule
        One function, `main`, normalised as by `normalize`, the weights bound as constants; marked
        submodules are marked in it (see `mark`). Its attribute `cosearch.model` is the name of the
        module's class.

    Raises
    ------
    FrontendError
        When example inputs are missing, torch cannot export the module, or TVM cannot import an
        operator; the message names it.
    """
    import torch

    from cosearch.frontend.torch_importer import import_exported_program

    if isinstance(module, torch.export.ExportedProgram):
        return normalize(named(import_exported_program(module, {}), ""))
    if not isinstance(module, torch.nn.Module):
        raise FrontendError(
            "from_pytorch takes a torch.nn.Module or a torch.export.ExportedProgram, not "
            f"{type(module).__name__}"
        )
    args, kwargs = _arguments(example_inputs)
    marks = {
        path: submodule.cosearch_mark
        for path, submodule in module.named_modules(remove_duplicate=False)
        if hasattr(submodule, "cosearch_mark")
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch, about its own internals
        program = _export(module, args, kwargs)
        imported = import_exported_program(program, marks)
    return normalize(named(imported, type(module).__name__))


def _arguments(example_inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    import torch

    if example_inputs is None:
        raise FrontendError(
            "from_pytorch needs example_inputs to export a module, for instance "
            "example_inputs=(torch.zeros(1, 3, 224, 224),)"
        )
    if isinstance(example_inputs, torch.Tensor):
        return (example_inputs,), {}
    if isinstance(example_inputs, Mapping):
        return (), dict(example_inputs)
    if isinstance(example_inputs, Sequence):
        return tuple(example_inputs), {}
    raise FrontendError(
        "example_inputs must be a tensor, a sequence of tensors or a mapping of them, not "
        f"{type(example_inputs).__name__}"
    )


def _export(
    module: "torch.nn.Module", args: tuple[Any, ...], kwargs: dict[str, Any]
) -> "torch.export.ExportedProgram":
    import torch

    try:
        with _evaluating(module), torch.no_grad():
            return torch.export.export(module, args, kwargs)
    except Exception as error:
        lines = [line for line in str(error).strip().splitlines() if line.strip()]
        shapes = [tuple(getattr(value, "shape", ())) for value in (*args, *kwargs.values())]
        raise FrontendError(
            f"torch.export cannot export {type(module).__name__} with example inputs of shapes "
            f"{shapes}: {type(error).__name__}: {lines[0] if lines else ''}\n"
            "Check the inputs' shapes and types; a forward that branches on values of tensors has "
            "to be rewritten, or exported by hand and given as an ExportedProgram"
        ) from error


@contextlib.contextmanager
def _evaluating(module: "torch.nn.Module") -> Iterator[None]:
    """Put a module into evaluation mode for a while; its parts may be in different modes."""
    modes = {submodule: submodule.training for submodule in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for submodule, training in modes.items():
            submodule.training = training
