"""How large each kernel is drawn: by its time if it was measured, or else by its arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from cosearch.report.page.markup import figure
from cosearch.report.reuse import Kernel, ReuseReport


@dataclass(frozen=True)
class Part:
    """A kernel in a column of the network: one call of it.

    Attributes
    ----------
    kernel : Kernel
    size : float
        In the unit of the scale.
    """

    kernel: Kernel
    size: float


@dataclass(frozen=True)
class Column:
    """A block of the network, or what stands between two.

    Attributes
    ----------
    pattern : str
        Of the block; empty for what stands between.
    parts : tuple of Part
        In the order of their calls.
    """

    pattern: str
    parts: tuple[Part, ...]

    @property
    def size(self) -> float:
        """Sum over the parts."""
        return sum(part.size for part in self.parts)


@dataclass(frozen=True)
class Scale:
    """What sizes in the page stand for.

    Attributes
    ----------
    name : str
        ``"time"``, ``"arithmetic"`` or ``"calls"``.
    per_call : dict of str to float
        Size of one call, by the kernel's name.
    """

    name: str
    per_call: dict[str, float]

    @classmethod
    def of(cls, report: ReuseReport) -> "Scale":
        """Take the first of the three that the report knows."""
        if report.measured:
            return cls("time", {k.name: k.measured_us or 0.0 for k in report.kernels})
        if any(kernel.flops for kernel in report.kernels):
            return cls("arithmetic", {k.name: k.flops for k in report.kernels})
        return cls("calls", {k.name: 1.0 for k in report.kernels})

    def size(self, kernel: Kernel) -> float:
        """Return the size of all calls of a kernel in one run."""
        return kernel.calls * self.per_call[kernel.name]

    def shares(self, kernels: Sequence[Kernel]) -> dict[str, float]:
        """Return each kernel's share of the network, from 0 to 1, by name."""
        total = sum(map(self.size, kernels)) or 1.0
        return {kernel.name: self.size(kernel) / total for kernel in kernels}

    def write(self, size: float) -> str:
        """Write a size with its unit."""
        if self.name == "time":
            return f"{figure(size)} µs"
        if self.name == "arithmetic":
            return f"{figure(size / 1e6)} MFLOP"
        return f"{size:.0f} calls"


def columns(report: ReuseReport, scale: Scale) -> list[Column]:
    """Lay a network out as columns, in the order in which it runs."""
    known = {kernel.name: kernel for kernel in report.kernels}
    if report.blocks:
        found = [
            Column(
                block.pattern,
                tuple(Part(known[n], scale.per_call[n]) for n in block.kernels if n in known),
            )
            for block in report.blocks
        ]
        return [column for column in found if column.parts]
    # An older report knows of each kernel only where it is called first, and how often.
    return [
        Column(pattern, tuple(Part(kernel, scale.size(kernel)) for kernel in group))
        for pattern, group in groupby(report.kernels, lambda kernel: ", ".join(kernel.blocks))
    ]
