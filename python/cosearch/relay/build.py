"""``relay.build``: compile a Relax module as Relay compiled its own."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tvm
from tvm import relax
from tvm.ir import IRModule
from tvm.target import Target

from cosearch.pipeline import PipelineOptions
from cosearch.relay.library import Library
from cosearch.relay.metadata import Metadata
from cosearch.report.reuse import last_reuse, set_last_reuse
from cosearch.schedules import ScheduleDatabase, resolve_target
from cosearch.schedules.compile_kernels import compile_kernels


def build(
    mod: IRModule,
    target: str | Mapping[str, Any] | Target | None = None,
    target_host: Any = None,
    params: Mapping[str, Any] | None = None,
    mod_name: str = "default",
) -> Library:
    """Compile a network, with schedules out of the database when co-search is enabled.

    It is enabled by ``PassContext(config={"relax.cosearch.enable": True})`` or by entering a
    `ScheduleDatabase`, and then never measures anything unless ``relax.cosearch.trials`` says so;
    otherwise the network is compiled as ``tvm.compile`` does by default.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A Relax module whose function ``main`` is the network, with static shapes or a symbolic
        batch; it is left as it was.
    target : str or mapping or tvm.target.Target, optional
        As Relay took it, such as ``"llvm -mcpu=native -num-cores=2"``, or TVM's dict. By default,
        this machine.
    target_host : ignored
        For Relay's scripts; the host of a CPU target is the target.
    params : mapping of str to array, optional
        Values of the parameters of ``main``, by name.
    mod_name : str
        The name under which ``lib[mod_name]`` finds the network.

    Returns
    -------
    Library
        The compiled network, with `Library.reuse`.

    Raises
    ------
    ValueError
        When the target is not known, or ``params`` names no parameter of ``main``.
    """
    resolved = resolve_target(target)
    network = _bind(mod, params)
    options = PipelineOptions.from_config(tvm.transform.PassContext.current().config)
    enabled = options.enable
    if enabled is None:
        enabled = ScheduleDatabase.current() is not None
    set_last_reuse(None)
    pipeline = relax.get_pipeline("cosearch" if enabled else "default")
    with resolved:
        lowered = pipeline(network)
    if enabled:
        lowered = compile_kernels(lowered, resolved)
    metadata = Metadata.of(network, resolved, last_reuse())
    executable = tvm.compile(metadata.attach(lowered), resolved, relax_pipeline=None)
    return Library(executable, metadata, mod_name)


def _bind(mod: IRModule, params: Mapping[str, Any] | None) -> IRModule:
    if "main" not in [var.name_hint for var in mod.get_global_vars()]:
        names = ", ".join(sorted(var.name_hint for var in mod.get_global_vars()))
        raise ValueError(f"the module has no function main, only: {names or 'none at all'}")
    if not params:
        return mod
    known = {var.name for var in mod["main"].params}
    unknown = sorted(set(params) - known)
    if unknown:
        raise ValueError(
            f"params names {', '.join(unknown)}, but main takes only {', '.join(sorted(known))}"
        )
    arrays = {
        name: value if isinstance(value, tvm.runtime.Tensor) else np.asarray(value)
        for name, value in params.items()
    }
    return relax.transform.BindParams("main", arrays)(mod)
