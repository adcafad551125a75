"""MetaSchedule's runner over a pool of workers."""

from typing import Any

from tvm.ir.utils import derived_object
from tvm.s_tir.meta_schedule.runner import (
    PyRunner,
    PyRunnerFuture,
    RunnerFuture,
    RunnerInput,
    RunnerResult,
)

from cosearch.schedules.workers.builder import KernelShelf
from cosearch.schedules.workers.failure import Failure
from cosearch.schedules.workers.pool import WorkerPool


@derived_object
class _Done(PyRunnerFuture):  # type: ignore[misc] # TVM's classes are Any to mypy
    """A result that is there already."""

    def __init__(self, outcome: list[float] | Failure) -> None:
        super().__init__()
        self.outcome = outcome

    def done(self) -> bool:
        """Return True."""
        return True

    def result(self) -> RunnerResult:
        """Return times in seconds, or what went wrong."""
        if isinstance(self.outcome, Failure):
            return RunnerResult(None, str(self.outcome))
        return RunnerResult([latency_us * 1e-6 for latency_us in self.outcome], None)


@derived_object
class WorkerRunner(PyRunner):  # type: ignore[misc] # TVM's classes are Any to mypy
    """Times candidates in the workers that compiled them, one at a time.

    Parameters
    ----------
    pool : WorkerPool
    shelf : KernelShelf
        Shared with the builder.
    """

    def __init__(self, pool: WorkerPool, shelf: KernelShelf) -> None:
        super().__init__()
        self.pool = pool
        self.shelf = shelf

    def run(self, runner_inputs: list[RunnerInput]) -> list[RunnerFuture]:
        """Time a batch."""
        return [_Done(self._measure(item)) for item in runner_inputs]

    def _measure(self, item: Any) -> list[float] | Failure:
        args_info = [plain(info.as_json()) for info in item.args_info]
        return self.pool.run(self.shelf.take(str(item.artifact_path)), args_info)


def plain(value: Any) -> Any:
    """Turn TVM's containers and numbers into Python's."""
    if isinstance(value, str):
        return str(value)
    if hasattr(value, "value"):
        return value.value
    if isinstance(value, int | float) or value is None:
        return value
    return [plain(item) for item in value]
