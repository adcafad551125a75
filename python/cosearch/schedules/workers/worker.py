"""The tuner's end of one worker."""

import contextlib
import os
import signal
import time

from cosearch.schedules.workers import channel
from cosearch.schedules.workers.failure import Failure, WorkerError
from cosearch.schedules.workers.fork_server import ForkServer


class WorkerHandle:
    """One worker: send it a request, ask later what came of it.

    Parameters
    ----------
    server : ForkServer
        Where to fork it from.
    threads : int
        Threads that kernels run on.
    memory_bytes : int
        Private memory that the worker may have.
    """

    def __init__(self, server: ForkServer, threads: int, memory_bytes: int) -> None:
        self._server = server
        self.pid, self._end = server.fork()
        self.alive = True
        self._deadline = 0.0
        self._timeout_s = 0.0
        answer = self.call(
            {"do": "configure", "threads": threads, "memory_bytes": memory_bytes}, 30.0
        )
        if isinstance(answer, Failure) or answer["threads"] != threads:
            self.kill()
            raise WorkerError(f"a worker cannot be set to {threads} threads: {answer}")

    def fileno(self) -> int:
        """Descriptor to wait on for an answer."""
        return self._end.fileno()

    def request(self, message: channel.Message, timeout_s: float, payload: bytes = b"") -> None:
        """Send a request, to be answered within some seconds."""
        self._deadline = time.monotonic() + timeout_s
        self._timeout_s = timeout_s
        self._end.settimeout(timeout_s)
        # When the worker is gone the answer will tell.
        with contextlib.suppress(OSError):
            channel.send(self._end, message, payload)

    def overdue(self) -> bool:
        """Tell whether the time for the answer is over."""
        return time.monotonic() > self._deadline

    def answer(self) -> channel.Message | Failure:
        """Read the answer, waiting for it until it is overdue; a worker that fails is killed."""
        self._end.settimeout(max(1e-3, self._deadline - time.monotonic()))
        try:
            answer, _ = channel.receive(self._end)
        except TimeoutError:
            self.kill()
            return Failure("timeout", f"killed after {self._timeout_s:g} s")
        except (EOFError, OSError):
            return Failure("crash", self.kill())
        if "failure" in answer:
            failure = Failure(answer["failure"], answer["message"])
            if failure.kind in ("overrun", "memory"):
                # Whatever else it holds may have been written to as well.
                self.kill()
            return failure
        return answer

    def call(
        self, message: channel.Message, timeout_s: float, payload: bytes = b""
    ) -> channel.Message | Failure:
        """Send a request and wait for the answer."""
        self.request(message, timeout_s, payload)
        return self.answer()

    def kill(self) -> str:
        """End the process and tell what ended it."""
        if not self.alive:
            return "it was ended before"
        self.alive = False
        self._end.close()
        # Not yet waited for by the fork server, so that the id is still this worker's.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        return self._server.death(self.pid)
