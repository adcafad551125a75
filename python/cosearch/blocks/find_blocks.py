"""find_blocks: which blocks a network is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tvm_ffi
from tvm.ir import IRModule

from cosearch.blocks.signature import Signature


@dataclass(frozen=True)
class Block:
    """A block of a network, and the blocks inside it.

    Attributes
    ----------
    pattern : str
        Which of `PATTERNS` it matches.
    name : str
        Name of the function that `LiftBlocks` makes of it.
    stage : int
        Changes of resolution between the network's input and the block.
    position : int
        Place among its siblings, in program order from 0.
    ops : tuple of str
        Relax operators in canonical order, those of nested blocks included.
    children : tuple of Block
        Nested blocks.
    signature : Signature
        Of the function that the block is, or would be, outlined into.
    input_shapes : tuple of tuple of int
        Shapes of its data inputs; -1 is a symbolic extent.
    output_shape : tuple of int
        Shape of its result.
    mark : str
        The user's mark, empty without one.
    """

    pattern: str
    name: str
    stage: int
    position: int
    ops: tuple[str, ...]
    children: tuple["Block", ...]
    signature: Signature
    input_shapes: tuple[tuple[int, ...], ...]
    output_shape: tuple[int, ...]
    mark: str = ""

    def walk(self) -> list["Block"]:
        """Return the block and all nested blocks, parents first."""
        return [self, *(inner for child in self.children for inner in child.walk())]


def find_blocks(mod: IRModule, patterns: Sequence[str] | None = None) -> list[Block]:
    """Find the blocks of a network, lifted or not.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A normalised Relax module, before or after `LiftBlocks`; it is left as it was.
    patterns : sequence of str, optional
        Which of `PATTERNS` to look for, by default all; blocks that are lifted stay what they are.

    Returns
    -------
    list of Block
        Outermost blocks in program order.

    Raises
    ------
    ValueError
        For an unknown pattern, or a marked function that cannot be a block.
    """
    found = tvm_ffi.get_global_func("cosearch.blocks.FindBlocks")(
        mod, None if patterns is None else list(patterns)
    )
    return [_to_block(description) for description in found]


def _to_block(description: Mapping[str, Any]) -> Block:
    return Block(
        pattern=str(description["pattern"]),
        name=str(description["name"]),
        stage=int(description["stage"]),
        position=int(description["position"]),
        ops=tuple(str(op) for op in description["ops"]),
        children=tuple(_to_block(child) for child in description["children"]),
        signature=Signature(str(description["signature"]), str(description["signature_agnostic"])),
        input_shapes=tuple(_to_shape(shape) for shape in description["input_shapes"]),
        output_shape=_to_shape(description["output_shape"]),
        mark=str(description["mark"]),
    )


def _to_shape(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(extent) for extent in shape)
