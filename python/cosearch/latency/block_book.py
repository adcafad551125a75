"""The kernels of a space's blocks, remembered."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from tvm.target import Target

from cosearch.latency.composition import Composition, compose, import_block
from cosearch.latency.outlook import Foreseer, Outlook
from cosearch.latency.translation import Translation


class BlockBook:
    """Knows which kernels the blocks of spaces are compiled to.

    A block is imported and lowered when it is asked for first, which takes some hundredths of a
    second; after that it is known, also to who reads the book from a file.

    Parameters
    ----------
    target : tvm.target.Target
        What blocks would be compiled for.
    foreseer : Foreseer
        Who knows how each kernel would be scheduled.
    """

    def __init__(self, target: Target, foreseer: Foreseer) -> None:
        self._target = target
        self._foreseer = foreseer
        self._known: dict[str, dict[str, Composition]] = {}
        self._twins: dict[tuple[str, str], Any] = {}
        self._translations: dict[tuple[tuple[int, ...], tuple[int, ...]], Translation] = {}

    def __len__(self) -> int:
        """Return how many blocks are known."""
        return sum(len(blocks) for blocks in self._known.values())

    def kernels(self, space: Any, block: Any) -> Composition:
        """Return the kernels of a block.

        Parameters
        ----------
        space : cosearch.spaces.Space
            What it is of.
        block : cosearch.spaces.Block
            One of its catalogue.

        Raises
        ------
        FrontendError
            When it cannot be imported.
        """
        blocks = self._known.setdefault(space.name, {})
        if block.name not in blocks:
            twin = self._twins.setdefault((space.name, block.kind), block) if block.kind else block
            blocks[block.name] = self._find(block, twin, blocks.get(twin.name))
        return blocks[block.name]

    def _find(self, block: Any, twin: Any, known: Composition | None) -> Composition:
        """Tell the kernels of a block from those of its twin where they are known, or lower it."""
        if known is None:
            return compose(import_block(block), self._target, self._foreseer)
        shapes = tuple(twin.input_shape), tuple(block.input_shape)
        translation = self._translations.setdefault(shapes, Translation())
        told = translation.apply(known)
        if told is None:
            told = compose(import_block(block), self._target, self._foreseer)
            translation.learn(known, told)
        return told

    def look_up_all(self, space: Any, progress: Callable[[int, int], None] | None = None) -> None:
        """Ask for every block of a space.

        Parameters
        ----------
        space : cosearch.spaces.Space
            With its catalogue.
        progress : callable, optional
            Told how many blocks are done, of how many.
        """
        total = len(space.catalogue)
        for place in range(total):
            self.kernels(space, space.catalogue[place])
            if progress is not None:
                progress(place + 1, total)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON's types; kernels that blocks share stand there once."""
        outlooks: dict[str, Outlook] = {}
        for blocks in self._known.values():
            for found in blocks.values():
                outlooks.update(zip(found.workloads, found.outlooks, strict=True))
        places = {workload: place for place, workload in enumerate(outlooks)}
        return {
            "kernels": [[workload, asdict(outlook)] for workload, outlook in outlooks.items()],
            "blocks": {
                space: {
                    name: [
                        [places[workload], int(calls)]
                        for workload, calls in zip(found.workloads, found.calls, strict=True)
                    ]
                    for name, found in blocks.items()
                }
                for space, blocks in self._known.items()
            },
        }

    def read(self, data: Mapping[str, Any]) -> None:
        """Learn what `to_json` returned.

        Raises
        ------
        KeyError, TypeError, ValueError, IndexError
            When it is none.
        """
        kernels = [
            (str(workload), Outlook(**{**outlook, "row": tuple(map(float, outlook["row"]))}))
            for workload, outlook in data["kernels"]
        ]
        for space, blocks in data["blocks"].items():
            known = self._known.setdefault(str(space), {})
            for name, calls in blocks.items():
                own = [kernels[place] for place, _ in calls]
                known[str(name)] = Composition(
                    tuple(workload for workload, _ in own),
                    np.array([count for _, count in calls], "float64"),
                    tuple(outlook for _, outlook in own),
                )
