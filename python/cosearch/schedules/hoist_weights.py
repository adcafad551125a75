"""Move the layout rewrites of weights out of blocks, so that they can be done at compile time."""

from dataclasses import dataclass

import tvm
from tvm import relax
from tvm.ir import GlobalVar, IRModule

from cosearch.schedules.kernel_calls import kernel_calls


@dataclass(frozen=True)
class _Hoisted:
    """A block without its rewrites, and the kernel calls that its callers make instead."""

    block: GlobalVar
    rewrites: tuple[relax.VarBinding, ...]
    params: tuple[relax.Var, ...]


def hoist_weights(mod: IRModule) -> IRModule:
    """Move kernel calls on a block's weights to the block's callers.

    ::

        def block(x, w):                              def block(x, w_packed):
            w_packed = call_tir(pack, (w,))               return call_tir(conv, (x, w_packed))
            return call_tir(conv, (x, w_packed))  =>
                                                      def main(x):
        def main(x):                                      w_packed = call_tir(pack, (const,))
            return block(x, const)                        return block(x, w_packed)

    Where the caller's weights are constants, `fold_weights` then runs the rewrites once.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A module with lifted blocks, after ``SplitLayoutRewritePreproc``; it is left as it was.
    """
    builder = relax.BlockBuilder(mod)
    hoisted = {}
    for var, func in mod.functions.items():
        if isinstance(func, relax.Function) and "cosearch.block" in (func.attrs or {}):
            rewrites = _rewrites(func)
            if rewrites:
                block = builder.add_func(_without(func, rewrites), f"{var.name_hint}_packed")
                hoisted[var] = _Hoisted(block, rewrites, tuple(func.params))
    if not hoisted:
        return mod
    mod = builder.get()
    callers = _Callers(mod, hoisted)
    for var, func in mod.functions.items():
        if isinstance(func, relax.Function) and var not in hoisted:
            callers.builder_.update_func(var, callers.visit_expr(func))
    cleanup = [
        relax.transform.CanonicalizeBindings(),
        relax.transform.DeadCodeElimination(),
        relax.transform.RemoveUnusedParameters(),
    ]
    result: IRModule = tvm.transform.Sequential(cleanup, name="cosearch.HoistWeights")(
        callers.builder_.get()
    )
    return result


def _rewrites(func: relax.Function) -> tuple[relax.VarBinding, ...]:
    """Return the bindings of kernel calls that read nothing but the block's weights.

    One that reads what another one made of a weight is one of them.
    """
    weights = set(func.params[int(func.attrs.get("num_input", len(func.params))) :])
    found = []
    for binding in kernel_calls(func):
        if all(arg in weights for arg in binding.value.args[1].fields):
            found.append(binding)
            weights.add(binding.var)
    return tuple(found)


def _without(func: relax.Function, rewrites: tuple[relax.VarBinding, ...]) -> relax.Function:
    packed = {binding.var: relax.Var(binding.var.name, binding.var.ty) for binding in rewrites}
    blocks = []
    for block in func.body.blocks:
        bindings = [
            relax.VarBinding(binding.var, packed[binding.var]) if binding.var in packed else binding
            for binding in block.bindings
        ]
        blocks.append(type(block)(bindings, block.span))
    return relax.Function(
        [*func.params, *packed.values()],
        relax.SeqExpr(blocks, func.body.body),
        func.ret_ty,
        func.is_pure,
        func.attrs,
    )


@relax.expr_functor.mutator
class _Callers(relax.PyExprMutator):  # type: ignore[misc] # TVM's classes are Any to mypy
    """Makes the callers of a block do what was hoisted out of it."""

    def __init__(self, mod: IRModule, hoisted: dict[GlobalVar, _Hoisted]) -> None:
        super().__init__(mod)
        self.hoisted = hoisted

    def visit_call_(self, call: relax.Call) -> relax.Expr:
        call = self.visit_expr_post_order(call)
        entry = self.hoisted.get(call.op) if isinstance(call.op, GlobalVar) else None
        if entry is None:
            return call
        actual = dict(zip(entry.params, call.args, strict=True))
        for rewrite in entry.rewrites:
            actual[rewrite.var] = self.builder_.emit(_with_arguments(rewrite.value, actual))
        packed = [actual[rewrite.var] for rewrite in entry.rewrites]
        return relax.Call(entry.block, [*call.args, *packed])


def _with_arguments(call: relax.Call, actual: dict[relax.Var, relax.Expr]) -> relax.Call:
    arguments = relax.Tuple([actual[arg] for arg in call.args[1].fields])
    return relax.Call(call.op, [call.args[0], arguments], call.attrs, call.ty_args)
