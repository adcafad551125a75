"""The tuner's end of the fork server."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile

from cosearch.schedules.workers import channel, zygote
from cosearch.schedules.workers.failure import WorkerError

_START_S = 120.0
_REPLY_S = 30.0


class ForkServer:
    """A process to fork workers from, started at once and waited for when first needed.

    Parameters
    ----------
    threads : int
        Size of the thread pool of every worker.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._start()

    def fork(self) -> tuple[int, socket.socket]:
        """Fork a worker and return its process id and the tuner's end of its channel.

        Raises
        ------
        WorkerError
            When there is no fork server and none can be started.
        """
        self._await_start()
        try:
            return self._fork()
        except (OSError, EOFError):
            # Something killed the server, and its workers with it.
            self.close()
            self._start()
            self._await_start()
            return self._fork()

    def death(self, pid: int) -> str:
        """Wait for the end of a dying worker and tell what killed it."""
        try:
            self._control.send(str(pid).encode())
            return str(channel.receive(self._control)[0]["death"])
        except (OSError, EOFError):
            return "its fork server died"

    def close(self) -> None:
        """End the server and all of its workers."""
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _start(self) -> None:
        self._control, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()
        environment = {**os.environ, **zygote.ENVIRONMENT, "TVM_NUM_THREADS": str(self._threads)}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", zygote.command()],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=environment,
            )
        self._started = False

    def _await_start(self) -> None:
        if self._started:
            return
        self._control.settimeout(_START_S)
        try:
            channel.receive(self._control)
        except (OSError, EOFError) as error:
            raise WorkerError(
                f"the process that workers are forked from did not start ({self._last_words()}): "
                f"check that `{sys.executable} -c 'import cosearch.schedules'` runs."
            ) from error
        self._control.settimeout(_REPLY_S)
        self._started = True

    def _fork(self) -> tuple[int, socket.socket]:
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"fork"], [theirs.fileno()])
            return int(channel.receive(self._control)[0]["pid"]), ours

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it says nothing"
