"""The ops of one Relax function while they are rewritten, each value made once."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tvm
import tvm_ffi
from tvm import relax
from tvm.ir import Call, GenericConst
from tvm.relax import DataflowVar, Expr, ShapeExpr, Var

from cosearch.frontend.marks import marked_name

Dim = Any
"""An extent: an int, or a symbolic expression."""


class Graph:
    """Values and what defines them; equal ops on equal values are one value.

    Rewriting emits into the graph bottom-up and reads definitions back to match patterns. Nothing
    is ever removed: `build` keeps what the outputs need. That makes each rewriting rule a plain
    function with no mutation to get wrong, and dead code and common subexpressions cost no pass.
    """

    def __init__(self) -> None:
        self.definitions: dict[Var, Expr] = {}
        self.depths: dict[Var, int] = {}
        """Ops on the longest path from an input."""
        self.mark = ""
        """The user's mark of the ops that are being emitted."""
        self.marks: dict[Var, str] = {}
        self._builder = relax.BlockBuilder()
        self._known: dict[Any, Var] = {}
        self._arrays: dict[GenericConst, np.ndarray] = {}
        self._scalars: dict[tuple[str, bytes], GenericConst] = {}

    def emit(self, value: Expr) -> Var:
        """Bind an op, a tuple item or a tuple, whose arguments are values of the graph."""
        key = (_key(value), self.mark)
        var = self._known.get(key)
        if var is None:
            value = self.typed(value)
            var = DataflowVar("lv", value.ty)
            self._known[key] = var
            self.definitions[var] = value
            self.depths[var] = 1 + max((self.depth(arg) for arg in arguments(value)), default=0)
            if self.mark:
                self.marks[var] = self.mark
        return var

    def typed(self, value: Expr) -> Expr:
        """Infer an expression's type where it is missing."""
        if isinstance(value.ty, relax.TensorType | relax.TupleType | relax.ShapeType):
            return value
        return self._builder.normalize(value)

    def depth(self, value: Expr) -> int:
        """Ops on the longest path from an input to a value."""
        if isinstance(value, relax.Tuple):
            return max((self.depth(field) for field in value.fields), default=0)
        return self.depths.get(value, 0) if isinstance(value, Var) else 0

    def call(self, value: Expr, *names: str) -> Call | None:
        """Find the op that defines a value, if it is one of these (without ``relax.``)."""
        found = self.definitions.get(value) if isinstance(value, Var) else None
        return found if isinstance(found, Call) and op_name(found) in names else None

    def array(self, value: Expr) -> np.ndarray | None:
        """Read the elements of a constant; None for anything else."""
        if not isinstance(value, GenericConst):
            return None
        found = self._arrays.get(value)
        if found is None:
            found = self._arrays[value] = value.value.numpy()
        return found

    def scalar(self, value: Expr) -> float | None:
        """Read the number that a rank-0 constant holds; None for anything else."""
        array = self.array(value)
        return float(array) if array is not None and array.ndim == 0 else None

    def constant(self, array: np.ndarray) -> GenericConst:
        """Make a constant; equal scalars are one object."""
        if array.ndim:
            made = relax.const(np.ascontiguousarray(array), str(array.dtype))
        else:
            key = (str(array.dtype), array.tobytes())
            made = self._scalars.get(key)
            if made is None:
                made = self._scalars[key] = relax.const(array, str(array.dtype))
        self._arrays[made] = array
        return made

    def number(self, value: float, like: Expr) -> GenericConst:
        """Make a rank-0 constant of the data type of `like`."""
        return self.constant(np.array(value, dtype=dtype_of(like)))

    def build(self, params: Sequence[Var], result: Expr, like: relax.Function) -> relax.Function:
        """Make a function of one dataflow block with the ops that `result` needs, depth first."""
        renamed: dict[Var, Expr] = {}
        bindings = []
        for number, var in enumerate(self.live(result)):
            value = _substitute(self.definitions[var], renamed)
            mark = self.marks.get(var)
            new = DataflowVar(marked_name(mark, number) if mark else f"lv{number}", var.ty)
            renamed[var] = new
            bindings.append(relax.VarBinding(new, value))
        output = Var("gv", self.typed(result).ty)
        bindings.append(relax.VarBinding(output, _substitute(self.typed(result), renamed)))
        body = self._builder.normalize(relax.SeqExpr([relax.DataflowBlock(bindings)], output))
        return relax.Function(params, body, like.ret_ty, like.is_pure, like.attrs)

    def live(self, result: Expr) -> list[Var]:
        """Bound variables that a value needs, each after its arguments, first argument first."""
        order: dict[Var, None] = {}
        stack: list[tuple[Expr, bool]] = [(result, False)]
        while stack:
            value, done = stack.pop()
            if done:
                order[value] = None
            elif isinstance(value, Var):
                if value in self.definitions and value not in order:
                    stack.append((value, True))
                    args = arguments(self.definitions[value])
                    stack.extend((arg, False) for arg in reversed(args))
            elif isinstance(value, relax.Tuple):
                stack.extend((field, False) for field in reversed(value.fields))
        return list(order)


