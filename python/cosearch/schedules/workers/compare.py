"""Running two forms of a workload on equal arguments."""

import json
from typing import Any

import numpy as np
import tvm
from tvm.target import Target
from tvm_ffi.serialization import from_json_graph_str

from cosearch.schedules.workers.arguments import GuardedTensor


def compare(texts: bytes, args_info: list[Any], target: Target) -> float | list[int]:
    """Compile and run the forms of a workload, and compare what they write.

    Arguments lie between -1 and 1, so that activations are met on both of their sides.

    Parameters
    ----------
    texts : bytes
        A JSON list of two modules as JSON, both with the workload's own arguments.
    args_info : list
        MetaSchedule's argument infos as JSON.
    target : tvm.target.Target
        What to compile for.

    Returns
    -------
    float or list of int
        Largest difference, relative to the largest value of the argument; or the positions of the
        arguments that one of them wrote outside of.
    """
    written = []
    for text in json.loads(texts):
        module = tvm.tirx.build(from_json_graph_str(text), target=target)
        arguments = [
            GuardedTensor(tuple(shape), dtype, np.random.default_rng(seed), lowest=-1.0)
            for seed, (_, dtype, shape) in enumerate(args_info)
        ]
        module["main"](*(argument.tensor for argument in arguments))
        outside = [i for i, argument in enumerate(arguments) if not argument.intact()]
        if outside:
            return outside
        written.append([argument.tensor.numpy() for argument in arguments])
    return max(_difference(one, other) for one, other in zip(*written, strict=True))


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    exact, found = one.astype("float64"), other.astype("float64")
    if np.array_equal(exact, found):
        return 0.0
    difference = float(np.abs(exact - found).max() / max(np.abs(exact).max(), 1e-30))
    return difference if np.isfinite(difference) else float("inf")
