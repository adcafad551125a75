"""What part of its values an axis shows, and where its ticks stand."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

MARGIN = 0.05
MOST_TICKS = 8
_FINEST = 1e-9
"""Values that differ by a smaller share are drawn as one."""


@dataclass(frozen=True)
class AxisRange:
    """A stretch of an axis.

    Attributes
    ----------
    low, high : float
        Its ends, in the unit of the axis.
    log : bool
        Whether equal ratios are equally long.
    """

    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, values: Iterable[float], log: bool = False, margin: float = MARGIN) -> "AxisRange":
        """Return a stretch that shows all values, with a margin.

        Parameters
        ----------
        values : iterable of float
            At least one; positive if `log`.
        log : bool
        margin : float
            Room beyond the outermost values, as a share of what lies between them.
        """
        kept = list(values)
        least, most = min(kept), max(kept)
        if log:
            decades = math.log10(most / least) or 1.0
            return cls(least * 10 ** (-margin * decades), most * 10 ** (margin * decades), log)
        span = most - least
        if span <= _FINEST * max(abs(least), abs(most)):
            span = abs(most) or 1.0
        low = least - margin * span
        # An axis of positive values does not promise negative ones.
        return cls(0.0 if low < 0 < least else low, most + margin * span)

    def share(self, value: float) -> float:
        """Return where a value stands, from 0 at the low end to 1 at the high one."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return 3 to 8 round values within the stretch, in order."""
        if not self.log:
            return _even_ticks(self.low, self.high)
        for leads, fewest in (((1, 2, 3, 5, 7), 4), ((1, 2, 5), 3), ((1,), 3)):
            ticks = _decade_ticks(self.low, self.high, leads)
            if fewest <= len(ticks) <= MOST_TICKS:
                return ticks
        if len(ticks) > MOST_TICKS:
            return ticks[:: math.ceil(len(ticks) / MOST_TICKS)]
        # Less than about a decade: even steps say more than one power of ten.
        return _even_ticks(self.low, self.high)


def tick_text(value: float) -> str:
    """Write the value of a tick, millions and billions (10⁹) short."""
    for size, sign in ((1e9, "G"), (1e6, "M")):
        if size <= abs(value) < 1e4 * size:
            return f"{value / size:,.12g}{sign}"
    return f"{value:,.12g}"


def _even_ticks(low: float, high: float) -> list[float]:
    smallest = (high - low) / MOST_TICKS
    power = 10.0 ** math.floor(math.log10(smallest))
    step = next(lead * power for lead in (1, 2, 5, 10, 20) if lead * power > smallest)
    first, last = math.ceil(low / step), math.floor(high / step)
    # The sum turns -0 into 0.
    return [float(f"{count * step:.12g}") + 0.0 for count in range(first, last + 1)]


def _decade_ticks(low: float, high: float, leads: tuple[int, ...]) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = (lead * 10.0**decade for decade in decades for lead in leads)
    return [tick for tick in ticks if low <= tick <= high]
