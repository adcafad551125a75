"""An objective of a search: a figure, and what gives it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosearch.nas.goals import Column, Values
from cosearch.spaces.space import Integers

RESERVED = ("architecture", "feasible", "front", "schedules")
"""Other columns of the tables that a search writes."""


@dataclass(frozen=True)
class Objective:
    """A figure of architectures that a search minimises, maximises or bounds.

    Attributes
    ----------
    name : str
        Heading of its column.
    evaluate : callable
        Takes int64 ``[count, positions]``, gives finite numbers ``[count]``. An architecture's must
        not depend on what is asked with it, nor on when.
    higher_is_better : bool
        Whether it is maximised.
    unit : str
        For people; may be empty.
    cost_s : float
        Seconds an architecture, roughly; not a number where nobody knows yet. Of dear ones fewer
        are evaluated, and written to the checkpoint, at once.
    by_encoding : bool
        Whether it tells apart encodings of one canonical architecture, as NAS-Bench-201's accuracy
        does, where dead edges were trained too. The search then takes each for its own.

    Raises
    ------
    ValueError
        When the name is empty, or that of another column.

    Examples
    --------
    >>> energy = Objective("energy_mj", model.energy, unit="mJ")
    >>> cosearch.search("nasbench201", [energy, "accuracy"])
    """

    name: str
    evaluate: Callable[[Integers], npt.ArrayLike]
    higher_is_better: bool = False
    unit: str = ""
    cost_s: float = 0.0
    by_encoding: bool = False

    def __post_init__(self) -> None:
        """Refuse a name that a table cannot have."""
        if not self.name or self.name in RESERVED:
            raise ValueError(
                f"an objective cannot be named {self.name!r}: the name heads a column of a table, "
                f"beside {', '.join(RESERVED)}"
            )

    @property
    def column(self) -> Column:
        """What heads its figures."""
        return Column(self.name, self.higher_is_better, self.unit)

    def values(self, rows: Integers) -> Values:
        """Evaluate architectures, and check what comes back.

        Parameters
        ----------
        rows : numpy.ndarray
            int64 ``[count, positions]``.

        Returns
        -------
        numpy.ndarray
            float64 ``[count]``.

        Raises
        ------
        ValueError
            When it is of another shape, or some are not finite.
        """
        found = np.asarray(self.evaluate(rows), np.float64)
        if found.shape != (len(rows),):
            raise ValueError(
                f"objective {self.name!r} gave {list(found.shape)} values for {len(rows)} "
                f"architectures: it has to give one for each, [{len(rows)}]"
            )
        if not np.isfinite(found).all():
            first = int(np.argmin(np.isfinite(found)))
            raise ValueError(
                f"objective {self.name!r} is {found[first]} for {rows[first].tolist()}: for one "
                "that cannot be evaluated give a finite number that is worse than any other"
            )
        return found
