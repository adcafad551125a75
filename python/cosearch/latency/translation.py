"""Kernels of blocks that differ only in extents, told from one another."""

from cosearch.latency.composition import Composition
from cosearch.latency.kernel_sums import join_compositions
from cosearch.latency.outlook import Outlook


class Translation:
    """From the kernels of blocks with one input shape to those of blocks of their kinds at another.

    Blocks of a kind are lowered to kernels in the same order, which is how a pair of blocks teaches
    what each workload becomes. After some hundred blocks all workloads of a space are known, and
    the others need not be lowered. Should two pairs disagree, nothing is translated any more.
    """

    def __init__(self) -> None:
        self._becomes: dict[str, tuple[str, Outlook]] | None = {}

    def learn(self, source: Composition, target: Composition) -> None:
        """Learn from two blocks of a kind."""
        if self._becomes is None:
            return
        if source.calls.tolist() != target.calls.tolist():
            self._becomes = None
            return
        pairs = zip(target.workloads, target.outlooks, strict=True)
        for workload, pair in zip(source.workloads, pairs, strict=True):
            if self._becomes.setdefault(workload, pair)[0] != pair[0]:
                self._becomes = None
                return

    def apply(self, source: Composition) -> Composition | None:
        """Translate the kernels of a block; None where one was not seen in any pair."""
        if not self._becomes or any(one not in self._becomes for one in source.workloads):
            return None
        pairs = [self._becomes[workload] for workload in source.workloads]
        workloads = tuple(workload for workload, _ in pairs)
        outlooks = tuple(outlook for _, outlook in pairs)
        # Two workloads may become one.
        return join_compositions([Composition(workloads, source.calls, outlooks)])
