"""The charts of networks that were generated, optimised and measured.

They are those of Shah and Hao, "Neural Architecture and Implementation Search", figures 1 to 3:
latency before and after optimisation against accuracy, the networks that are best before and
after, and the speed-up of each.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from cosearch.report.pareto_chart import (
    Axis,
    BarChart,
    Link,
    ParetoChart,
    Point,
    Series,
    non_dominated,
)

# A speed-up is equally long everywhere on a logarithmic axis.
LATENCY = Axis("latency", "µs", log=True)
ACCURACY = Axis("accuracy", "%", higher_is_better=True)


@dataclass(frozen=True)
class OptimisedNetwork:
    """A network before and after its schedules were optimised.

    Attributes
    ----------
    name : str
    accuracy : float
        In percent, or the score of a proxy.
    before_us, after_us : float
        Latency of one run, in microseconds.

    Raises
    ------
    ValueError
        If a latency is not positive, or a number not finite.
    """

    name: str
    accuracy: float
    before_us: float
    after_us: float

    def __post_init__(self) -> None:
        """Refuse what was not measured."""
        for field in ("before_us", "after_us"):
            value = getattr(self, field)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{field} of {self.name!r} is {value}: give a measured latency")
        if not math.isfinite(self.accuracy):
            raise ValueError(f"accuracy of {self.name!r} is {self.accuracy}: give a finite number")

    @property
    def speed_up(self) -> float:
        """Latency before over latency after."""
        return self.before_us / self.after_us

    def before(self) -> Point:
        """Return where it stands before."""
        return Point(self.before_us, self.accuracy, self.name, self._details())

    def after(self) -> Point:
        """Return where it stands after."""
        return Point(self.after_us, self.accuracy, self.name, self._details())

    def _details(self) -> dict[str, float]:
        return {
            "before optimisation, µs": self.before_us,
            "after optimisation, µs": self.after_us,
            "speed-up": self.speed_up,
        }


def optimisation_charts(
    networks: Iterable[OptimisedNetwork], accuracy: Axis = ACCURACY
) -> tuple[ParetoChart, ParetoChart, BarChart]:
    """Make the three charts of an optimisation.

    Parameters
    ----------
    networks : iterable of OptimisedNetwork
        At least one.
    accuracy : Axis
        What the accuracy of the networks is.

    Returns
    -------
    before_and_after : ParetoChart
        Every network before and after, with both fronts.
    best : ParetoChart
        The network that is fastest before, and the one that is fastest after, each with an arrow
        from before to after. They are one network where optimisation keeps the order.
    speed_ups : BarChart
        In the order of the networks.

    Raises
    ------
    ValueError
        If there is no network.
    """
    rows = list(networks)
    if not rows:
        raise ValueError("there is no network to chart: give at least one")
    return _before_and_after(rows, accuracy), _best(rows, accuracy), _speed_ups(rows)


def _before_and_after(rows: list[OptimisedNetwork], accuracy: Axis) -> ParetoChart:
    before = tuple(row.before() for row in rows)
    after = tuple(row.after() for row in rows)
    series = (
        Series("before optimisation", before),
        Series("after optimisation", after),
        Series("front before", non_dominated(before, LATENCY, accuracy), front=True),
        Series("front after", non_dominated(after, LATENCY, accuracy), front=True),
    )
    return ParetoChart("Latency before and after optimisation", LATENCY, accuracy, series)


def _best(rows: list[OptimisedNetwork], accuracy: Axis) -> ParetoChart:
    # Of networks that are equally fast, the more accurate one is the best.
    sign = -1.0 if accuracy.higher_is_better else 1.0
    first = min(rows, key=lambda row: (row.before_us, sign * row.accuracy))
    last = min(rows, key=lambda row: (row.after_us, sign * row.accuracy))
    if first is last:
        title = "The network that is fastest before optimisation is fastest after it too"
        chosen = {"fastest before and after": first}
    else:
        title = "The network that is fastest before optimisation is not fastest after it"
        chosen = {"fastest before": first, "fastest after": last}
    links = tuple(
        Link(row.before(), row.after(), f"{name}: {row.name}, {row.speed_up:.2f}×")
        for name, row in chosen.items()
    )
    series = (
        Series("before optimisation", tuple(link.start for link in links)),
        Series("after optimisation", tuple(link.end for link in links)),
    )
    return ParetoChart(title, LATENCY, accuracy, series, links)


def _speed_ups(rows: list[OptimisedNetwork]) -> BarChart:
    return BarChart(
        title="Speed-up of each network by optimisation",
        unit="×",
        labels=tuple(row.name for row in rows),
        values=tuple(row.speed_up for row in rows),
    )
