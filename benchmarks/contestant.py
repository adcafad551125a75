"""One system that runs one network, in a process of its own.

Thread pools of several systems in one process wait in turns for the same cores: each system is
alone in its process here, and sleeps while another one has its turn.

Started by `inference.py`. It reads requests from its input, a line of JSON each, and answers each
with a line: ``{"run": seconds}`` with the times of as many runs, in seconds; ``{"output": file}``
after it has written its first output there; an ``error`` where it cannot do either.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

LEAST_RUNS = 3


def make_runner(request: dict[str, Any]) -> Any:
    """Compile the network as the request asks."""
    system, threads = request["system"], request["threads"]
    with np.load(request["inputs"]) as stored:
        inputs = dict(stored)
    if system.startswith("torch"):
        return make_torch_runner(system, request["network"], threads, list(inputs.values()))
    from cosearch import peers

    model = Path(request["model"])
    if system == "onnxruntime":
        return peers.onnxruntime_runner(model, threads, inputs)
    if system == "openvino":
        return peers.openvino_runner(model, threads, inputs)
    import onnx

    from cosearch import relay
    from cosearch.schedules import ScheduleDatabase, resolve_target

    target = resolve_target(f"{request['target']} -num-cores={threads}")
    mod, params = relay.frontend.from_onnx(onnx.load(model))
    if system == "tvm":
        try:
            plain = peers.import_onnx_as_tvm(onnx.load(model))
        except ValueError:  # TVM's importer refuses what ours folds, such as computed pads
            plain = mod
        return peers.tvm_runner(plain, target, inputs)
    tuned = system == "cosearch"
    with ScheduleDatabase(request["database"]) if tuned else ScheduleDatabase.in_memory():
        lib = relay.build(mod, target, params=params)
    return peers.library_runner(lib, inputs)


def make_torch_runner(system: str, network: str, threads: int, inputs: list[np.ndarray]) -> Any:
    """Make a runner of a network that torch knows, in eager mode or compiled."""
    import torch
    from networks import torch_network

    from cosearch.peers import torch_runner

    torch.set_num_threads(threads)
    module = torch_network(network)
    if system == "torch_compile":
        module = torch.compile(module)
    return torch_runner(module, threads, inputs)


def answer(request: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks."""
    if "system" in request:
        state["run"] = make_runner(request)
        if state["run"] is None:
            return {"error": f"{request['system']} is not installed"}
        state["output"] = state["run"]()[0]
        return {}
    if "output" in request:
        np.save(request["output"], state["output"])
        return {}
    seconds: list[float] = []
    state["run"]()
    end = time.perf_counter() + request["run"]
    while len(seconds) < LEAST_RUNS or time.perf_counter() < end:
        start = time.perf_counter()
        state["run"]()
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds}


def main() -> None:
    """Answer requests until there are no more."""
    warnings.simplefilter("ignore")
    # What libraries print goes to the log, the answers alone to the parent.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    state: dict[str, Any] = {}
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), state)
        except Exception as error:  # whatever the system raises
            reply = {"error": f"{type(error).__name__}: {error}"[:500]}
        out.write(json.dumps(reply) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
