"""Arguments of candidates, between guard zones that tell when a kernel writes outside them."""

import json
import math
from collections import OrderedDict
from typing import Any

import numpy as np
import tvm

GUARD_BYTES = 4096
_ALIGNMENT = 64
_PATTERN = 0xA5
_KEPT_BYTES = 1 << 28


class GuardedTensor:
    """A tensor of random values in the middle of a buffer whose ends are filled with a pattern.

    Parameters
    ----------
    shape : sequence of int
    dtype : str
        A dtype of numpy's, or ``"bfloat16"``.
    random : numpy.random.Generator
        Where the values come from.
    lowest : float
        Least of the values, if they are of floating point; the largest is 1.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: str, random: np.random.Generator, lowest: float = 0.0
    ) -> None:
        values = _random_values(shape, dtype, random, lowest)
        buffer = np.full(values.nbytes + 2 * GUARD_BYTES + _ALIGNMENT, _PATTERN, dtype="uint8")
        start = GUARD_BYTES + (-(buffer.ctypes.data + GUARD_BYTES)) % _ALIGNMENT
        inside = buffer[start : start + values.nbytes].view(values.dtype).reshape(shape)
        inside[...] = values
        self.nbytes = buffer.nbytes
        self._buffer = buffer
        self._guards = (buffer[:start], buffer[start + values.nbytes :])
        self.tensor = tvm.runtime.from_dlpack(inside)
        if dtype == "bfloat16":
            self.tensor = self.tensor._create_view(shape, dtype)

    def intact(self) -> bool:
        """Tell whether nobody wrote to the guard zones."""
        return all(bool((guard == _PATTERN).all()) for guard in self._guards)


class ArgumentPool:
    """Arguments made once for each list of shapes, the least recently used dropped first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, list[GuardedTensor]] = OrderedDict()

    def get(self, args_info: list[Any]) -> list[GuardedTensor]:
        """Return the arguments that MetaSchedule's JSON argument infos describe."""
        key = json.dumps(args_info)
        if key not in self._kept:
            self._kept[key] = [_allocate(info, seed) for seed, info in enumerate(args_info)]
            while len(self._kept) > 1 and self._total_bytes() > _KEPT_BYTES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _total_bytes(self) -> int:
        return sum(tensor.nbytes for tensors in self._kept.values() for tensor in tensors)


def _allocate(info: list[Any], seed: int) -> GuardedTensor:
    kind, dtype, shape = info
    if kind != "TENSOR":
        raise ValueError(f"an argument of kind {kind!r} cannot be made")
    return GuardedTensor(tuple(int(extent) for extent in shape), dtype, np.random.default_rng(seed))


def _random_values(
    shape: tuple[int, ...], dtype: str, random: np.random.Generator, lowest: float
) -> np.ndarray:
    size = math.prod(shape)
    floats = lowest + (1.0 - lowest) * random.random(size, dtype="float32")
    if dtype == "bfloat16":
        # The upper half of a float32; numpy has no such type, and the bits are all that counts.
        bits = floats.view("uint32") >> 16
        return bits.astype("uint16").reshape(shape)
    if dtype.startswith("float"):
        return floats.astype(dtype).reshape(shape)
    # Integers may be indices: 0 and 1 are inside of nearly everything.
    return random.integers(0, 2, size).astype(dtype).reshape(shape)
