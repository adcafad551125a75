"""Kernels that only move elements: numpy gives what the compiled kernel gives."""

from dataclasses import dataclass

import hypothesis.strategies as st
import numpy as np
import pytest
import tvm
from hypothesis import given, settings
from tvm.script import tirx as T

from cosearch.schedules import element_copies
from cosearch.schedules.plan_copies import plan_copies

DTYPES = ["float32", "float16", "int64", "int8"]


@dataclass
class Nest:
    """A nest that reads ``w`` and writes ``p``, as text of TVMScript."""

    extents: list[int]
    read: list[str]
    read_shape: list[int]
    written: list[str]
    written_shape: list[int]

    def kernel(self, dtype: str):
        loops = [f"i{axis}" for axis in range(len(self.extents))]
        text = f"""
@T.prim_func(private=True, s_tir=True)
def main(w: T.Buffer({tuple(self.read_shape)}, "{dtype}"),
         p: T.Buffer({tuple(self.written_shape)}, "{dtype}")):
    for {", ".join(loops)} in T.grid({", ".join(map(str, self.extents))}):
        with T.sblock("p"):
            {", ".join(f"v{axis}" for axis in range(len(loops)))} = T.axis.remap(
                "{"S" * len(loops)}", [{", ".join(loops)}])
            p[{", ".join(self.written)}] = w[{", ".join(self.read)}]
"""
        return tvm.script.from_source(text)


def split(draw, index: str, extent: int, even: bool) -> list[tuple[str, int]]:
    """Take an index apart into digits, perhaps with the last block not full."""
    sizes = [n for n in range(2, extent) if extent % n == 0 or not even]
    if not sizes:
        return [(index, extent)]
    size = draw(st.sampled_from(sizes))
    blocks = (extent + size - 1) // size
    return [
        *split(draw, f"({index}) // {size}", blocks, even),
        (f"({index}) % {size}", size),
    ]


def places(draw, extents: list[int], even: bool) -> tuple[list[str], list[int]]:
    """Make indices of a buffer that holds each point of the nest at a place of its own."""
    dims = [(f"v{axis}", extent) for axis, extent in enumerate(extents)]
    if not even and len(dims) > 1 and draw(st.booleans()):  # an index of two iterators
        (a, n), (b, m) = dims[:2]
        dims[:2] = [(f"({a}) * {m} + {b}", n * m)]
    chosen = draw(st.integers(0, len(dims) - 1))
    dims[chosen : chosen + 1] = split(draw, *dims[chosen], even)
    if draw(st.booleans()):
        index, extent = dims[-1]
        dims[-1] = (f"{extent - 1} - ({index})", extent)
    dims = draw(st.permutations(dims))
    return [index for index, _ in dims], [extent for _, extent in dims]


@st.composite
def nests(draw, even: bool) -> Nest:
    """Make a nest; where even, one that packs weights as schedules do."""
    sizes = st.sampled_from([2, 4, 6, 8, 12] if even else [1, 2, 3, 5, 7, 8])
    extents = draw(st.lists(sizes, min_size=1 + even, max_size=4))
    read = [f"v{axis}" for axis in range(len(extents))], extents
    return Nest(
        extents,
        *(read if even else places(draw, extents, even)),
        *places(draw, extents, even),
    )


def compiled(func, array: np.ndarray) -> np.ndarray:
    library = tvm.tirx.build(
        tvm.IRModule({"main": func.with_attr("global_symbol", "main")}),
        target=tvm.target.Target({"kind": "llvm"}),
    )
    shape = [int(extent) for extent in func.params[1].shape]
    result = tvm.runtime.tensor(np.zeros(shape, array.dtype))
    library["main"](tvm.runtime.tensor(array), result)
    return result.numpy()


def distinct(shape, dtype="float32") -> np.ndarray:
    return np.arange(1, 1 + np.prod(shape), dtype=dtype).reshape(shape)


