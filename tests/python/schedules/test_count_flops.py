"""Arithmetic of kernels, and 0 where it cannot be counted."""

from tvm import te, tirx

from cosearch.schedules.count_flops import count_flops


def test_a_multiply_add_is_two():
    left, right = te.placeholder((8, 4)), te.placeholder((4, 6))
    k = te.reduce_axis((0, 4))
    product = te.compute((8, 6), lambda i, j: te.sum(left[i, k] * right[k, j], axis=k))
    assert count_flops(te.create_prim_func([left, right, product])) == 2 * 8 * 4 * 6


def test_a_copy_has_none():
    data = te.placeholder((8, 4))
    assert (
        count_flops(te.create_prim_func([data, te.compute((4, 8), lambda i, j: data[j, i])])) == 0
    )


def test_a_symbolic_extent_is_not_counted():
    rows = tirx.Var("rows", "int64")
    data = te.placeholder((rows, 4))
    twice = te.compute((rows, 4), lambda i, j: data[i, j] * 2.0)
    assert count_flops(te.create_prim_func([data, twice])) == 0


def test_a_scheduled_kernel_is_not_counted():
    data = te.placeholder((8, 4))
    func = te.create_prim_func([data, te.compute((8, 4), lambda i, j: data[i, j] * 2.0)])
    assert count_flops(func) == 32
    assert count_flops(func.with_attr("tirx.is_scheduled", True)) == 0
