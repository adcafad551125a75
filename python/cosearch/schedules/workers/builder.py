"""MetaSchedule's builder over a pool of workers."""

from tvm.ir.utils import derived_object
from tvm.s_tir.meta_schedule.builder import BuilderInput, BuilderResult, PyBuilder

from cosearch.schedules.workers.failure import Failure
from cosearch.schedules.workers.pool import Kernel, WorkerPool


class KernelShelf:
    """Compiled candidates between builder and runner, which MetaSchedule lets pass strings only."""

    def __init__(self) -> None:
        self._kernels: dict[str, Kernel] = {}

    def put(self, kernel: Kernel) -> str:
        """Keep a kernel and return its ticket."""
        self._kernels[kernel.key] = kernel
        return kernel.key

    def take(self, ticket: str) -> Kernel:
        """Hand a kernel out, once."""
        return self._kernels.pop(ticket)


@derived_object
class WorkerBuilder(PyBuilder):  # type: ignore[misc] # TVM's classes are Any to mypy
    """Compiles candidates in the workers of a pool, and leaves the kernels there.

    Use it with `WorkerRunner`, and without the measure callback `RemoveBuildArtifact`: there is no
    file to remove.

    Parameters
    ----------
    pool : WorkerPool
    shelf : KernelShelf
        Shared with the runner.
    """

    def __init__(self, pool: WorkerPool, shelf: KernelShelf) -> None:
        super().__init__()
        self.pool = pool
        self.shelf = shelf

    def build(self, build_inputs: list[BuilderInput]) -> list[BuilderResult]:
        """Compile a batch."""
        inputs = list(build_inputs)
        if not inputs:
            return []
        built = self.pool.build([item.mod for item in inputs], inputs[0].target)
        return [
            BuilderResult(None, str(kernel))
            if isinstance(kernel, Failure)
            else BuilderResult(self.shelf.put(kernel), None)
            for kernel in built
        ]
