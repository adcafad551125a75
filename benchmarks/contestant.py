"""One system that runs one network, in a process of its own.

Thread pools of several systems in one process wait in turns for the same cores: each system is
alone in its process here, and sleeps while another one has its turn.

Started by `contest.py`. It reads requests from its input, a line of JSON each, and answers each
with a line: ``{"load": true}`` when it has imported what our builds need; ``{"system": name, …}``
when the network is ready to run, with what our build tells; ``{"run": seconds}`` with the times of
as many runs, in seconds; ``{"output": file}`` after it has written its first output there;
``{"profile": true}`` with the microseconds of each workload; an ``error`` where it cannot do so.
"""

import importlib
import json
import os
import sys
import time
import warnings
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

LEAST_RUNS = 3


def make_runner(request: dict[str, Any], state: dict[str, Any]) -> Any:
    """Compile the network as the request asks; the state takes the library, where it is ours."""
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
    from cosearch.schedules import resolve_target

    target = resolve_target(f"{request['target']} -num-cores={threads}")
    mod, params = relay.frontend.from_onnx(onnx.load(model))
    if system == "tvm":
        try:
            plain = peers.import_onnx_as_tvm(onnx.load(model))
        except ValueError:  # TVM's importer refuses what ours folds, such as computed pads
            plain = mod
        return peers.tvm_runner(plain, target, inputs)
    state["library"], state["build_s"] = build(request, mod, params, target)
    return peers.library_runner(state["library"], inputs)


def build(request: dict[str, Any], mod: Any, params: Any, target: Any) -> tuple[Any, float]:
    """Build a network: `default` without co-search, `untuned` and `cosearch` from a database."""
    import tvm
    from prepared import open_database

    from cosearch import relay

    system = request["system"]
    config = {
        "relax.cosearch.enable": system != "default",
        "relax.cosearch.trials": request.get("trials", 0),
        "relax.cosearch.seconds": request.get("seconds", 0.0),
    }
    path = request["database"] if system == "cosearch" else None
    start = time.perf_counter()
    database = nullcontext() if system == "default" else open_database(path)
    with database, tvm.transform.PassContext(config=config):
        lib = relay.build(mod, target, params=params)
    return lib, time.perf_counter() - start


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


def describe(state: dict[str, Any]) -> dict[str, Any]:
    """Tell how long our build took, and where the schedules of its kernels came from."""
    if "library" not in state:
        return {}
    reuse = state["library"].metadata.reuse
    sources = Counter(kernel.source for kernel in reuse.kernels) if reuse is not None else {}
    return {"build_s": state["build_s"], "sources": dict(sources)}


def answer(request: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks."""
    if "load" in request:
        for module in ("onnx", "prepared", "cosearch.peers", "cosearch.relay"):
            importlib.import_module(module)
        return {}
    if "system" in request:
        state["run"] = make_runner(request, state)
        if state["run"] is None:
            return {"error": f"{request['system']} is not installed"}
        state["output"] = state["run"]()[0]
        return describe(state)
    if "output" in request:
        np.save(request["output"], state["output"])
        return {}
    if "profile" in request:
        profiled = state["library"].profile()
        return {"latency_us": {k.workload: k.measured_us for k in profiled.kernels}}
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
