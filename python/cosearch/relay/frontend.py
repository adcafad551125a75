"""``relay.frontend``: importers that return a module and its parameters, as Relay's did."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tvm.ir import IRModule

from cosearch import frontend

__all__ = ["from_onnx", "from_pytorch"]


def from_onnx(
    model: Any,
    shape: Mapping[str, Sequence[int]] | None = None,
    dtype: str | Mapping[str, str] | None = None,
) -> tuple[IRModule, dict[str, np.ndarray]]:
    """Import an ONNX model.

    Parameters
    ----------
    model : onnx.ModelProto or str or pathlib.Path or bytes
        The model, or the file that holds it.
    shape : mapping of str to sequence of int, optional
        Shapes of the inputs, by name; needed for those with dynamic dimensions.
    dtype : str or mapping of str to str, optional
        Data types of the inputs, where they are not the model's own.

    Returns
    -------
    mod : tvm.ir.IRModule
        A normalised Relax module.
    params : dict
        Empty: the weights stay constants of the module, as with Relay's ``freeze_params=True``,
        so that batch-norm can be folded into them.

    Raises
    ------
    cosearch.frontend.FrontendError
        When the model cannot be read or imported; it names the node and the mend.
    """
    return frontend.from_onnx(model, shape=shape, dtype=dtype), {}


def from_pytorch(module: Any, example_inputs: Any = None) -> tuple[IRModule, dict[str, np.ndarray]]:
    """Import a torch module or an exported program.

    Parameters
    ----------
    module : torch.nn.Module or torch.export.ExportedProgram
        The network, in evaluation mode.
    example_inputs : torch.Tensor or tuple of torch.Tensor, optional
        Inputs to trace a module with; not needed for an exported program.

    Returns
    -------
    mod : tvm.ir.IRModule
        A normalised Relax module.
    params : dict
        Empty: see `from_onnx`.

    Raises
    ------
    cosearch.frontend.FrontendError
        When torch cannot export the module, or an operator is not supported.
    """
    return frontend.from_pytorch(module, example_inputs), {}
