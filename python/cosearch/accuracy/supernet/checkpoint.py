"""A training on disk. Importing this file imports torch."""

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

FORMAT = 1
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands.

    Attributes
    ----------
    about : mapping
        What was trained and how, as JSON knows it.
    step : int
        Steps done.
    weights, momentum : dict
        Tensors by the name of the parameter; momentum only of those that had a gradient.
    """

    about: Mapping[str, Any]
    step: int
    weights: Tensors
    momentum: Tensors

    def write(self, path: Path) -> None:
        """Write the file as a whole: a reader finds the old one or the new one."""
        unfinished = path.with_name(f"{path.name}.part")
        about = json.dumps({"format": FORMAT, "step": self.step, **self.about})
        tensors = {"weights": self.weights, "momentum": self.momentum}
        torch.save({"about": about, **tensors}, unfinished)
        unfinished.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Checkpoint":
        """Read a file; nothing but tensors and text is taken from it.

        Raises
        ------
        ValueError
            If it is damaged or something else.
        """
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
            about = json.loads(found["about"])
            if about.pop("format") != FORMAT:
                raise ValueError("of another format")
            return cls(about, int(about.pop("step")), found["weights"], found["momentum"])
        except (
            *(ValueError, KeyError, TypeError, AttributeError, RuntimeError, EOFError),
            pickle.UnpicklingError,
        ) as error:
            raise ValueError(
                f"{path} is no checkpoint of a supernet, or is damaged: remove it, or name another"
            ) from error

    def restore(self, network: nn.Module, path: Path) -> None:
        """Give a network these weights.

        Raises
        ------
        ValueError
            If it has others, or of other shapes.
        """
        own = {name: tuple(p.shape) for name, p in network.named_parameters()}
        if own != {name: tuple(tensor.shape) for name, tensor in self.weights.items()}:
            raise ValueError(f"{path} holds the weights of another supernet: name its own")
        network.load_state_dict(self.weights)
