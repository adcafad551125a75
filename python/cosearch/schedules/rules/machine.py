"""What the rules know of a CPU: its vectors, registers, caches and threads."""

import json
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cosearch.schedules.conditions import Conditions

_DOUBLE_PUMPED = ("znver4",)
"""CPUs that take two cycles for a 512-bit operation."""
_SMALL_L2 = {
    **dict.fromkeys(("haswell", "broadwell", "skylake"), 256 << 10),
    **dict.fromkeys(("znver1", "znver2", "znver3"), 512 << 10),
}
"""Bytes of the second cache of cores that have less of it than others."""

LINE_BYTES = 64
L1_WAYS = 8
L1_WAY_BYTES = 4096
Numbers = npt.NDArray[np.float64] | npt.NDArray[np.int64] | float
Cycles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Machine:
    """A CPU core, in the terms in which inner loops are counted; several of them share the work.

    Attributes
    ----------
    lanes : int
        Values of 32 bits in a vector register.
    registers : int
        Vector registers.
    vectors_per_cycle : float
        Multiply-adds of a full vector that a core starts in a cycle.
    loads_per_cycle : float
        Loads, of a vector or of a broadcast value, that a core starts in a cycle.
    latency : int
        Cycles from a multiply-add to one that depends on it.
    l1_bytes, l2_bytes : int
        Size of a core's own data caches.
    loop_cycles : float
        Cycles of a step of a loop beside what it computes.
    threads : int
        Cores that run a parallel loop.
    broadcasts_operands : bool
        Whether a multiply-add may take its value of the data from memory, or out of a vector; if
        not, that value takes a register of its own.
    """

    lanes: int
    registers: int
    vectors_per_cycle: float = 2.0
    loads_per_cycle: float = 2.0
    latency: int = 4
    l1_bytes: int = 32 << 10
    l2_bytes: int = 1 << 20
    loop_cycles: float = 1.0
    threads: int = 1
    broadcasts_operands: bool = True

    L2_BYTES_PER_CYCLE = 32.0
    L3_BYTES_PER_CYCLE = 10.0
    DRAM_BYTES_PER_CYCLE = 4.0
    L3_BYTES = 16 << 20
    LAUNCH_CYCLES = 6_000
    """What a parallel loop costs before its first iteration: to wake the pool and to wait."""

    @classmethod
    def of(cls, conditions: Conditions) -> "Machine":
        """Read CPU, instruction sets and threads out of the conditions of a build.

        AVX-512 (32 registers of 16 floats), AVX2 (16 of 8), NEON (32 of 4; described only, it was
        not tested), and for anything else the 16 registers of 4 floats that SSE has.
        """
        features = conditions.features.split(",")
        cpu = json.loads(conditions.target).get("mcpu")
        core = cls(4, 16, broadcasts_operands=False)
        if "avx512f" in features:
            core = cls(16, 32, vectors_per_cycle=1.0 if cpu in _DOUBLE_PUMPED else 2.0)
        elif "avx2" in features:
            core = cls(8, 16, loads_per_cycle=1.75, loop_cycles=0.25, broadcasts_operands=False)
        elif "neon" in features:
            core = cls(4, 32)
        l2_bytes = _SMALL_L2.get(cpu, core.l2_bytes)
        return replace(core, l2_bytes=l2_bytes, threads=conditions.threads)

    @property
    def alone(self) -> "Machine":
        """The machine with one thread."""
        return replace(self, threads=1)

    @property
    def kept_bytes(self) -> int:
        """What stays in the second cache beside what passes through it."""
        return self.l2_bytes * 3 // 4

    def holds(self, rows: int, vectors: int) -> bool:
        """Tell whether the registers hold a tile, a row of weights and values of the data.

        Where operands cannot broadcast, LLVM loads several such values before it uses the first,
        the more the fewer vectors each serves, and would write results to memory in every step to
        make room for them.
        """
        values = 1 if self.broadcasts_operands else max(1, rows // vectors)
        return rows * vectors + vectors + values <= self.registers

    def multiply_add_cycles(self, lanes: Numbers) -> Cycles:
        """Return the cycles of a multiply-add of so many values, at most a register of them.

        Half a register takes half the time where the core splits full ones anyway.
        """
        halves = self.is_halved & (2 * np.asarray(lanes) <= self.lanes)
        return np.where(halves, 0.5, 1.0) / self.vectors_per_cycle

    @property
    def is_halved(self) -> bool:
        """Whether a full vector is executed as two halves."""
        return self.vectors_per_cycle < 2.0

    def stream_cycles(self, distinct_bytes: Numbers, passes: Numbers) -> Cycles:
        """Return the cycles to bring data `passes` times into the first cache."""
        size = np.asarray(distinct_bytes, "float64")
        near, own = size <= self.l1_bytes // 2, size <= self.kept_bytes
        far = np.where(size <= self.L3_BYTES, self.L3_BYTES_PER_CYCLE, self.DRAM_BYTES_PER_CYCLE)
        rate = np.where(own, self.L2_BYTES_PER_CYCLE, far)
        return np.where(near, 0.0, size * passes / rate)

    def is_crowded(self, offsets: npt.ArrayLike, ways: int = L1_WAYS) -> bool:
        """Tell whether lines at these offsets, in bytes, push each other out of the first cache.

        So they do where the stride is a large power of two, as it is with 512 channels. Up to so
        many `ways` of lines in one set are taken to do no harm.
        """
        sets = np.asarray(offsets, "int64").ravel() % L1_WAY_BYTES // LINE_BYTES
        return bool(np.bincount(sets).max() > ways)

    def parallel_cycles(self, cycles: Cycles, tasks: npt.NDArray[np.int64]) -> Cycles:
        """Return the cycles of loops of equal tasks over all threads."""
        if self.threads == 1:
            return cycles
        rounds = -(-tasks // self.threads)
        return np.where(tasks == 1, cycles, cycles * rounds / tasks + self.LAUNCH_CYCLES)
