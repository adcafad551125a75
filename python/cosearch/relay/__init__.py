"""Relay's calls over Relax.

TVM left Relay behind in version 0.20. Scripts that import a model, build it and run it keep
working with ``from cosearch import relay``::

    mod, params = relay.frontend.from_onnx(onnx_model, shape={"input": (1, 3, 224, 224)})
    with tvm.transform.PassContext(opt_level=3, config={"relax.cosearch.enable": True}):
        lib = relay.build(mod, target="llvm -mcpu=native", params=params)
    module = relay.GraphModule(lib, tvm.cpu())

`install` lets ``from tvm import relay`` find this module too.
"""

from typing import Any, NoReturn

from cosearch.relay import frontend
from cosearch.relay.build import build
from cosearch.relay.graph_module import GraphModule
from cosearch.relay.install import explain_missing, install
from cosearch.relay.library import Library, load_library

__all__ = ["GraphModule", "Library", "build", "frontend", "install", "load_library"]


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(explain_missing(name))


def __dir__() -> list[Any]:
    return sorted(__all__)
