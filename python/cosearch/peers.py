"""A network as cosearch, TVM's default and their peers run it, ready to be timed."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tvm
from tvm import relax
from tvm.ir import IRModule
from tvm.target import Target

from cosearch._threads import set_threads
from cosearch.relay.graph_module import GraphModule
from cosearch.relay.library import Library
from cosearch.relay.metadata import relax_name

Runner = Callable[[], Sequence[np.ndarray]]
"""Runs a network once on inputs that were given before; returns its outputs."""


def network_runners(
    model: Path,
    lib: Library,
    inputs: Mapping[str, np.ndarray],
    target: Target,
    shape: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, Runner]:
    """Return runners of one ONNX model: cosearch, TVM's default, and its peers if installed.

    Parameters
    ----------
    model : pathlib.Path
        The ONNX file.
    lib : Library
        The same network as `cosearch.relay.build` compiled it.
    inputs : mapping of str to numpy.ndarray
        Its inputs by name.
    target : tvm.target.Target
        What TVM's default compiles for, with its number of threads.
    shape : mapping of str to sequence of int, optional
        Shapes of inputs with dynamic dimensions.
    """
    import onnx

    runners = {
        "cosearch": library_runner(lib, inputs),
        "TVM's default": tvm_runner(import_onnx_as_tvm(onnx.load(model), shape), target, inputs),
    }
    return runners | peer_runners(model, int(target.attrs["num-cores"]), inputs)


def peer_runners(
    model: Path | bytes, threads: int, inputs: Mapping[str, np.ndarray]
) -> dict[str, Runner]:
    """Return runners of an ONNX model in onnxruntime and OpenVINO, those that are installed.

    Parameters
    ----------
    model : pathlib.Path or bytes
        The ONNX file or its content.
    threads : int
        Threads for each operator.
    inputs : mapping of str to numpy.ndarray
        Its inputs by name, in the order of the model's.
    """
    made = {
        "onnxruntime": onnxruntime_runner(model, threads, inputs),
        "OpenVINO": openvino_runner(model, threads, inputs),
    }
    return {name: runner for name, runner in made.items() if runner is not None}


def import_onnx_as_tvm(proto: Any, shape: Mapping[str, Sequence[int]] | None = None) -> IRModule:
    """Import an ONNX model with nothing but TVM, for comparison."""
    from tvm.relax.frontend.onnx import from_onnx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it renames inputs that are no identifiers
        return from_onnx(proto, {name: list(value) for name, value in (shape or {}).items()})


def library_runner(lib: Library, inputs: Mapping[str, np.ndarray]) -> Runner:
    """Return a runner of a library that `cosearch.relay.build` made.

    Parameters
    ----------
    lib : Library
        The compiled network.
    inputs : mapping of str to numpy.ndarray
        Its inputs by name.
    """
    module = GraphModule(lib)
    for name, array in inputs.items():
        module.set_input(name, array)

    def run() -> list[np.ndarray]:
        module.run()
        return [module.get_output(i).numpy() for i in range(module.get_num_outputs())]

    return run


def tvm_runner(mod: IRModule, target: Target, inputs: Mapping[str, np.ndarray]) -> Runner:
    """Return a runner of a network as ``tvm.compile`` builds it by default.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        The network as TVM's importer gave it.
    target : tvm.target.Target
        With its number of threads.
    inputs : mapping of str to numpy.ndarray
        Its inputs by name, in the order of its parameters.
    """
    machine = relax.VirtualMachine(tvm.compile(mod, target), tvm.cpu())
    arguments = [tvm.runtime.tensor(array) for array in inputs.values()]
    threads = int(target.attrs["num-cores"])

    def run() -> list[np.ndarray]:
        set_threads(threads)
        result = machine["main"](*arguments)
        fields = [result] if isinstance(result, tvm.runtime.Tensor) else result
        return [field.numpy() for field in fields]

    return run


def onnxruntime_runner(
    model: Path | bytes, threads: int, inputs: Mapping[str, np.ndarray]
) -> Runner | None:
    """Return a runner of an ONNX model in onnxruntime, or None where that is not installed.

    Parameters
    ----------
    model : pathlib.Path or bytes
        The ONNX file or its content.
    threads : int
        Threads for each operator.
    inputs : mapping of str to numpy.ndarray
        Its inputs by name; a model with one input takes the only one, whatever its name.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    if len(names) == 1:
        feed = dict(zip(names, inputs.values(), strict=True))
    else:
        feed = {
            name: inputs[name] if name in inputs else inputs[relax_name(name)] for name in names
        }
    return lambda: session.run(None, feed)


def openvino_runner(
    model: Path | bytes, threads: int, inputs: Mapping[str, np.ndarray]
) -> Runner | None:
    """Return a runner of an ONNX model in OpenVINO, or None where that is not installed.

    Parameters
    ----------
    model : pathlib.Path or bytes
        The ONNX file or its content.
    threads : int
        Threads for each operator; it computes in float32 as the others do.
    inputs : mapping of str to numpy.ndarray
        Its inputs by name, in the order of the model's.
    """
    try:
        import openvino
    except ImportError:
        return None
    core = openvino.Core()
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = core.compile_model(core.read_model(model), "CPU", options)
    request = compiled.create_infer_request()
    arrays = [np.ascontiguousarray(array) for array in inputs.values()]

    def run() -> list[np.ndarray]:
        results = request.infer(arrays)
        return [results[output] for output in compiled.outputs]

    return run


def torch_runner(module: Any, threads: int, inputs: Sequence[np.ndarray]) -> Runner:
    """Return a runner of a torch module in eager mode.

    Parameters
    ----------
    module : torch.nn.Module
        The network, in evaluation mode, with one tensor as its output.
    threads : int
        Threads that torch may use.
    inputs : sequence of numpy.ndarray
        Its inputs.
    """
    import torch

    tensors = [torch.from_numpy(array) for array in inputs]

    def run() -> list[np.ndarray]:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return [module(*tensors).numpy()]

    return run


def random_inputs(mod: IRModule, seed: int = 0) -> dict[str, np.ndarray]:
    """Return random inputs for the function ``main`` of a module, by name.

    Floats are normal, integers 0 or 1; a symbolic extent is 1.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        The network.
    seed : int
        Seed of the numbers.
    """
    rng = np.random.default_rng(seed)
    inputs = {}
    for var in mod["main"].params:
        shape = [int(e) if isinstance(e, tvm.tirx.IntImm) else 1 for e in var.ty.shape.values]
        dtype = np.dtype(str(var.ty.dtype))
        if dtype.kind == "f":
            inputs[var.name] = rng.standard_normal(shape).astype(dtype)
        else:
            inputs[var.name] = rng.integers(0, 2, shape).astype(dtype)
    return inputs
