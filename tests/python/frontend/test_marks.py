"""Marks: from a torch submodule or a Relax function to the names of variables."""

import numpy as np
import pytest
import torch
from torch import nn
from tvm import relax
from tvm.script import ir as I
from tvm.script import relax as R

from cosearch.frontend import FrontendError, from_pytorch, mark, normalize
from cosearch.frontend.marks import import_hint, mark_of, marked_name


def marks_of(mod):
    """The marked ops of `main`, by mark."""
    found = {}
    for binding in mod["main"].body.blocks[0].bindings:
        name = mark_of(binding.var.name)
        if name:
            found.setdefault(name, []).append(binding.value.op.name.removeprefix("relax."))
    return found


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(c, c, 3, padding=1), nn.BatchNorm2d(c), nn.Hardswish())

    def forward(self, x):
        return x + self.body(x)


HARDSWISH = ["add", "nn.relu", "minimum", "multiply", "multiply"]
BLOCK = ["nn.conv2d", "add", *HARDSWISH, "add"]


def test_instances_of_one_name_stay_apart():
    stem, first, second = nn.Conv2d(3, 8, 1), mark(Block(8), "cell"), mark(Block(8), "cell")
    mark(first.body, "inner")
    mod = from_pytorch(nn.Sequential(stem, first, second).eval(), torch.zeros(1, 3, 8, 8))
    assert marks_of(mod) == {"cell.0": BLOCK, "cell.1": BLOCK}


def test_each_call_of_a_shared_module_is_an_instance():
    shared = mark(Block(3), "shared")
    mod = from_pytorch(nn.Sequential(shared, nn.ReLU(), shared).eval(), torch.zeros(1, 3, 8, 8))
    assert marks_of(mod) == {"shared.0": BLOCK, "shared.1": BLOCK}


def test_names():
    for name in ("a b", "a.b", ""):
        with pytest.raises(FrontendError, match="letters, digits and underscores"):
            mark(nn.ReLU(), name)
    with pytest.raises(FrontendError, match="not int"):
        mark(3, "a")
    for written in ("a", "a__1", "a_1_"):
        assert mark_of(marked_name(f"{written}.4", 12)) == f"{written}.4"
        assert mark_of(import_hint(f"{written}.4") + "12") == f"{written}.4"
        assert mark_of(import_hint(f"{written}.4")) == f"{written}.4"
    assert mark_of("lv12") == ""


W = np.full((4, 4), 0.5, "float32")


@I.ir_module
class MarkedFunction:
    @R.function(private=True)
    def cell(x: R.Tensor((2, 4), "float32")) -> R.Tensor((2, 4), "float32"):
        R.func_attr({"cosearch.mark": "cell"})
        with R.dataflow():
            a = R.matmul(x, R.const(W))
            b = R.clip(a, 0, 6)
            R.output(b)
        return b

    @R.function
    def main(x: R.Tensor((2, 4), "float32")) -> R.Tensor((2, 4), "float32"):
        cls = MarkedFunction
        with R.dataflow():
            a = cls.cell(x)
            b = R.exp(a)
            c = cls.cell(b)
            R.output(c)
        return c


def test_marked_functions_are_inlined(run):
    mod = normalize(MarkedFunction)
    relax.analysis.well_formed(mod)
    assert [var.name_hint for var in mod.get_global_vars()] == ["main"]
    inner = ["matmul", "add", "nn.relu", "minimum"]
    assert marks_of(mod) == {"cell.0": inner, "cell.1": inner}
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    np.testing.assert_allclose(run(mod, x)[0], run(MarkedFunction, x)[0], rtol=1e-5)
    again = normalize(mod.without_attr("cosearch.normalized"))
    assert marks_of(again) == marks_of(mod)
