"""Processes that compile and time candidates where a crash harms nobody."""

from cosearch.schedules.workers.builder import KernelShelf, WorkerBuilder
from cosearch.schedules.workers.failure import Failure, WorkerError
from cosearch.schedules.workers.pool import WorkerPool
from cosearch.schedules.workers.runner import WorkerRunner

__all__ = ["Failure", "KernelShelf", "WorkerBuilder", "WorkerError", "WorkerPool", "WorkerRunner"]
