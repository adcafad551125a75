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
            found = None
            if twin.name in blocks:
                translation = self._translation(twin, block)
                found = translation.apply(blocks[twin.name])
            if found is None:
                mod = import_block(block)
                found = compose(mod, self._target, self._foreseer)
                if twin.name in blocks:
                    translation.learn(blocks[twin.name], found)
            blocks[block.name] = found
        return blocks[block.name]

    def _translation(self, twin: Any, block: Any) -> Translation:
        shapes = tuple(twin.input_shape), tuple(block.input_shape)
        return self._translations.setdefault(shapes, Translation())

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
