"""What a search is after: columns of figures, which of them count, and their bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A figure that every evaluated architecture has.

    Attributes
    ----------
    name : str
        Such as ``"latency_us"``.
    higher_is_better : bool
        Whether more of it is wanted.
    unit : str
        For people; may be empty.
    """

    name: str
    higher_is_better: bool = False
    unit: str = ""

    @property
    def sign(self) -> float:
        """What turns a value into a loss: 1, or -1 where higher is better."""
        return -1.0 if self.higher_is_better else 1.0


@dataclass(frozen=True)
class Goals:
    """Objectives and constraints, and the figures that they are read from.

    Attributes
    ----------
    columns : tuple of Column
        The objectives in their order, then what only a constraint needs.
    objectives : int
        How many of the columns are objectives.
    bounds : tuple of (str, float)
        Constraints: a column, and the most that it may be; the least where higher is better.
    """

    columns: tuple[Column, ...]
    objectives: int
    bounds: tuple[tuple[str, float], ...] = ()

    def index(self, name: str) -> int:
        """Return the place of a column.

        Raises
        ------
        ValueError
            When there is none of that name.
        """
        names = [column.name for column in self.columns]
        if name not in names:
            raise ValueError(f"there is no {name!r}; there are {', '.join(names)}")
        return names.index(name)

    def losses(self, values: Values) -> Values:
        """Return the objectives so that lower is better, float64 ``[count, objectives]``.

        Parameters
        ----------
        values : numpy.ndarray
            float64 ``[count, columns]``, as measured.
        """
        signs = [column.sign for column in self.columns[: self.objectives]]
        losses: Values = values[:, : self.objectives] * np.array(signs)
        return losses

    def violations(self, values: Values) -> Values:
        """Return by how much constraints are broken, float64 ``[count, bounds]``.

        As shares of their bounds, so that they can be added up; zero or less where one holds.

        Parameters
        ----------
        values : numpy.ndarray
            float64 ``[count, columns]``, as measured.
        """
        found = np.empty((len(values), len(self.bounds)))
        for place, (name, bound) in enumerate(self.bounds):
            column = self.index(name)
            over = self.columns[column].sign * (values[:, column] - bound)
            found[:, place] = over / (abs(bound) or 1.0)
        return found

    def feasible(self, values: Values) -> npt.NDArray[np.bool_]:
        """Say which keep all constraints, bool ``[count]``; see `violations`."""
        return np.asarray((self.violations(values) <= 0).all(axis=1))

    def to_json(self) -> dict[str, Any]:
        """Return the goals as plain data."""
        return {
            "columns": [asdict(column) for column in self.columns],
            "objectives": self.objectives,
            "bounds": dict(self.bounds),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Goals":
        """Read what `to_json` gave."""
        columns: Sequence[Mapping[str, Any]] = data["columns"]
        bounds = {str(name): float(bound) for name, bound in data["bounds"].items()}
        return cls(
            tuple(Column(**column) for column in columns),
            int(data["objectives"]),
            tuple(bounds.items()),
        )
