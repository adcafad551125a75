"""Bring every op of a function to the one form that the blocks room and the kernels expect."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tvm
from tvm import relax
from tvm.ir import Call, GenericConst, GlobalVar
from tvm.relax import Expr, Var

from cosearch.frontend.fold_constants import fold_constants
from cosearch.frontend.graph import Graph, op_name
from cosearch.frontend.marks import mark_of

Rule = Callable[["Canonicalizer", Call], Expr | None]

RULES: dict[str, list[Rule]] = {}
"""Per operator, the rewritings that are tried in order; the first that answers wins."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rewriting for operators, named without ``relax.``."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES.setdefault(name, []).append(function)
        return function

    return register


class Canonicalizer:
    """Re-emits a function's ops through the rules, constants folded on the way.

    Parameters
    ----------
    graph : Graph
        Where the ops are emitted.
    functions : mapping of GlobalVar to function
        The module's functions, for ops that call a PrimFunc.
    """

    def __init__(self, graph: Graph, functions: Mapping[Any, Any]) -> None:
        self.graph = graph
        self.functions = functions
        self._values: dict[Var, Expr] = {}
        self._uses: dict[Var, int] = {}
        self._inlined_calls = 0

    def run(self, func: relax.Function) -> Expr:
        """Emit every binding of a function; return what the function returns."""
        bindings = [binding for block in func.body.blocks for binding in block.bindings]
        old_uses = _count_uses(bindings, func.body.body)
        outer = self.graph.mark
        for binding in bindings:
            self.graph.mark = outer or mark_of(binding.var.name)
            value = self._rewrite(binding.value)
            self._values[binding.var] = value
            if isinstance(value, Var):
                uses = self._uses.get(value, 0)
                self._uses[value] = uses + old_uses.get(binding.var, 0)
        self.graph.mark = outer
        return self._mapped(func.body.body)

    def apply(self, call: Call) -> Expr:
        """Emit an op in its canonical form."""
        folded = fold_constants(self.graph, call)
        if folded is not None:
            return folded
        for rewriting in RULES.get(op_name(call) or "call", ()):
            found = rewriting(self, call)
            if found is not None:
                return found
        return self.graph.emit(call)

    def single_use(self, value: Expr) -> bool:
        """Whether no more than one op of the function reads a value."""
        return not isinstance(value, Var) or self._uses.get(value, 1) <= 1

    def reshape(self, value: Expr, shape: Any) -> Expr:
        """Emit a reshape."""
        return self.apply(relax.op.reshape(value, relax.ShapeExpr(list(shape))))

    def _rewrite(self, value: Expr) -> Expr:
        value = self._mapped(value)
        if isinstance(value, Call):
            marked = self.functions.get(value.op) if isinstance(value.op, GlobalVar) else None
            if marked is not None and is_marked(marked):
                return self._inlined(marked, value)
            return self.apply(value)
        if isinstance(value, relax.TupleGetItem):
            return self.graph.emit(value)
        return value

    def _inlined(self, func: relax.Function, call: Call) -> Expr:
        """Emit a marked function's ops at its call, each bearing the mark."""
        self._values.update(zip(func.params, call.args, strict=True))
        outer = self.graph.mark
        self.graph.mark = outer or f"{func.attrs['cosearch.mark']}.{self._inlined_calls}"
        self._inlined_calls += 1
        result = self.run(func)
        self.graph.mark = outer
        return result

    def _mapped(self, value: Expr) -> Expr:
        if isinstance(value, Var):
            return self._values.get(value, value)
        if isinstance(value, GenericConst):
            array = self.graph.array(value)
            return value if array is None or array.ndim else self.graph.constant(array)
        if isinstance(value, Call):
            args = [self._mapped(arg) for arg in value.args]
            return Call(value.op, args, value.attrs, list(value.ty_args), ret_ty=value.ty)
        if isinstance(value, relax.Tuple):
            return relax.Tuple([self._mapped(field) for field in value.fields])
        return self._item(value) if isinstance(value, relax.TupleGetItem) else value

    def _item(self, value: relax.TupleGetItem) -> Expr:
        source = self._mapped(value.tuple_value)
        if isinstance(source, relax.Tuple):
            return source.fields[value.index]
        return relax.TupleGetItem(source, value.index)


def is_marked(func: Any) -> bool:
    """Whether a function is a block by the user's mark, and can be inlined."""
    return (
        isinstance(func, relax.Function)
        and func.attrs is not None
        and "cosearch.mark" in func.attrs
        and "cosearch.block" not in func.attrs
        and is_straight_line(func)
    )


def is_straight_line(func: relax.Function) -> bool:
    """Whether a function is a sequence of pure ops in A-normal form, which can be rewritten."""
    if not func.is_pure or not isinstance(func.body, relax.SeqExpr):
        return False
    for block in func.body.blocks:
        for binding in block.bindings:
            if not isinstance(binding, relax.VarBinding) or not _is_plain(binding.value):
                return False
    return _is_leaf(func.body.body)


def _is_plain(value: Expr) -> bool:
    if isinstance(value, Call):
        return isinstance(value.op, tvm.ir.Op | tvm.ir.GlobalVar | Var | relax.ExternFunc) and all(
            map(_is_leaf, value.args)
        )
    if isinstance(value, relax.TupleGetItem):
        return _is_leaf(value.tuple_value)
    return _is_leaf(value)


def _is_leaf(value: Expr) -> bool:
    if isinstance(value, relax.Tuple):
        return all(map(_is_leaf, value.fields))
    return not isinstance(
        value, Call | relax.TupleGetItem | relax.If | relax.SeqExpr | relax.Function
    )


def _count_uses(bindings: list[Any], result: Expr) -> dict[Var, int]:
    uses: dict[Var, int] = {}

    def count(value: Expr) -> None:
        if isinstance(value, Var):
            uses[value] = uses.get(value, 0) + 1
        elif isinstance(value, Call):
            for arg in value.args:
                count(arg)
        elif isinstance(value, relax.Tuple):
            for field in value.fields:
                count(field)
        elif isinstance(value, relax.TupleGetItem):
            count(value.tuple_value)

    for binding in bindings:
        count(binding.value)
    count(result)
    return uses


def per_channel(array: np.ndarray, rank: int, axis: int, extent: Any) -> np.ndarray | None:
    """Flatten a constant operand to one number per channel; None where it is not that.

    Parameters
    ----------
    array : numpy.ndarray
        The operand, which broadcasts against a tensor of `rank` axes.
    rank, axis : int
        Rank of the tensor and its channel axis.
    extent : int
        Number of channels.
    """
    if array.ndim > rank or array.size != extent or array.ndim < rank - axis:
        return None
    shape = (1,) * (rank - array.ndim) + array.shape
    return array.reshape(-1) if shape[axis] == extent else None
