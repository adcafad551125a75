"""The machine's peak bounds what kernels reach."""

import numpy as np
import tvm
from tvm import te

from cosearch.latency import peak_gflops
from cosearch.schedules import resolve_target

TARGET = resolve_target("llvm -mcpu=native -num-cores=1")


def test_peak_is_far_above_a_plain_loop():
    size = 64
    left, right = te.placeholder((size, size)), te.placeholder((size, size))
    k = te.reduce_axis((0, size))
    product = te.compute((size, size), lambda i, j: te.sum(left[i, k] * right[k, j], axis=k))
    module = tvm.tirx.build(te.create_prim_func([left, right, product]), target=TARGET)
    tensors = [tvm.runtime.tensor(np.ones((size, size), "float32")) for _ in range(3)]
    seconds = min(module.time_evaluator("main", tvm.cpu(), number=10, repeat=5)(*tensors).results)
    plain = 2 * size**3 / seconds / 1e9
    assert peak_gflops(TARGET) > 2 * plain
