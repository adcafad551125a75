"""The catalogue of a space while it is drawn up."""

from cosearch.spaces.block import Block


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
