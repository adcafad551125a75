"""Tasks: the workloads that the tuner finds in a network, and their weights."""

import tvm
from tvm import relax, te
from tvm.script import ir as I
from tvm.script import relax as R
from tvm.script import tirx as T

from cosearch.schedules import extract_workloads
from cosearch.schedules.call_sites import BlockCall, CallSites
from cosearch.schedules.tasks import is_tunable, workload_of


@I.ir_module
class Network:
    @T.prim_func(private=True, s_tir=True)
    def twice(A: T.Buffer((8,), "float32"), B: T.Buffer((8,), "float32")):
        for i in range(8):
            with T.sblock("b"):
                v = T.axis.spatial(8, i)
                B[v] = A[v] * T.float32(2)

    @T.prim_func(private=True, s_tir=True)
    def twice_again(C: T.Buffer((8,), "float32"), D: T.Buffer((8,), "float32")):
        for j in range(8):
            with T.sblock("b"):
                v = T.axis.spatial(8, j)
                D[v] = C[v] * T.float32(2)

    @T.prim_func(private=True, s_tir=True)
    def scheduled(A: T.Buffer((8,), "float32"), B: T.Buffer((8,), "float32")):
        T.func_attr({"tirx.is_scheduled": True})
        for i in range(8):
            with T.sblock("b"):
                v = T.axis.spatial(8, i)
                B[v] = A[v] * T.float32(3)

    @T.prim_func(private=True, s_tir=True)
    def unused(A: T.Buffer((8,), "float32"), B: T.Buffer((8,), "float32")):
        for i in range(8):
            with T.sblock("b"):
                v = T.axis.spatial(8, i)
                B[v] = A[v] * T.float32(4)

    @R.function(private=True)
    def block(x: R.Tensor((8,), "float32")) -> R.Tensor((8,), "float32"):
        R.func_attr({"cosearch.block": "region", "cosearch.signature": "feed"})
        cls = Network
        with R.dataflow():
            y = R.call_tir(cls.twice, (x,), out_ty=R.Tensor((8,), "float32"))
            z = R.call_tir(cls.scheduled, (y,), out_ty=R.Tensor((8,), "float32"))
            R.output(z)
        return z

    @R.function
    def main(x: R.Tensor((8,), "float32")) -> R.Tensor((8,), "float32"):
        cls = Network
        with R.dataflow():
            a = cls.block(x)
            b = cls.block(a)
            c = R.call_tir(cls.twice_again, (b,), out_ty=R.Tensor((8,), "float32"))
            R.output(c)
        return c


def test_equal_workloads_are_one_task_with_all_their_calls():
    (task,) = extract_workloads(Network)
    assert task.weight == 3
    assert task.block == "feed"
    assert task.workload.name == "twice"
    assert [var.name_hint for var in task.workload.mod.get_global_vars()] == ["main"]
    assert task.workload == workload_of(Network["twice_again"])


def test_blocks_are_listed_in_the_order_of_their_calls():
    sites = CallSites.of(Network)
    assert sites.blocks == [
        BlockCall("region", ("twice", "scheduled")),
        BlockCall("region", ("twice", "scheduled")),
        BlockCall("", ("twice_again",)),
    ]
    assert sites.kernels["twice"].calls == 2
    assert sum(len(block.kernels) for block in sites.blocks) == 5


def test_a_block_within_a_block_is_part_of_it():
    x = relax.Var("x", relax.TensorType((8,), "float32"))
    builder = relax.BlockBuilder(Network)
    outer = {"cosearch.block": "cell", "cosearch.signature": "beef"}
    with builder.function("outer", [x], attrs=outer, private=True):
        inner = builder.emit(Network.get_global_var("block")(x))
        twice = Network.get_global_var("twice")
        last = builder.emit(relax.call_tir(twice, (inner,), relax.TensorType((8,), "float32")))
        builder.emit_func_output(last)
    y = relax.Var("y", relax.TensorType((8,), "float32"))
    with builder.function("other", [y]):
        called = builder.get().get_global_var("outer")
        builder.emit_func_output(builder.emit(called(y)))
    mod = builder.get()
    del mod[mod.get_global_var("main")]
    assert CallSites.of(mod).blocks == [BlockCall("cell", ("twice", "scheduled", "twice"))]


def test_kernel_of_variable_shape_is_no_task():
    n = te.var("n")
    x = te.placeholder((n,), name="x")
    y = te.compute((n,), lambda i: x[i] + 1.0, name="y")
    assert not is_tunable(te.create_prim_func([x, y]))
    assert is_tunable(Network["unused"])
    assert not is_tunable(Network["scheduled"])
    assert not is_tunable(Network["main"])


def test_network_without_kernels_has_no_tasks():
    assert extract_workloads(tvm.IRModule({"main": relax_identity()})) == []


def relax_identity():
    x = relax.Var("x", relax.TensorType((8,), "float32"))
    builder = relax.BlockBuilder()
    with builder.function("main", [x]):
        builder.emit_func_output(x)
    return builder.get()["main"]
