"""Kernels that operators were made of before: TVM takes milliseconds to make each anew."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from tvm import relax
from tvm.ir import GenericConst, GlobalVar, Op
from tvm.tirx import PrimFunc
from tvm_ffi import StructuralKey

from cosearch.frontend.graph import dims, dtype_of

Legalizer = Callable[[relax.BlockBuilder, relax.Call], relax.Expr]
MOST = 10_000
"""Kernels that are remembered; one more, and all are forgotten."""
_CALL_TIR = "relax.call_tir"


@dataclass(frozen=True)
class _Known:
    func: PrimFunc
    name: str
    places: tuple[int, ...]
    """Which of the tensors that the operator was given the kernel takes."""
    result: relax.Type


@dataclass
class KernelMemo:
    """Remembers kernels by operators, attributes, types and constants.

    The networks of a space repeat their operators, and most blocks that were never seen consist of
    operators that were.
    """

    _known: dict[Hashable, _Known] = field(default_factory=dict)

    def call(
        self,
        builder: relax.BlockBuilder,
        key: Hashable,
        tensors: Sequence[relax.Expr],
        make: Callable[[], relax.Expr],
    ) -> relax.Expr:
        """Call the kernel that a key stands for.

        Parameters
        ----------
        builder : tvm.relax.BlockBuilder
            Where the kernel is added and called.
        key : hashable
            Whatever the kernel depends on.
        tensors : sequence of tvm.relax.Expr
            What it may take.
        make : callable
            Adds the kernel and calls it, the first time.
        """
        known = self._known.get(key)
        if known is not None:
            kernel = builder.add_func(known.func, known.name)
            return relax.call_tir(kernel, [tensors[i] for i in known.places], known.result)
        made = make()
        found = _known(builder, tensors, made)
        if found is not None:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = found
        return made

    def legalizer(self, name: str, legalize: Legalizer | None = None) -> Legalizer:
        """Make the function of an operator for `relax.transform.LegalizeOps` remember.

        Parameters
        ----------
        name : str
            Of the operator.
        legalize : callable, optional
            By default TVM's own.
        """
        first = legalize or Op.get(name).get_attr("FLegalize")

        def remembered(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
            tensors = list(_tensors(call))
            types = [_argument_key(tensor) for tensor in tensors]
            if None in types or call.ty_args:
                return first(builder, call)
            twice = tuple(_place(tensors, tensor) for tensor in tensors)
            key = (name, len(call.args), StructuralKey(call.attrs), twice, *types)
            return self.call(builder, key, tensors, lambda: first(builder, call))

        return remembered


def legalized_operators() -> tuple[str, ...]:
    """Return the operators that TVM has a function for to make kernels of them."""
    names = (str(name) for name in Op.list_op_names())
    return tuple(
        name
        for name in names
        if name.startswith("relax.") and Op.get(name).get_attr("FLegalize") is not None
    )


def _known(
    builder: relax.BlockBuilder, tensors: Sequence[relax.Expr], made: relax.Expr
) -> _Known | None:
    """Take a call of a kernel apart; None where it is none, or more than that."""
    if not isinstance(made, relax.Call) or made.op != Op.get(_CALL_TIR) or len(made.args) != 2:
        return None
    kernel, arguments = made.args
    if not isinstance(kernel, GlobalVar) or len(made.ty_args) != 1:
        return None
    places: list[int] = []
    for argument in arguments.fields:
        place = _place(tensors, argument)
        if place is None:
            return None
        places.append(place)
    mod, name = builder.get(), str(kernel.name_hint)
    base = name.rstrip("0123456789")  # what TVM adds where there is one of that name
    taken = any(var.name_hint == base for var in mod.get_global_vars())
    return _Known(mod[kernel], base if taken else name, tuple(places), made.ty_args[0])


def _place(tensors: Sequence[relax.Expr], wanted: relax.Expr) -> int | None:
    return next((place for place, tensor in enumerate(tensors) if tensor.same_as(wanted)), None)


def _tensors(call: relax.Call) -> Iterator[relax.Expr]:
    for argument in call.args:
        if isinstance(argument, relax.Tuple):
            yield from argument.fields
        else:
            yield argument


def static_shape(tensor: relax.Expr) -> tuple[int, ...] | None:
    """Return the shape of a tensor; None where it varies, or there is no tensor."""
    extents = dims(tensor)
    if extents is None or not all(isinstance(extent, int) for extent in extents):
        return None
    return extents


def _argument_key(tensor: relax.Expr) -> Hashable | None:
    """Return what a kernel may depend on: the type, and a scalar's value; None for others."""
    shape = static_shape(tensor)
    if shape is None:
        return None
    key: tuple[Hashable, ...] = (dtype_of(tensor), *shape)
    if isinstance(tensor, GenericConst) and all(extent == 1 for extent in shape):
        return (*key, tensor.value.numpy().tobytes())
    return key
