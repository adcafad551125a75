"""The frontend room: networks from torch, ONNX and Relax, brought to one normal form."""

from cosearch.frontend.errors import FrontendError
from cosearch.frontend.from_onnx import from_onnx
from cosearch.frontend.from_pytorch import from_pytorch
from cosearch.frontend.from_traced import from_traced
from cosearch.frontend.marks import mark
from cosearch.frontend.normalize import Normalize, normalize

__all__ = [
    "FrontendError",
    "Normalize",
    "from_onnx",
    "from_pytorch",
    "from_traced",
    "mark",
    "normalize",
]
