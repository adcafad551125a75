"""What a compiled network knows of itself, carried inside its library."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from tvm import relax
from tvm.ir import IRModule, StringImm, TupleType
from tvm.target import Target
from tvm.tirx import IntImm

from cosearch.report.reuse import ReuseReport

FUNCTION = "cosearch_metadata"
"""Function of the compiled module that returns the metadata as JSON."""


def relax_name(name: str) -> str:
    """Return the name that TVM's importer gives to an input: ``input.1`` becomes ``input_1``."""
    return re.sub(r"\W", "_", name)


@dataclass(frozen=True)
class TensorSpec:
    """A tensor that a network takes or gives.

    Attributes
    ----------
    name : str
        Name of an input; empty for an output.
    shape : tuple of int or None
        Extents; None for a symbolic one.
    dtype : str
        Data type.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    @classmethod
    def of(cls, name: str, ty: relax.TensorType) -> "TensorSpec":
        """Describe a Relax tensor type."""
        extents = ty.shape.values if ty.shape is not None else [None] * ty.ndim
        shape = tuple(int(e) if isinstance(e, IntImm) else None for e in extents)
        return cls(name, shape, str(ty.dtype))


@dataclass(frozen=True)
class Metadata:
    """Inputs, outputs and conditions of a compiled network, and its reuse report.

    Attributes
    ----------
    inputs, outputs : tuple of TensorSpec
        What ``main`` takes and gives.
    target : str
        The target as JSON.
    threads : int
        Threads that its kernels are compiled for.
    reuse : ReuseReport or None
        None for a build without co-search.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    target: str
    threads: int
    reuse: ReuseReport | None = None

    @classmethod
    def of(cls, mod: IRModule, target: Target, reuse: ReuseReport | None) -> "Metadata":
        """Describe a network before it is lowered."""
        main = mod["main"]
        results = main.ret_ty.fields if isinstance(main.ret_ty, TupleType) else [main.ret_ty]
        return cls(
            inputs=tuple(TensorSpec.of(var.name, var.ty) for var in main.params),
            outputs=tuple(TensorSpec.of("", ty) for ty in results),
            target=str(target),
            threads=int(target.attrs["num-cores"]),
            reuse=reuse,
        )

    def attach(self, mod: IRModule) -> IRModule:
        """Return the module with a function that returns this metadata."""
        body = relax.SeqExpr([], StringImm(self.to_json()))
        func = relax.Function([], body, relax.ObjectType(), True)
        result = mod.clone()
        result[FUNCTION] = func.with_attr("global_symbol", FUNCTION)
        return result

    def to_json(self) -> str:
        """Return the metadata as JSON text."""
        data = asdict(self)
        data["reuse"] = self.reuse.to_dict() if self.reuse is not None else None
        return json.dumps(data)

    @classmethod
    def from_json(cls, text: str) -> "Metadata":
        """Read the metadata back.

        Raises
        ------
        ValueError
            When the text is no such metadata.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            reuse = data.pop("reuse")
            inputs, outputs = (
                tuple(TensorSpec(s["name"], tuple(s["shape"]), s["dtype"]) for s in data.pop(key))
                for key in ("inputs", "outputs")
            )
            report = ReuseReport.from_dict(reuse) if reuse is not None else None
            return cls(inputs=inputs, outputs=outputs, reuse=report, **data)
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"the library carries no readable metadata: {error}") from error
