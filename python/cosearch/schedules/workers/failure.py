"""What becomes of a candidate that cannot be measured."""

from dataclasses import dataclass


class WorkerError(RuntimeError):
    """No worker can be started, so that nothing at all can be measured."""


@dataclass(frozen=True)
class Failure:
    """Why a candidate has no time.

    Attributes
    ----------
    kind : str
        ``"error"``: TVM or the kernel raised; ``"crash"``: it killed its worker; ``"timeout"``: it
        was killed for taking too long; ``"size"``: unrolled, it is too large to be worth compiling;
        ``"memory"``: it asked for more than a worker may have; ``"overrun"``: it wrote outside
        its arguments; ``"stopped"``: it was never tried, since the tuning stopped.
    message : str
        One line for people.
    """

    kind: str
    message: str

    def __str__(self) -> str:
        """Kind and message."""
        return f"{self.kind}: {self.message}"
