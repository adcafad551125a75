"""Catalogues of blocks: one while it is drawn up, and one of cells that are made when asked for."""

from collections.abc import Callable, Sequence
from typing import Any, overload

from cosearch.spaces.block import Block
from cosearch.spaces.counts import Counts


class CatalogueBuilder:
    """Gives every block a place, and the same block always the same one.

    Different choices can come to one block: pictures of 208 and of 224 pixels are both 7×7 in the
    last stage. What is known of it then serves both.
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._blocks: list[Block] = []

    def place(self, block: Block) -> int:
        """Give the place of a block, a new one if it is new.

        Raises
        ------
        ValueError
            If another block has its name.
        """
        place = self._places.setdefault(block.name, len(self._blocks))
        if place == len(self._blocks):
            self._blocks.append(block)
        elif self._blocks[place] != block:
            raise ValueError(
                f"two different blocks are named {block.name!r}: "
                "the name must say all that decides the cost"
            )
        return place

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks by place."""
        return tuple(self._blocks)


class CellCatalogue(Sequence[Block]):
    """Fixed blocks, then all cells in the first surrounding, in the second, and so on.

    Cells are made one by one when they are asked for, as there are many.

    Parameters
    ----------
    fixed : tuple of Block
        Those that are no cells.
    cells, surroundings : int
        How many there are.
    make : callable
        Makes a cell of the number of its surrounding and its own.
    """

    def __init__(
        self,
        fixed: tuple[Block, ...],
        cells: int,
        surroundings: int,
        make: Callable[[int, int], Block],
    ) -> None:
        self._fixed, self._cells, self._surroundings = fixed, cells, surroundings
        self._make = make

    def __len__(self) -> int:
        """Count blocks."""
        return len(self._fixed) + self._surroundings * self._cells

    @overload
    def __getitem__(self, place: int) -> Block: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Block, ...]: ...
    def __getitem__(self, place: int | slice) -> Block | tuple[Block, ...]:
        """Make the block of a place, or those of several."""
        places = range(len(self))[place]  # with the bounds and the negative places of a sequence
        if isinstance(places, range):
            return tuple(self[one] for one in places)
        if places < len(self._fixed):
            return self._fixed[places]
        return self._make(*divmod(places - len(self._fixed), self._cells))


def square_block(
    name: str, shape: tuple[int, int], counts: Counts, build: Callable[[], Any]
) -> Block:
    """Describe a block by channels, and height and width, of its input, which end its name."""
    channels, size = shape
    return Block(
        f"{name} {channels}x{size}x{size}",
        (1, channels, size, size),
        build,
        counts.multiply_adds,
        counts.parameters,
    )
