"""``relay.GraphModule``: run a compiled network through Relay's set_input, run, get_output."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tvm
from tvm import relax
from tvm.runtime import Device

from cosearch._threads import set_threads
from cosearch.relay.library import Library
from cosearch.relay.metadata import TensorSpec, relax_name


class GraphModule:
    """A compiled network with its inputs.

    Parameters
    ----------
    lib : Library
        What `cosearch.relay.build` returned, or ``lib["default"](device)``.
    device : tvm.runtime.Device, optional
        Where to run, by default the CPU.

    Raises
    ------
    TypeError
        When `lib` is something else.
    """

    def __init__(self, lib: Library, device: Device | None = None) -> None:
        if not isinstance(lib, Library):
            raise TypeError(
                f"GraphModule takes what cosearch.relay.build or load_library returned, "
                f"not {type(lib).__name__}"
            )
        self.device = device or tvm.cpu()
        self.library = lib
        self.module = relax.VirtualMachine(lib.executable, self.device)
        self._inputs: dict[str, tvm.runtime.Tensor] = {}
        self._outputs: list[tvm.runtime.Tensor] | None = None

    def set_input(self, key: str | int | None = None, value: Any = None, **params: Any) -> None:
        """Set inputs, by name or position.

        Parameters
        ----------
        key : str or int, optional
            Name or position of one input.
        value : array, optional
            Its value.
        **params : array
            Values of inputs by name.

        Raises
        ------
        ValueError
            When there is no such input, or a value has another shape or data type.
        """
        given = dict(params)
        if key is not None:
            given[self._input_name(key)] = value
        for name, array in given.items():
            spec = self._spec(name)
            self._inputs[spec.name] = self._tensor(spec, array)

    def run(self, **inputs: Any) -> None:
        """Run the network on the inputs that were set, and on those given here.

        Raises
        ------
        ValueError
            When an input is missing or wrong.
        """
        self.set_input(**inputs)
        arguments = self.arguments()
        set_threads(self.library.metadata.threads)
        result = self.module["main"](*arguments)
        self._outputs = [result] if isinstance(result, tvm.runtime.Tensor) else list(result)

    def get_output(self, index: int = 0) -> tvm.runtime.Tensor:
        """Return an output of the newest run.

        Raises
        ------
        RuntimeError
            When the network was not run yet.
        IndexError
            When it has fewer outputs.
        """
        if self._outputs is None:
            raise RuntimeError("there is no output yet: call run() first")
        if not -len(self._outputs) <= index < len(self._outputs):
            raise IndexError(f"output {index} of a network with {len(self._outputs)} outputs")
        return self._outputs[index]

    def get_input(self, key: str | int) -> tvm.runtime.Tensor:
        """Return an input that was set, by name or position."""
        name = self._input_name(key)
        if name not in self._inputs:
            raise ValueError(f"the input {name} was not set yet")
        return self._inputs[name]

    def get_num_inputs(self) -> int:
        """Return the number of inputs."""
        return len(self.library.metadata.inputs)

    def get_num_outputs(self) -> int:
        """Return the number of outputs."""
        return len(self.library.metadata.outputs)

    def benchmark(
        self,
        device: Device | None = None,
        func_name: str = "main",
        repeat: int = 5,
        number: int = 5,
        min_repeat_ms: int = 0,
        **inputs: Any,
    ) -> Any:
        """Time whole runs of the network.

        Parameters
        ----------
        device : tvm.runtime.Device, optional
            For Relay's scripts; the network runs where it was loaded.
        func_name : str
            Function to time.
        repeat, number : int
            Timings to take, and runs in each.
        min_repeat_ms : int
            Runs are added until a timing takes so many milliseconds.
        **inputs : array
            Inputs that were not set yet.

        Returns
        -------
        tvm.runtime.module.BenchmarkResult
            Its times are in seconds; ``mean``, ``median``, ``min``, ``results``.
        """
        return self._timer(func_name, repeat, number, min_repeat_ms, inputs)()

    def _timer(
        self, func_name: str, repeat: int, number: int, min_repeat_ms: int, inputs: dict[str, Any]
    ) -> Callable[[], Any]:
        self.set_input(**inputs)
        arguments = self.arguments()
        set_threads(self.library.metadata.threads)
        saved = f"cosearch_{func_name}"
        self.module.save_function(func_name, saved, *arguments)
        timer: Callable[[], Any] = self.module.time_evaluator(
            saved, self.device, number=number, repeat=repeat, min_repeat_ms=min_repeat_ms
        )
        return timer

    def arguments(self) -> list[tvm.runtime.Tensor]:
        """Return the inputs in the order in which the network takes them.

        Raises
        ------
        ValueError
            When one was not set.
        """
        names = [spec.name for spec in self.library.metadata.inputs]
        missing = [name for name in names if name not in self._inputs]
        if missing:
            raise ValueError(f"these inputs were not set: {', '.join(missing)}")
        return [self._inputs[name] for name in names]

    def _input_name(self, key: str | int) -> str:
        specs = self.library.metadata.inputs
        if isinstance(key, str):
            return self._spec(key).name
        if not 0 <= key < len(specs):
            raise ValueError(f"input {key} of a network with {len(specs)} inputs")
        return specs[key].name

    def _spec(self, name: str) -> TensorSpec:
        for spec in self.library.metadata.inputs:
            if spec.name in (name, relax_name(name)):
                return spec
        names = ", ".join(spec.name for spec in self.library.metadata.inputs)
        raise ValueError(f"there is no input {name!r}; the network takes {names}")

    def _tensor(self, spec: TensorSpec, value: Any) -> tvm.runtime.Tensor:
        array = value.numpy() if isinstance(value, tvm.runtime.Tensor) else np.asarray(value)
        if str(array.dtype) != spec.dtype:
            raise ValueError(
                f"the input {spec.name} is {array.dtype}, but the network takes {spec.dtype}: "
                f'convert it with .astype("{spec.dtype}")'
            )
        fits = len(array.shape) == len(spec.shape) and all(
            want is None or have == want for have, want in zip(array.shape, spec.shape, strict=True)
        )
        if not fits:
            raise ValueError(
                f"the input {spec.name} has shape {tuple(array.shape)}, but the network takes "
                f"{tuple('any' if e is None else e for e in spec.shape)}"
            )
        return tvm.runtime.tensor(np.ascontiguousarray(array), self.device)
