"""Convert a network to one layout, permuting as late as possible and mostly not at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tvm import relax
from tvm.ir import Call, GenericConst
from tvm.relax import Expr, Var

from cosearch.frontend.canonicalize import Canonicalizer
from cosearch.frontend.graph import arguments, dims, op_name

Order = tuple[int, ...]


@dataclass(frozen=True)
class Placed:
    """A tensor of the network as it lies in memory.

    Attributes
    ----------
    value : tvm.relax.Expr
        The tensor with its axes in memory order.
    order : tuple of int
        Axis `i` of `value` is axis ``order[i]`` of the network's tensor.
    """

    value: Expr
    order: Order


LayoutRule = Callable[["LayoutConverter", Var, Call], Placed | None]

LAYOUT_RULES: dict[str, LayoutRule] = {}
"""Per operator, how it is computed on permuted operands; None refuses, and permutes them back."""


def layout_rule(*names: str) -> Callable[[LayoutRule], LayoutRule]:
    """Register how operators, named without ``relax.``, keep a permutation."""

    def register(function: LayoutRule) -> LayoutRule:
        LAYOUT_RULES.update(dict.fromkeys(names, function))
        return function

    return register


class LayoutConverter:
    """Re-emits a graph's ops on tensors that lie in memory in a layout of choice.

    TVM's ConvertLayout surrounds an op that it does not know with transposes at once. Here a value
    carries its permutation along: a permute_dims only changes it, elementwise ops, reductions,
    concat, slices and reshapes pass it on, and a transpose appears only where an op has to have its
    axes in order, or where an operand is in another order.

    Parameters
    ----------
    canonicalizer : Canonicalizer
        What emits.
    layout : str
        The layout of convolutions and pools, a permutation of ``"NCHW"``.
    """

    def __init__(self, canonicalizer: Canonicalizer, layout: str) -> None:
        self.canonicalizer = canonicalizer
        self.graph = canonicalizer.graph
        self.layout = layout
        self._placed: dict[Var, Placed] = {}
        self._tuples: dict[Var, Expr] = {}

    def run(self, result: Expr) -> Expr:
        """Emit what a value needs; the value itself comes out with its axes in order."""
        for var in self.graph.live(result):
            self.graph.mark = self.graph.marks.get(var, "")
            definition = self.graph.definitions[var]
            rule = LAYOUT_RULES.get(op_name(definition)) if isinstance(definition, Call) else None
            placed = rule(self, var, definition) if rule is not None else None
            if placed is not None:
                self._placed[var] = placed
            else:
                self._in_order(var, definition)
        self.graph.mark = ""
        return self.restored(result)

    def of(self, value: Expr) -> Placed:
        """Where a value of the network lies."""
        if value in self._placed:
            return self._placed[value]
        value = self._tuples.get(value, value) if isinstance(value, Var) else value
        return Placed(value, tuple(range(max(getattr(value.ty, "ndim", 0), 0))))

    def place(self, value: Expr, order: Sequence[int]) -> Expr:
        """Give the tensor with its axes in this order, permuted where it lies otherwise."""
        placed = self.of(value)
        if placed.order == tuple(order):
            return placed.value
        axes = [placed.order.index(axis) for axis in order]
        array = self.graph.array(placed.value)
        if array is not None:
            return self.graph.constant(array.transpose(axes))
        mark, self.graph.mark = self.graph.mark, ""
        moved = self.canonicalizer.apply(relax.op.permute_dims(placed.value, axes))
        self.graph.mark = mark
        return moved

    def restored(self, value: Expr) -> Expr:
        """Give the value with its axes as in the network; a tuple field by field."""
        if isinstance(value, relax.Tuple):
            return relax.Tuple([self.restored(field) for field in value.fields])
        if isinstance(value, Var | GenericConst):
            return self.place(value, range(len(self.of(value).order)))
        return value

    def emit(self, call: Call, order: Sequence[int]) -> Placed:
        """Emit an op whose result lies in an order."""
        return Placed(self.graph.emit(call), tuple(order))

    def common_order(self, values: Sequence[Expr], rank: int) -> Order:
        """Choose the order for an op on several tensors: theirs, or the layout's, or the plain."""
        vars_only = [value for value in values if self.graph.array(value) is None]
        orders = [order for order in (self.of(v).order for v in vars_only) if len(order) == rank]
        plain, preferred = tuple(range(rank)), order_of("NCHW", self.layout)
        if len(set(orders)) <= 1:
            return orders[0] if orders else plain
        return next((order for order in (preferred, plain) if order in orders), orders[0])

    def broadcast(self, value: Expr, order: Order) -> Expr:
        """Give an operand that broadcasts to rank ``len(order)``, in that order."""
        array, shape = self.graph.array(value), dims(value)
        missing = len(order) - len(shape or ())
        if array is not None and array.ndim == 0:
            return value
        if missing == 0:
            return self.place(value, order)
        if array is not None:
            full = array.reshape((1,) * missing + array.shape)
            return self.graph.constant(full.transpose(order))
        full_shape = [1] * missing + list(shape or ())
        full_var = self.canonicalizer.reshape(self.restored(value), full_shape)
        return self.place(full_var, order)

    def _in_order(self, var: Var, definition: Expr) -> None:
        """Emit an op on operands in the network's own order, unchanged if they all were."""
        args = arguments(definition)
        made = [self.restored(arg) for arg in args]
        if isinstance(definition, Call):
            call = Call(
                definition.op, made, definition.attrs, list(definition.ty_args), ret_ty=var.ty
            )
            self._tuples[var] = self.graph.emit(call)
        elif isinstance(definition, relax.TupleGetItem):
            self._tuples[var] = self.graph.emit(relax.TupleGetItem(made[0], definition.index))
        else:
            self._tuples[var] = self.graph.emit(relax.Tuple(made))


def order_of(logical: str, wanted: str) -> Order:
    """Find the order that puts axes labelled as `logical` into the layout `wanted`."""
    return tuple(logical.index(label) for label in wanted)


def permuted(values: Sequence[Any], order: Order) -> list[Any]:
    """Per-axis values in memory order."""
    return [values[axis] for axis in order]


def weight_in(converter: LayoutConverter, weight: Expr, layout: str, wanted: str) -> Expr:
    """Give a kernel in the layout `wanted`."""
    axes = [layout.index(label) for label in wanted]
    array = converter.graph.array(weight)
    if array is not None:
        same = axes == sorted(axes)
        return weight if same else converter.graph.constant(np.transpose(array, axes))
    return converter.canonicalizer.apply(relax.op.permute_dims(converter.restored(weight), axes))
