"""Two builds of a network, kernel by kernel: where the schedules came from and what they take."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from cosearch.report.reuse import Kernel, ReuseReport, Source


@dataclass(frozen=True)
class Change:
    """One kernel before and after.

    Attributes
    ----------
    name : str
        Its name after, or before where it is gone.
    workload : str
        Shape-aware signature of its workload.
    source_before, source_after : Source or None
        How its schedule came; None where the network has no such kernel.
    before_us, after_us : float or None
        Time of all its calls in one run, in microseconds, where it was measured.
    """

    name: str
    workload: str
    source_before: Source | None
    source_after: Source | None
    before_us: float | None
    after_us: float | None

    @property
    def saved_us(self) -> float | None:
        """What a run saves in this kernel, in microseconds; None where it is not known."""
        if self.before_us is None or self.after_us is None:
            return None
        return self.before_us - self.after_us

    @property
    def ratio(self) -> float | None:
        """Time after by that before; None where it is not known."""
        if not self.before_us or self.after_us is None:
            return None
        return self.after_us / self.before_us


@dataclass(frozen=True)
class Comparison:
    """Two builds of a network.

    Attributes
    ----------
    label : str
        What the build before was made of: a database, or the file of a report.
    changes : tuple of Change
        In the order of the network after; kernels that are gone come last.
    before_us, after_us : float or None
        Time of one run in all kernels, in microseconds; None for a build that was not measured.
    notes : tuple of str
        Why the times should not be compared, if so.
    """

    label: str
    changes: tuple[Change, ...]
    before_us: float | None
    after_us: float | None
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Change:
        """The sums over all kernels."""
        return Change("all kernels", "", None, None, self.before_us, self.after_us)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        return asdict(self)


def compare_reuse(before: ReuseReport, after: ReuseReport, label: str) -> Comparison:
    """Compare two builds of a network.

    Kernels are matched by their workload: names differ between versions of an importer.

    Parameters
    ----------
    before, after : ReuseReport
        The builds.
    label : str
        What the one before was made of.

    Raises
    ------
    ValueError
        When they have no workload in common.
    """
    old = _by_workload(before.kernels)
    if before.kernels and after.kernels and not old.keys() & {k.workload for k in after.kernels}:
        raise ValueError(
            f"{label} is of another network, {before.network or 'without a name'}: it has no "
            f"kernel in common with {after.network or 'this one'}"
        )
    changes = []
    for kernel in after.kernels:
        same = old.get(kernel.workload)
        changes.append(_change(kernel, same.pop(0) if same else None, kernel))
    changes += [_change(kernel, kernel, None) for rest in old.values() for kernel in rest]
    return Comparison(
        label, tuple(changes), before.latency_us, after.latency_us, tuple(_notes(before, after))
    )


def _by_workload(kernels: Iterable[Kernel]) -> dict[str, list[Kernel]]:
    found = defaultdict(list)
    for kernel in kernels:
        found[kernel.workload].append(kernel)
    return found


def _change(kernel: Kernel, before: Kernel | None, after: Kernel | None) -> Change:
    return Change(
        name=kernel.name,
        workload=kernel.workload,
        source_before=before.source if before is not None else None,
        source_after=after.source if after is not None else None,
        before_us=_time(before),
        after_us=_time(after),
    )


def _time(kernel: Kernel | None) -> float | None:
    if kernel is None or kernel.measured_us is None:
        return None
    return kernel.calls * kernel.measured_us


def _notes(before: ReuseReport, after: ReuseReport) -> Iterable[str]:
    if before.target != after.target:
        yield "the builds are for different targets: their times do not compare"
    if before.threads != after.threads:
        yield f"the builds run on {before.threads} and {after.threads} threads"
    if before.measured != after.measured:
        yield f"only the build {'before' if before.measured else 'after'} was measured"
