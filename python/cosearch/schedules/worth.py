"""Which kernels of a network are most worth tuning.

What a tuning would gain is learnt from those that the database holds, under the same conditions: a
workload that was tuned has gained the time of its first candidate by that of its best. The first
candidate is the design that the schedule rules rank first, which is also what a build gives to a
workload without a record; a schedule that was transferred, or TVM's own loops, may be better or
worse than that, so that the expectation is rough for them. The best of many noisy measurements is
a bit too good to be true, and gains are overestimated by as much. The order is what to look at.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cosearch.blocks import Signature
from cosearch.schedules.tuning_history import MIN_TRIALS, TuningHistory, WorkloadHistory

PRIOR_GAIN = 1.05
"""What tuning is taken to gain where nothing was tuned yet. The median over the 33 workloads of
MobileNetV2 was 1.035 on one thread of a Zen 4, with 16 candidates each."""


@dataclass(frozen=True)
class KernelTime:
    """What a kernel of a network takes now.

    Attributes
    ----------
    name : str
        Its name in the network.
    signature : Signature
        Of its workload.
    calls : int
        Times that one run of the network calls it.
    current_us : float
        Latency of one call, in microseconds.
    is_recorded : bool
        Whether its schedule is the best record of this very workload.
    """

    name: str
    signature: Signature
    calls: int
    current_us: float
    is_recorded: bool = False


@dataclass(frozen=True)
class Worth:
    """What tuning a kernel is expected to gain.

    Attributes
    ----------
    name : str
        Its name in the network.
    workload : str
        Shape-aware signature of its workload.
    calls : int
        Times that one run of the network calls it.
    current_us, expected_us : float
        Latency of one call now and after a tuning, in microseconds.
    expected_gain_us : float
        What one run of the network is expected to save, in microseconds.
    trials : int
        Candidates that were measured for the workload so far.
    basis : str
        What the expectation was learnt from.
    """

    name: str
    workload: str
    calls: int
    current_us: float
    expected_us: float
    expected_gain_us: float
    trials: int = 0
    basis: str = ""


def rank_worth(kernels: Iterable[KernelTime], history: TuningHistory) -> list[Worth]:
    """Rank the kernels of a network by what tuning them is expected to gain, most first.

    A workload without a record is expected to gain what tuned workloads of its kind (the same
    shape-agnostic signature) have gained, as the median over them; else the median over all; else
    `PRIOR_GAIN`. One with a record of its own has gained part of that already where it was hardly
    tuned, and the rest is left. Where it was tuned, another tuning as long is expected to gain
    what the second half of the candidates has brought to its kind.

    Parameters
    ----------
    kernels : iterable of KernelTime
        The kernels, and what they take now.
    history : TuningHistory
        What earlier tunings have gained.
    """
    ranked = [_worth(kernel, history) for kernel in kernels]
    return sorted(ranked, key=lambda worth: (-worth.expected_gain_us, worth.name))


def _worth(kernel: KernelTime, history: TuningHistory) -> Worth:
    own = history.workloads.get(kernel.signature.shape_aware)
    gain, basis = _expected_gain(kernel, own, history)
    expected_us = kernel.current_us / max(1.0, gain)
    return Worth(
        name=kernel.name,
        workload=kernel.signature.shape_aware,
        calls=kernel.calls,
        current_us=kernel.current_us,
        expected_us=expected_us,
        expected_gain_us=kernel.calls * (kernel.current_us - expected_us),
        trials=own.trials if own is not None else 0,
        basis=basis,
    )


def _expected_gain(
    kernel: KernelTime, own: WorkloadHistory | None, history: TuningHistory
) -> tuple[float, str]:
    kind = kernel.signature.shape_agnostic
    if kernel.is_recorded and own is not None and own.trials >= MIN_TRIALS:
        late, basis = history.typical(kind, lambda tuned: tuned.late_gain)
        return late or 1.0, f"second half of {basis}"
    gain, basis = history.typical(kind, lambda tuned: tuned.gain)
    if gain is None:
        gain, basis = PRIOR_GAIN, f"{basis}, a guess"
    if kernel.is_recorded and own is not None:
        return gain / own.gain, f"{basis}, less what it has gained"
    return gain, basis
