"""Kernels that compile, and then do what a wrong schedule could do."""

import tvm
from tvm.ir import IRModule
from tvm.script import tirx as T
from tvm.tirx import PrimFunc

ARGS_INFO = [["TENSOR", "float32", [64]]] * 2


def module_of(func: PrimFunc) -> IRModule:
    return tvm.IRModule({"main": func.with_attr("global_symbol", "main")})


@T.prim_func(s_tir=True)
def add_one(A: T.Buffer((64,), "float32"), B: T.Buffer((64,), "float32")):
    for i in range(64):
        B[i] = A[i] + T.float32(1)


@T.prim_func(s_tir=True)
def add_one_parallel(A: T.Buffer((64,), "float32"), B: T.Buffer((64,), "float32")):
    for i in T.parallel(64):
        B[i] = A[i] + T.float32(1)


@T.prim_func(s_tir=True)
def overrun_by_a_bit(A: T.Buffer((64,), "float32"), B: T.Buffer((64,), "float32")):
    for i in range(64):
        B[i + 1] = A[i]


@T.prim_func(s_tir=True)
def underrun_input(A: T.Buffer((64,), "float32"), B: T.Buffer((64,), "float32")):
    for i in range(64):
        A[i - 8] = B[i]


@T.prim_func(s_tir=True)
def write_far_away(A: T.Buffer((64,), "float32"), B: T.Buffer((64,), "float32")):
    for i in range(64):
        B[i + 536870912] = A[i]


@T.prim_func(s_tir=True)
def abort(A: T.Buffer((64,), "float32"), B: T.Buffer((64,), "float32")):
    T.evaluate(T.call_extern("int32", "abort"))


@T.prim_func(s_tir=True)
def hang(A: T.Buffer((64,), "float32"), B: T.Buffer((64,), "float32")):
    T.evaluate(T.call_extern("int32", "sleep", 3600))


@T.prim_func(s_tir=True)
def eat_memory(A: T.Buffer((64,), "float32"), B: T.Buffer((64,), "float32")):
    C = T.alloc_buffer((8589934592,), "float32")
    for i in T.serial(T.int64(8589934592)):
        C[i] = A[i % 64]
    for i in range(64):
        B[i] = C[i * 1024]


@T.prim_func(s_tir=True)
def unroll_a_lot(A: T.Buffer((64,), "float32"), B: T.Buffer((64,), "float32")):
    for j in T.unroll(32):
        for i in T.unroll(64):
            B[i] = B[i] + A[i] * T.float32(j)


@T.prim_func(s_tir=True)
def bind_to_a_gpu(A: T.Buffer((64,), "float32"), B: T.Buffer((64,), "float32")):
    for i in T.thread_binding(64, thread="threadIdx.x"):
        B[i] = A[i]
