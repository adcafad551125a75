"""What ``import tvm`` runs: load the C++ core, register the pipeline and the config keys.

TVM calls `autoload` through the ``tvm.backends`` entry point at the end of its own import. The core
must be loaded after TVM's compiler library, whose type table it reads.
"""

import ctypes
import warnings
from typing import Any

from cosearch._threads import size_thread_pool

CONFIG_KEYS = {
    "relax.cosearch.enable": "bool",
    "relax.cosearch.trials": "int",
    "relax.cosearch.seconds": "double",
    "relax.cosearch.verify": "bool",
    "relax.cosearch.patterns": "ffi.Array",
    "relax.cosearch.keep_blocks": "bool",
    "relax.cosearch.winograd": "bool",
}
"""Keys of ``PassContext(config=...)`` and their types."""

_core: ctypes.CDLL | None = None


def load_core() -> None:
    """Load ``libcosearch`` into the process, once, and check TVM's object layouts.

    Raises
    ------
    RuntimeError
        When a TVM type or field is not where this release expects it.
    """
    global _core  # noqa: PLW0603 - one library a process
    if _core is not None:
        return
    import tvm_ffi
    from tvm_ffi.libinfo import load_lib_ctypes

    _core = load_lib_ctypes("tvm-cosearch", "cosearch", "RTLD_LOCAL")
    tvm_ffi.get_global_func("cosearch.ir.Init")()


def autoload() -> None:
    """Make the ``cosearch`` pipeline and config keys known to TVM.

    Where only TVM's runtime is loaded there is nothing to extend.
    """
    size_thread_pool()
    from tvm.base import _RUNTIME_ONLY

    if _RUNTIME_ONLY:
        return
    load_core()
    _register_config_keys()
    _register_pipeline()


def _register_config_keys() -> None:
    import tvm.base
    import tvm_ffi

    known = tvm_ffi.get_global_func("transform.ListConfigs")()
    register = tvm_ffi.get_global_func("cosearch.ffi.RegisterConfig")
    library = tvm.base._LOADED_LIBS["tvm_compiler"]._name
    for key, type_key in CONFIG_KEYS.items():
        if key not in known and not register(library, key, type_key):
            warnings.warn(
                f"cosearch: this TVM exports no way to register pass config keys, so "
                f"PassContext(config={{{key!r}: ...}}) will be refused; everything else works.",
                stacklevel=2,
            )
            return


def _register_pipeline() -> None:
    from tvm.relax import pipeline

    if "cosearch" in pipeline.PIPELINE_MAP:
        return

    def cosearch_pipeline(**options: Any) -> Any:
        from cosearch.pipeline import build_pipeline

        return build_pipeline(**options)

    pipeline.register_pipeline("cosearch")(cosearch_pipeline)
