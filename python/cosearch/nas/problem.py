"""A search as algorithms see it: a space, and figures of its architectures."""

from collections.abc import Mapping, Sequence

import numpy as np

from cosearch.nas.goals import Goals, Values
from cosearch.nas.objective import Objective
from cosearch.spaces.space import Integers, Space


class Problem:
    """A space with objectives and constraints.

    Parameters
    ----------
    space : Space
        Where to search.
    objectives : sequence of Objective
        What to search for.
    constraints : mapping of Objective to float, optional
        The most that each may be; the least where higher is better. One with the name of an
        objective bounds that objective.

    Attributes
    ----------
    goals : Goals
        What the figures mean.
    by_encoding : bool
        Whether encodings of one canonical architecture count as different: see `Objective`.

    Raises
    ------
    ValueError
        When there is no objective, two have one name, or a bound is no number.
    """

    def __init__(
        self,
        space: Space,
        objectives: Sequence[Objective],
        constraints: Mapping[Objective, float] | None = None,
    ) -> None:
        constraints = constraints or {}
        names = [objective.name for objective in objectives]
        if not names:
            raise ValueError("a search needs an objective, such as 'latency_us'")
        if len(set(names)) < len(names):
            raise ValueError(f"two objectives have one name: {', '.join(names)}")
        for constraint, bound in constraints.items():
            if not np.isfinite(bound):
                raise ValueError(f"the bound of {constraint.name!r} is {bound}: give a number")
        extra = [one for one in constraints if one.name not in names]
        if len({one.name for one in constraints}) < len(constraints):
            raise ValueError(
                f"two constraints have one name: {', '.join(one.name for one in constraints)}"
            )
        self.space = space
        self.figures = (*objectives, *extra)
        self.goals = Goals(
            tuple(figure.column for figure in self.figures),
            len(objectives),
            tuple((one.name, float(bound)) for one, bound in constraints.items()),
        )
        self.by_encoding = any(figure.by_encoding for figure in self.figures)

    @property
    def cost_s(self) -> float:
        """Seconds that an architecture costs, roughly."""
        return sum(figure.cost_s for figure in self.figures)

    def identity(self, rows: Integers) -> Integers:
        """Give each architecture the one row by which the search knows it.

        That is its canonical row, so that none is evaluated twice, unless an objective tells
        encodings apart.

        Parameters
        ----------
        rows : numpy.ndarray
            int64 ``[count, positions]``.
        """
        found = self.space.validate(rows) if self.by_encoding else self.space.canonical(rows)
        return np.ascontiguousarray(found, np.int64)

    def keys(self, rows: Integers) -> list[bytes]:
        """Return what tells architectures apart in a set, one for each row."""
        return [row.tobytes() for row in self.identity(rows)]

    def values(self, rows: Integers) -> Values:
        """Evaluate architectures; float64 ``[count, columns]`` in the order of the goals' columns.

        Parameters
        ----------
        rows : numpy.ndarray
            int64 ``[count, positions]``, see `identity`.

        Raises
        ------
        ValueError
            See `Objective.values`.
        """
        return np.stack([figure.values(rows) for figure in self.figures], axis=1)
