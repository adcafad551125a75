"""Marks: a user names a submodule, and its ops are lifted as one block.

A mark travels from the importer to `LiftBlocks` in the names of variables, which passes keep:
``cosearch_mark.<name>.<instance>.<n>``. The instance tells two submodules, or two calls of one,
apart that bear the same name.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from cosearch.frontend.errors import FrontendError

if TYPE_CHECKING:
    import torch

    Module = TypeVar("Module", bound=torch.nn.Module)

_NAME = re.compile(r"cosearch_mark\.(?P<mark>.+)\.\d+$")
# TVM's BlockBuilder puts an underscore for every other character, and a number behind.
_IMPORTED = re.compile(r"cosearch_mark__(?P<name>.+)__(?P<instance>\d+)__\d*$")


def mark(module: "Module", name: str) -> "Module":
    """Mark a torch submodule: `LiftBlocks` takes its ops as one block, named `name`.

    The mark is seen by `from_pytorch` when it is given the network as a module. Inside a marked
    submodule, marks of inner ones are not regarded.

    Parameters
    ----------
    module : torch.nn.Module
        The submodule; it is returned, so that a mark can be put where a layer is made.
    name : str
        A name: letters, digits and underscores.

    Raises
    ------
    FrontendError
        For a name with other characters, or a thing that is no module.
    """
    import torch

    if not isinstance(module, torch.nn.Module):
        raise FrontendError(f"mark takes a torch.nn.Module, not {type(module).__name__}")
    check_name(name)
    module.cosearch_mark = name
    return module


def check_name(name: str) -> None:
    """Raise for a name that cannot be a mark."""
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise FrontendError(f"mark name {name!r}: use letters, digits and underscores")


def marked_name(mark: str, number: int) -> str:
    """Name of a variable that bears a mark, ``<name>.<instance>``."""
    return f"cosearch_mark.{mark}.{number}"


def import_hint(mark: str) -> str:
    """Make the hint that TVM's BlockBuilder names a mark's variables after."""
    return f"cosearch_mark__{mark.replace('.', '__')}__"


def mark_of(name: str) -> str:
    """Read the mark, ``<name>.<instance>``, off a variable's name; empty without one."""
    found = _NAME.match(name)
    if found:
        return found["mark"]
    imported = _IMPORTED.match(name)
    return f"{imported['name']}.{imported['instance']}" if imported else ""


class MarkNames:
    """Marks of the nodes of an exported program: name and instance.

    Parameters
    ----------
    marks : mapping of str to str
        Names by the path of the marked submodule.
    """

    def __init__(self, marks: Mapping[str, str]) -> None:
        self._marks = marks
        self._instances: dict[str, str] = {}

    def of(self, stack: Mapping[str, Any]) -> str:
        """Find the mark of the outermost marked submodule in a node's ``nn_module_stack``."""
        for call, (path, _) in stack.items():  # a second call of a module has a key of its own
            if path in self._marks:
                instance = f"{self._marks[path]}.{len(self._instances)}"
                return self._instances.setdefault(call, instance)
        return ""
