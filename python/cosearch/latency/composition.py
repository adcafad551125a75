"""Networks and blocks as the kernels that they are compiled to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm.ir import IRModule
from tvm.target import Target
from tvm.tirx import PrimFunc

from cosearch import frontend
from cosearch.blocks import workload_signature
from cosearch.latency.outlook import Foreseer, Outlook
from cosearch.schedules.call_sites import CallSites
from cosearch.schedules.lower import lower_to_workloads


@dataclass(frozen=True)
class Composition:
    """Kernels of a network.

    Attributes
    ----------
    workloads : tuple of str
        Shape-aware signatures, each once.
    calls : numpy.ndarray
        How often each is called; float64 ``[kernels]``.
    outlooks : tuple of Outlook
        What the database promises of each.
    """

    workloads: tuple[str, ...]
    calls: npt.NDArray[np.float64]
    outlooks: tuple[Outlook, ...]


def compose(mod: IRModule, target: Target, foreseer: Foreseer) -> Composition:
    """Find the kernels of a Relax module, without scheduling any.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A network or block.
    target : tvm.target.Target
        What it would be compiled for.
    foreseer : Foreseer
        Who knows how each would be scheduled.
    """
    lowered = lower_to_workloads(mod, target, winograd=foreseer.winograd)
    functions = {var.name_hint: func for var, func in lowered.functions.items()}
    calls: dict[str, int] = {}
    outlooks: dict[str, Outlook] = {}
    for name, site in CallSites.of(lowered).kernels.items():
        func = functions.get(name)
        if not isinstance(func, PrimFunc):
            continue
        signature = workload_signature(func)
        calls[signature.shape_aware] = calls.get(signature.shape_aware, 0) + site.calls
        outlooks[signature.shape_aware] = foreseer.foresee(func, signature)
    return Composition(
        tuple(calls), np.array(list(calls.values()), "float64"), tuple(outlooks.values())
    )


def import_network(x: Any, example_inputs: Any = None) -> IRModule:
    """Turn what a user has into a normalised Relax module.

    Parameters
    ----------
    x : tvm.ir.IRModule, torch.nn.Module, torch.export.ExportedProgram, ONNX model or its file
        The network or block.
    example_inputs : optional
        For a torch module: see `cosearch.frontend.from_pytorch`.

    Raises
    ------
    FrontendError
        When it cannot be imported; the message says what to do.
    """
    if isinstance(x, IRModule):
        return x
    if type(x).__module__.startswith("torch") or hasattr(x, "state_dict"):
        return frontend.from_pytorch(x, example_inputs)
    return frontend.from_onnx(x)


def import_block(block: Any) -> IRModule:
    """Turn a block of a space into a Relax module as it is inside of a network.

    There images lie with their channels innermost, between any two blocks; a module imported by
    itself would begin and end with copies.

    Parameters
    ----------
    block : cosearch.spaces.Block
        What builds its torch module, the shape of its input, and whether it is its network's first.

    Raises
    ------
    FrontendError
        When it cannot be imported.
    """
    import torch

    class Inside(torch.nn.Module):  # type: ignore[misc] # Any to mypy
        def __init__(self, *, followed: bool) -> None:
            super().__init__()
            self.block = module
            self.followed = followed

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.block(x if block.first else x.permute(0, 3, 1, 2))
            # Where it is only followed, there is no tensor that would know its dimensions.
            return y if self.followed or y.ndim != 4 else y.permute(0, 2, 3, 1)

    module = block.build().eval()
    shape = tuple(block.input_shape)
    if not block.first:
        shape = (shape[0], *shape[2:], shape[1])
    followed = Inside(followed=True).eval()
    traced = frontend.from_traced(followed, shape, channels_last=True)
    if traced is not None:
        return traced
    return frontend.from_pytorch(Inside(followed=False).eval(), (torch.zeros(shape),))