def arguments(value: Expr) -> list[Expr]:
    """List what an expression reads: variables, constants and tuples of them."""
    if isinstance(value, Call):
        return list(value.args)
    if isinstance(value, relax.TupleGetItem):
        return [value.tuple_value]
    return list(value.fields) if isinstance(value, relax.Tuple) else [value]


def op_name(call: Call) -> str:
    """Name of a call's operator without ``relax.``; empty for a call of anything else."""
    return call.op.name.removeprefix("relax.") if isinstance(call.op, tvm.ir.Op) else ""


def dtype_of(value: Expr) -> str:
    """Tell the data type of a tensor."""
    return str(value.ty.dtype)


def dims(value: Expr) -> tuple[Dim, ...] | None:
    """Shape of a tensor, its constant extents as ints; None where the shape is not known."""
    shape = getattr(value.ty, "shape", None)
    if not isinstance(shape, ShapeExpr):
        return None
    return tuple(as_dim(extent) for extent in shape.values)


def as_dim(extent: Any) -> Dim:
    """Turn a constant extent into an int; a symbolic one stays an expression."""
    return int(extent) if isinstance(extent, int | tvm.tirx.IntImm) else extent


def same_dim(left: Dim, right: Dim) -> bool:
    """Whether two extents are the same number or the same expression."""
    if isinstance(left, int) or isinstance(right, int):
        return isinstance(left, int) and isinstance(right, int) and left == right
    return bool(tvm_ffi.structural_equal(left, right))


def same_dims(left: Iterable[Dim], right: Iterable[Dim]) -> bool:
    """Whether two shapes are the same."""
    first, second = list(left), list(right)
    return len(first) == len(second) and all(map(same_dim, first, second))


def _key(value: Expr) -> Any:
    if isinstance(value, Call):
        attrs = 0 if value.attrs is None else tvm_ffi.structural_hash(value.attrs)
        return (value.op, attrs, *map(_key, value.args), *map(str, value.ty_args))
    if isinstance(value, relax.TupleGetItem):
        return ("item", value.index, _key(value.tuple_value))
    if isinstance(value, relax.Tuple):
        return ("tuple", *map(_key, value.fields))
    return value if isinstance(value, Var | GenericConst | tvm.ir.GlobalVar) else str(value)


def _substitute(value: Expr, renamed: dict[Var, Expr]) -> Expr:
    if isinstance(value, Var):
        return renamed.get(value, value)
    if isinstance(value, Call):
        args = [_substitute(arg, renamed) for arg in value.args]
        return Call(value.op, args, value.attrs, list(value.ty_args), ret_ty=value.ty)
    if isinstance(value, relax.TupleGetItem):
        return relax.TupleGetItem(_substitute(value.tuple_value, renamed), value.index)
    if isinstance(value, relax.Tuple):
        return relax.Tuple([_substitute(field, renamed) for field in value.fields])
    return value
