"""What a tuning tells while it runs, and at its end."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TuningProgress:
    """State of a tuning after a candidate.

    Attributes
    ----------
    trials : int
        Candidates measured so far in this call, failed ones included.
    total_trials : int or None
        Candidates that the budget allows this call, None when only time is limited.
    failed : int
        Candidates that failed.
    latency_us : float
        Sum over the tasks of weight times best time so far, in microseconds; infinite until every
        task has a time.
    elapsed_s : float
        Seconds since the call.
    left_s : float or None
        Estimate of the seconds left, None while there is nothing to tell it from.
    task : str
        Name of the workload being tuned.
    """

    trials: int
    total_trials: int | None
    failed: int
    latency_us: float
    elapsed_s: float
    left_s: float | None
    task: str


@dataclass(frozen=True)
class TaskOutcome:
    """What a tuning found for one task.

    Attributes
    ----------
    task : str
        Name of the workload.
    weight : int
        Times that the network calls it.
    trials : int
        Candidates measured in this call.
    known_trials : int
        Candidates that an earlier tuning had measured.
    best_us : float
        Best time of both, in microseconds; infinite when there is none.
    """

    task: str
    weight: int
    trials: int
    known_trials: int
    best_us: float


@dataclass(frozen=True)
class TuningResult:
    """What a tuning did; the schedules are in the database.

    Attributes
    ----------
    trials : int
        Candidates measured, failed ones included.
    failed : int
        Candidates that failed.
    seconds : float
        Time that it took.
    interrupted : bool
        Whether Ctrl-C ended it.
    tasks : tuple of TaskOutcome
        One per task, in the order of the call.
    failures : dict of str to int
        How many candidates failed of each kind (see `Failure`).
    """

    trials: int
    failed: int
    seconds: float
    interrupted: bool
    tasks: tuple[TaskOutcome, ...] = ()
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def latency_us(self) -> float:
        """Sum over the tasks of weight times best time, in microseconds."""
        return sum(task.weight * task.best_us for task in self.tasks)
