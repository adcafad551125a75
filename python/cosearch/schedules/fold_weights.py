"""Pack weights at compile time: run the layout rewrites of constants once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import tvm
from tvm import relax
from tvm.ir import IRModule
from tvm.ir.expr import GenericConst
from tvm.target import Target
from tvm.tirx import PrimFunc

from cosearch.schedules.kernel_calls import kernel_calls
from cosearch.schedules.plan_copies import CopyPlan, plan_copies
from cosearch.schedules.winograd.transforms import transform_weight
from cosearch.schedules.winograd.weights import WEIGHT


@dataclass(frozen=True)
class _Call:
    """A kernel call on constants alone."""

    var: relax.Var
    kernel: str
    constants: tuple[GenericConst, ...]
    outputs: tuple[relax.TensorType, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for calls that have the same result."""
        return (self.kernel, *(constant.value.data_ptr() for constant in self.constants))


_Runner = Callable[[_Call], list[Any]]
"""Runs a kernel; returns its results as numpy's arrays or TVM's tensors."""


def fold_weights(mod: IRModule) -> IRModule:
    """Replace every kernel call on constants alone by its result.

    Schedules choose the layout of weights, and what rewrites a weight is a kernel called on a
    constant. TVM's FoldConstant compiles such calls one by one; here numpy runs those that only
    move elements or transform weights (see `winograd_weight`), the others are compiled as one
    library, and equal calls share one result.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A module after fusion; it is left as it was.

    Returns
    -------
    tvm.ir.IRModule
        The module without those calls and without kernels that nothing calls any more.
    """
    mod = relax.transform.CanonicalizeBindings()(mod)
    while (folded := _fold_once(mod)) is not None:  # the next call may be on what is constant now
        mod = folded
    return mod


def _fold_once(mod: IRModule) -> IRModule | None:
    """Replace the kernel calls on constants; return None where there are none."""
    calls = {
        var.name_hint: {call.var: call for call in _constant_calls(mod, func)}
        for var, func in mod.functions.items()
        if isinstance(func, relax.Function)
    }
    results = _run(mod, [call for found in calls.values() for call in found.values()])
    if not results:
        return None
    folded = mod.clone()
    for var, func in mod.functions.items():
        if calls.get(var.name_hint):
            folded.update_func(var, _substitute(func, calls[var.name_hint], results))
    cleanup = [relax.transform.CanonicalizeBindings(), relax.transform.DeadCodeElimination()]
    result: IRModule = tvm.transform.Sequential(cleanup, name="cosearch.FoldWeights")(folded)
    return result


def _constant_calls(mod: IRModule, func: relax.Function) -> Iterator[_Call]:
    for binding in kernel_calls(func):
        call = _constant_call(mod, binding)
        if call is not None:
            yield call


def _constant_call(mod: IRModule, binding: relax.VarBinding) -> _Call | None:
    value = binding.value
    constants = tuple(value.args[1].fields)
    if not constants or not all(isinstance(arg, GenericConst) for arg in constants):
        return None
    out = value.ty_args[0]
    outputs = tuple(out.fields) if isinstance(out, tvm.ir.TupleType) else (out,)
    kernel = value.args[0]
    if not isinstance(mod[kernel], PrimFunc) or not all(_is_static(ty) for ty in outputs):
        return None
    return _Call(binding.var, kernel.name_hint, constants, outputs)


def _is_static(ty: relax.TensorType) -> bool:
    return ty.shape is not None and all(isinstance(e, tvm.tirx.IntImm) for e in ty.shape.values)


def _run(mod: IRModule, calls: list[_Call]) -> dict[tuple[Any, ...], relax.Expr]:
    runners = _runners(mod, calls)
    results: dict[tuple[Any, ...], relax.Expr] = {}
    for call in calls:
        if call.key not in results:
            constants = [
                relax.const(array, str(array.dtype)) for array in runners[call.kernel](call)
            ]
            results[call.key] = constants[0] if len(constants) == 1 else relax.Tuple(constants)
    return results


def _runners(mod: IRModule, calls: list[_Call]) -> dict[str, _Runner]:
    """Return what runs each kernel: numpy where that is known how to, or else a library."""
    runners: dict[str, _Runner] = {}
    others: dict[str, PrimFunc] = {}
    for name, outputs in {call.kernel: len(call.outputs) for call in calls}.items():
        runner = _numpy_runner(mod[name], outputs)
        if runner is not None:
            runners[name] = runner
        else:
            others[name] = mod[name].with_attr("global_symbol", name)
    if others:
        library = tvm.tirx.build(IRModule(others), target=Target({"kind": "llvm"}))
        runners |= {name: partial(_run_compiled, library[name]) for name in others}
    return runners


def _numpy_runner(func: PrimFunc, outputs: int) -> _Runner | None:
    m = (func.attrs or {}).get(WEIGHT)
    if m is not None:
        return partial(_run_transform, int(m))
    plan = plan_copies(func, outputs)
    return None if plan is None else partial(_run_plan, plan)


def _run_plan(plan: CopyPlan, call: _Call) -> list[Any]:
    return list(plan.run([constant.value.numpy() for constant in call.constants]))


def _run_transform(m: int, call: _Call) -> list[Any]:
    (weight,) = call.constants
    return [transform_weight(weight.value.numpy(), m)]


def _run_compiled(kernel: Callable[..., None], call: _Call) -> list[Any]:
    tensors = [
        tvm.runtime.empty([int(e) for e in ty.shape.values], str(ty.dtype)) for ty in call.outputs
    ]
    kernel(*(constant.value for constant in call.constants), *tensors)
    return tensors


def _substitute(
    func: relax.Function, calls: dict[relax.Var, _Call], results: dict[tuple[Any, ...], relax.Expr]
) -> relax.Function:
    blocks = []
    for block in func.body.blocks:
        bindings = [
            relax.VarBinding(binding.var, results[calls[binding.var].key])
            if binding.var in calls
            else binding
            for binding in block.bindings
        ]
        blocks.append(type(block)(bindings, block.span))
    body = relax.SeqExpr(blocks, func.body.body, func.body.span)
    return relax.Function(func.params, body, func.ret_ty, func.is_pure, func.attrs, func.span)
