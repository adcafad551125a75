"""The contract of a search space."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from cosearch.spaces.block import Block

Integers = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]


class Space(ABC):
    """Architectures as rows of small integers, and the blocks of each.

    Architectures are int64 ``[count, positions]``; a value of position p is an option from 0 to
    ``choices[p] - 1``. Nothing makes a Python object per architecture, so that a search can hold
    millions of them.

    Some positions may have no effect (the kernel size of a block that a shallow stage lacks).
    `sample`, `mutate` and `crossover` keep their values, so that a stage that is made deeper gets
    a block as drawn, not always the first option; compare architectures by `canonical`.

    A new space sets the attributes, `catalogue`, `slots`, `canonical`, `format` and `parse`. One
    whose rows are not all architectures overrides `validate`, `sample`, `mutate` and `crossover`
    as well, as `NASBench101Space` does.

    Attributes
    ----------
    name : str
        Of the space.
    input_shape : tuple of int
        NCHW, with batch 1, of the largest picture; where the picture size is a choice, the one of
        an architecture is ``blocks(architecture)[0].input_shape``.
    choices : tuple of int
        How many options each position has.
    """

    name: str
    input_shape: tuple[int, ...]
    choices: tuple[int, ...]

    @property
    @abstractmethod
    def catalogue(self) -> Sequence[Block]:
        """Every block that any architecture may use, each once, in an order that never changes."""

    @abstractmethod
    def slots(self, architectures: npt.ArrayLike) -> Places:
        """Say which blocks architectures are made of.

        Parameters
        ----------
        architectures : array-like
            Integers ``[count, positions]``.

        Returns
        -------
        numpy.ndarray
            int32 ``[count, slots]``: places in `catalogue` in the order of the network, -1 where
            an architecture leaves a slot unused.

        Raises
        ------
        ValueError
            See `validate`.
        """

    @abstractmethod
    def canonical(self, architectures: npt.ArrayLike) -> Integers:
        """Give the same architecture always one encoding: positions without effect become 0.

        Parameters
        ----------
        architectures : array-like
            Integers ``[count, positions]``; left as they are.

        Returns
        -------
        numpy.ndarray
            int64 ``[count, positions]``.

        Raises
        ------
        ValueError
            See `validate`.
        """

    @abstractmethod
    def format(self, architecture: npt.ArrayLike) -> str:
        """Write one architecture, integers ``[positions]``, as text without blanks."""

    @abstractmethod
    def parse(self, text: str) -> Integers:
        """Read what `format` wrote, as canonical int64 ``[positions]``.

        Raises
        ------
        ValueError
            Naming what is wrong.
        """

    @cached_property
    def counts(self) -> Integers:
        """Multiply-adds and parameters of the catalogue, int64 ``[2, len(catalogue)]``."""
        counts = [(block.multiply_adds, block.parameters) for block in self.catalogue]
        table: Integers = np.array(counts, np.int64).T
        return table

    def sample(self, count: int, rng: np.random.Generator) -> Integers:
        """Draw encodings, each option of a position as likely as another; int64."""
        return rng.integers(0, self.choices, size=(count, len(self.choices)), dtype=np.int64)

    def mutate(
        self, architectures: npt.ArrayLike, rng: np.random.Generator, rate: float
    ) -> Integers:
        """Change positions to another of their options.

        Parameters
        ----------
        architectures : array-like
            Integers ``[count, positions]``; left as they are.
        rng : numpy.random.Generator
            Decides which positions change, and to what.
        rate : float
            Probability that a position changes. One that has a single option never does.

        Returns
        -------
        numpy.ndarray
            int64 ``[count, positions]``.

        Raises
        ------
        ValueError
            See `validate`.
        """
        old = self.validate(architectures)
        options = np.array(self.choices, np.int64)
        # A step of 1 to n - 1 around the circle of n options is always a change.
        step = rng.integers(1, np.maximum(options, 2), size=old.shape)
        changed: Integers = np.where(rng.random(old.shape) < rate, (old + step) % options, old)
        return changed

    def crossover(
        self, one: npt.ArrayLike, other: npt.ArrayLike, rng: np.random.Generator
    ) -> Integers:
        """Take each position from one of two parents, row by row, with even odds.

        Parameters
        ----------
        one, other : array-like
            Integers ``[count, positions]``; left as they are.
        rng : numpy.random.Generator
            Decides whose position is taken.

        Returns
        -------
        numpy.ndarray
            int64 ``[count, positions]``.

        Raises
        ------
        ValueError
            See `validate`; also if one has more rows than the other.
        """
        first, second = self.validate(one), self.validate(other)
        if len(first) != len(second):
            raise ValueError(
                f"crossover pairs row with row, but got {len(first)} and {len(second)} rows: "
                "give as many of one as of the other"
            )
        child: Integers = np.where(rng.random(first.shape) < 0.5, first, second)
        return child

    def blocks(self, architecture: npt.ArrayLike) -> list[Block]:
        """Give the blocks of one architecture, integers ``[positions]``, in their order."""
        places = self.slots(np.asarray(architecture)[None])[0]
        return [self.catalogue[place] for place in places.tolist() if place >= 0]

    def network(self, architecture: npt.ArrayLike) -> Any:
        """Build the torch network of one architecture, integers ``[positions]``.

        Its forward is the composition of the modules of its blocks and nothing else: otherwise
        latency by blocks would mean nothing. Weights come from torch's global generator, which
        the caller seeds.

        Returns
        -------
        torch.nn.Sequential
            One module a block, in evaluation mode.
        """
        from torch import nn

        return nn.Sequential(*(block.build() for block in self.blocks(architecture))).eval()

    def multiply_adds(self, architectures: npt.ArrayLike) -> Integers:
        """Count multiply-adds of convolutions and linear layers for one picture, int64 ``[n]``."""
        return self._summed(0, architectures)

    def parameters(self, architectures: npt.ArrayLike) -> Integers:
        """Count parameters, those of batch-norms included, int64 ``[n]``."""
        return self._summed(1, architectures)

    def validate(self, architectures: npt.ArrayLike) -> Integers:
        """Check that rows are architectures of this space.

        Parameters
        ----------
        architectures : array-like
            Integers ``[count, positions]``.

        Returns
        -------
        numpy.ndarray
            The same, int64.

        Raises
        ------
        ValueError
            Naming the shape, or the first row, position and value that is wrong.
        """
        rows = np.asarray(architectures)
        positions = len(self.choices)
        if rows.ndim != 2 or rows.shape[1] != positions:
            raise ValueError(
                f"architectures of {self.name} are [count, {positions}], not {list(rows.shape)}"
            )
        if rows.dtype.kind not in "iu":
            raise ValueError(f"architectures of {self.name} are integers, not {rows.dtype}")
        wrong = (rows < 0) | (rows >= np.array(self.choices))
        if wrong.any():
            row, position = np.argwhere(wrong)[0].tolist()
            raise ValueError(
                f"row {row}, position {position}: {rows[row, position]} is no option of "
                f"{self.name}; use 0 to {self.choices[position] - 1}"
            )
        return rows.astype(np.int64, copy=False)

    def _summed(self, which: int, architectures: npt.ArrayLike) -> Integers:
        # Unused slots are -1, the place of the zero at the end.
        counts = np.append(self.counts[which], 0)
        total: Integers = counts[self.slots(architectures)].sum(1)
        return total
