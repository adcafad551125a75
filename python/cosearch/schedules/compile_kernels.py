"""Compile the scheduled kernels of a module on all cores at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import tvm
from tvm import relax
from tvm.ir import GlobalVar, IRModule
from tvm.target import Target
from tvm.tirx import PrimFunc

from cosearch._threads import default_threads

SHARES = 2
"""Modules that each core gets: few, since each costs some milliseconds, but no core waits long."""

_Kernel = tuple[GlobalVar, PrimFunc]


def compile_kernels(mod: IRModule, target: Target) -> IRModule:
    """Replace the scheduled kernels of a lowered module by compiled ones.

    Nearly all the time of a build is LLVM's, and TVM gives LLVM one module. Here it gets several,
    each in a thread of its own::

        def conv2d(...): T.func_attr({"tirx.is_scheduled": True, "global_symbol": "conv2d"}) ...
        ->
        conv2d = R.ExternFunc("conv2d")
        I.module_attrs({"external_mods": [<compiled>, ...]})

    What `tvm.compile` makes of it runs and is exported as ever. Where passes are instrumented, or
    there is one core or one kernel, the module is returned as it is: instruments expect one thread.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A module of which only code is left to be made (see `finish`); it is left as it was.
    target : tvm.target.Target
        What to compile for.
    """
    kernels = [(var, func) for var, func in mod.functions.items() if _is_kernel(func)]
    context = tvm.transform.PassContext.current()
    cores = min(default_threads(), len(kernels))
    if cores < 2 or context.instruments:
        return mod

    def compile_share(share: Sequence[_Kernel]) -> tvm.runtime.Module:
        with context:
            return tvm.tirx.build(IRModule(dict(share)), target=target)

    shares = [kernels[start :: cores * SHARES] for start in range(cores * SHARES)]
    with ThreadPoolExecutor(cores) as pool:
        compiled = list(pool.map(compile_share, filter(None, shares)))
    others = list((mod.attrs or {}).get("external_mods", []))
    result = IRModule(dict(mod.functions.items()), attrs=mod.attrs, global_infos=mod.global_infos)
    for var, func in kernels:
        result.update_func(var, relax.ExternFunc(str(func.attrs["global_symbol"])))
    return result.with_attr("external_mods", others + compiled)


def _is_kernel(func: object) -> bool:
    attributes = func.attrs or {} if isinstance(func, PrimFunc) else {}
    return bool(attributes.get("tirx.is_scheduled", False)) and "global_symbol" in attributes