@settings(max_examples=40, deadline=None)
@given(nests(even=True) | nests(even=False), st.sampled_from(DTYPES))
def test_same_as_compiled(nest, dtype):
    func = nest.kernel(dtype)
    array = distinct(nest.read_shape).astype(dtype)
    plan = plan_copies(func, 1)
    assert plan is not None
    (result,) = plan.run([array])
    assert result.dtype == array.dtype
    np.testing.assert_array_equal(result, compiled(func, array))


@pytest.fixture
def without_indices(monkeypatch):
    monkeypatch.setattr(element_copies, "_MAX_INDICES", 0)


def test_packing_needs_no_indices(without_indices):
    nest = Nest(
        [3, 3, 32, 96],
        ["v0", "v1", "v2", "v3"],
        [3, 3, 32, 96],
        ["v3 // 48", "v0", "v1", "v2 // 2", "v2 % 2", "v3 % 48 // 16", "v3 % 16"],
        [2, 3, 3, 16, 2, 3, 16],
    )
    array = distinct(nest.read_shape)
    (result,) = plan_copies(nest.kernel("float32"), 1).run([array])
    expected = array.reshape(3, 3, 16, 2, 2, 3, 16).transpose(4, 0, 1, 2, 3, 5, 6)
    np.testing.assert_array_equal(result, expected)


def test_too_many_indices(without_indices):
    nest = Nest([5], ["v0"], [5], ["v0 % 3", "v0 // 3"], [3, 2])
    assert plan_copies(nest.kernel("float32"), 1) is None


@pytest.mark.parametrize("written", ["v0 // 2", "v0 * 2", "v0 - 1", "v0 // (v0 - 1)"])
def test_not_one_place_for_each(written):
    nest = Nest([4], ["v0"], [4], [written], [4])
    assert plan_copies(nest.kernel("float32"), 1) is None


@T.prim_func(private=True, s_tir=True)
def scale(w: T.Buffer((4,), "float32"), p: T.Buffer((4,), "float32")):
    for i in range(4):
        with T.sblock("p"):
            vi = T.axis.spatial(4, i)
            p[vi] = w[vi] * T.float32(2)


@T.prim_func(private=True, s_tir=True)
def through_local(w: T.Buffer((4,), "float32"), p: T.Buffer((4,), "float32")):
    local = T.sblock_alloc_buffer((4,))
    for i in range(4):
        with T.sblock("local"):
            vi = T.axis.spatial(4, i)
            local[vi] = w[vi]
    for i in range(4):
        with T.sblock("p"):
            vi = T.axis.spatial(4, i)
            p[vi] = local[vi]


@T.prim_func(private=True, s_tir=True)
def where(w: T.Buffer((4,), "float32"), p: T.Buffer((6,), "float32")):
    for i in range(6):
        with T.sblock("p"):
            T.where(i < 4)
            vi = T.axis.spatial(4, i)
            p[vi] = w[vi]


@T.prim_func(private=True, s_tir=True)
def in_place(w: T.Buffer((4,), "float32"), p: T.Buffer((4,), "float32")):
    for i in range(4):
        with T.sblock("w"):
            vi = T.axis.spatial(4, i)
            w[vi] = p[3 - vi]


@pytest.mark.parametrize("func", [scale, through_local, where, in_place])
def test_other_kernels_are_left(func):
    assert plan_copies(func, 1) is None


@T.prim_func(private=True, s_tir=True)
def two_nests(
    w: T.Buffer((6,), "float32"),
    x: T.Buffer((2,), "float32"),
    p: T.Buffer((2, 3), "float32"),
    q: T.Buffer((2, 4), "float32"),
):
    for f in T.parallel(6):
        with T.sblock("p"):
            vi = T.axis.spatial(2, f // 3)
            vj = T.axis.spatial(3, f % 3)
            p[vi, vj] = w[vj * 2 + vi]
    for i in range(2):
        with T.sblock("q"):
            vi = T.axis.spatial(2, i)
            q[vi, 1] = x[1 - vi]


def test_several_nests_with_bindings():
    first, second = plan_copies(two_nests, 2).run([distinct(6), distinct(2)])
    np.testing.assert_array_equal(first, [[1, 3, 5], [2, 4, 6]])
    np.testing.assert_array_equal(second, [[0, 2, 0, 0], [0, 1, 0, 0]])
