"""Parts of spaces, and which of them a search under a latency limit should look at."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from cosearch.nas.goals import Values
from cosearch.spaces.block import Block
from cosearch.spaces.space import Integers, Places, Space

Rule = Literal["latency", "multiply-adds"]


class SubSpace(Space):
    """The architectures of a space that have given options at some positions.

    Rows are those of the whole space, so that tables of its blocks serve the part as well.

    Parameters
    ----------
    space : Space
        The whole.
    fixed : mapping of int to int
        Options by position.

    Raises
    ------
    ValueError
        When there is no such position or option.
    """

    def __init__(self, space: Space, fixed: Mapping[int, int]) -> None:
        for position, option in fixed.items():
            if not 0 <= position < len(space.choices) or not 0 <= option < space.choices[position]:
                raise ValueError(
                    f"{space.name} has no option {option} at position {position}: positions are 0 "
                    f"to {len(space.choices) - 1}, and each has as many options as its `choices`"
                )
        self.name, self.choices = space.name, space.choices
        self.input_shape = space.input_shape
        self.whole, self.fixed = space, dict(fixed)
        self._positions = np.array(list(fixed), np.int64)
        self._options = np.array(list(fixed.values()), np.int64)

    @property
    def catalogue(self) -> Sequence[Block]:
        """See `Space.catalogue`: that of the whole space."""
        return self.whole.catalogue

    def slots(self, architectures: npt.ArrayLike) -> Places:
        """See `Space.slots`: of any architecture of the whole, as its tables are asked so."""
        return self.whole.slots(architectures)

    def canonical(self, architectures: npt.ArrayLike) -> Integers:
        """See `Space.canonical`."""
        return self.whole.canonical(self.validate(architectures))

    def format(self, architecture: npt.ArrayLike) -> str:
        """See `Space.format`."""
        return self.whole.format(architecture)

    def parse(self, text: str) -> Integers:
        """See `Space.parse`; also refuses what is outside of the part."""
        row: Integers = self.validate(self.whole.parse(text)[None])[0]
        return row

    def sample(self, count: int, rng: np.random.Generator) -> Integers:
        """See `Space.sample`."""
        return self._inside(self.whole.sample(count, rng))

    def mutate(
        self, architectures: npt.ArrayLike, rng: np.random.Generator, rate: float
    ) -> Integers:
        """See `Space.mutate`."""
        return self._inside(self.whole.mutate(self.validate(architectures), rng, rate))

    def validate(self, architectures: npt.ArrayLike) -> Integers:
        """See `Space.validate`; also refuses what is outside of the part."""
        rows = self.whole.validate(architectures)
        wrong = rows[:, self._positions] != self._options
        if wrong.any():
            row, place = np.argwhere(wrong)[0].tolist()
            position = int(self._positions[place])
            raise ValueError(
                f"row {row}, position {position}: {rows[row, position]} is outside of this part of "
                f"{self.name}, which has {self._options[place]} there"
            )
        return rows

    def _inside(self, rows: Integers) -> Integers:
        rows[:, self._positions] = self._options
        return rows


@dataclass(frozen=True)
class Division:
    """A part of a space, as a sample of it shows it under a limit.

    Attributes
    ----------
    space : SubSpace
        The part.
    latencies_us : numpy.ndarray
        float64 ``[samples]``, ascending: the empirical distribution of its latency.
    within : int
        How many of the sample keep the limit.
    mean_us : float
        Mean latency of those; not a number where there is none.
    mean_multiply_adds : float
        Of those.
    """

    space: SubSpace
    latencies_us: Values
    within: int
    mean_us: float
    mean_multiply_adds: float

    @property
    def share_within(self) -> float:
        """Value at the limit of the cumulative distribution of latency."""
        return self.within / len(self.latencies_us)


def divide(
    spaces: Sequence[Space],
    positions: Sequence[int],
    latencies_us: Callable[[Integers, Space], Values],
    limit_us: float,
    *,
    samples: int,
    rng: np.random.Generator,
) -> list[Division]:
    """Divide spaces into parts, and sample the latency of each (CHaNAS, section 3.6).

    Parameters
    ----------
    spaces : sequence of Space
        Such as one for each width.
    positions : sequence of int
        Positions whose options tell parts apart, such as that of the picture size; for each
        combination of their options there is a part.
    latencies_us : callable
        Gives the latencies of architectures of a space, float64 ``[count]``, microseconds.
    limit_us : float
        What a latency may be.
    samples : int
        Architectures to draw of each part.
    rng : numpy.random.Generator
        Draws them.

    Returns
    -------
    list of Division
        In the order of the spaces and of the options.

    Raises
    ------
    ValueError
        When there is nothing to draw, or no such position.
    """
    if samples < 1 or not spaces:
        raise ValueError("give a space, and one sample or more of each of its parts")
    found = []
    for space in spaces:
        for position in positions:
            if not 0 <= position < len(space.choices):
                raise ValueError(f"{space.name} has no position {position} to be divided by")
        options = [range(space.choices[position]) for position in positions]
        for combination in itertools.product(*options):
            part = SubSpace(space, dict(zip(positions, combination, strict=True)))
            rows = part.sample(samples, rng)
            times = np.asarray(latencies_us(rows, part), np.float64)
            kept = times <= limit_us
            found.append(
                Division(
                    part,
                    np.sort(times),
                    int(kept.sum()),
                    float(times[kept].mean()) if kept.any() else np.nan,
                    float(space.multiply_adds(rows[kept]).mean()) if kept.any() else np.nan,
                )
            )
    return found


def choose_division(divisions: Sequence[Division], rule: Rule = "latency") -> Division:
    """Choose the part that promises most under the limit.

    Parameters
    ----------
    divisions : sequence of Division
        See `divide`.
    rule : {"latency", "multiply-adds"}
        ``"latency"``: the lowest mean latency of the architectures that keep the limit (CHaNAS,
        section 3.6). ``"multiply-adds"``: the most multiply-adds of those, as what computes more
        in the same time tends to be more accurate (Lin et al., "MCUNet", NeurIPS 2020, section
        3.1); it needs no limit that nearly all architectures keep to tell parts apart.

    Raises
    ------
    ValueError
        When nothing of any part keeps the limit.
    """
    possible = [division for division in divisions if division.within]
    if not possible:
        fastest = min(float(division.latencies_us[0]) for division in divisions)
        raise ValueError(
            f"no architecture that was drawn keeps the limit; the fastest takes {fastest:.4g} µs: "
            "allow more, or draw more samples"
        )
    if rule == "latency":
        return min(possible, key=lambda division: division.mean_us)
    return max(possible, key=lambda division: division.mean_multiply_adds)
