"""Which task to measure next: where a batch promises to save the network the most time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

ALPHA = 0.2
WINDOW = 3


@dataclass
class TaskHistory:
    """What batches brought for one task.

    Attributes
    ----------
    weight : float
        Times that the network calls the workload.
    work : float
        Arithmetic of one run of the network in the workload.
    best_us : list of float
        Best time after each batch, in microseconds; infinite while nothing could be measured.
    promised_us : float
        What the first batch of this call is expected to save a run of the network, where it is
        known; 0 from then on.
    """

    weight: float
    work: float = 0.0
    best_us: list[float] = field(default_factory=list)
    promised_us: float = 0.0

    def gradient(self) -> float:
        """Time that one more batch is expected to save, in microseconds per run of the network.

        MetaSchedule's `GradientBased`: the slope over the last batches, mixed with what an equal
        share of the remaining time would be.
        """
        batches = len(self.best_us)
        if not batches or math.isinf(self.best_us[-1]):
            return math.inf if not batches else 0.0
        best = self.best_us[-1]
        if batches <= WINDOW or math.isinf(self.best_us[-1 - WINDOW]):
            return self.weight * best
        slope = (self.best_us[-1 - WINDOW] - best) / WINDOW
        return self.weight * (ALPHA * slope + (1 - ALPHA) * best / batches)


def next_task(histories: Sequence[TaskHistory], alive: Sequence[int]) -> int:
    """Choose one of the tasks that are alive: by promise, then new ones, then by gradient.

    Of the new ones those with most work come first, so that a short tuning spends its time where
    the network does. A workload without any time after its first batch comes when no other is left.
    """

    def urgency(index: int) -> tuple[float, float, float]:
        history = histories[index]
        return history.promised_us, history.gradient(), history.work

    return max(alive, key=urgency)
