"""compile_kernels: the same code as TVM's, made on several cores, in what runs and is exported."""

import numpy as np
import pytest
import tvm
from tvm import relax
from tvm.ir.instrument import pass_instrument

from cosearch import frontend
from cosearch.schedules import compile_kernels as room
from cosearch.schedules.compile_kernels import compile_kernels


@pytest.fixture(scope="module")
def lowered(network, target, sampled_records):
    from cosearch import ScheduleDatabase

    with ScheduleDatabase.in_memory() as database, target:
        database.add_many(sampled_records)
        return relax.get_pipeline("cosearch")(frontend.from_onnx(network.onnx))


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(room, "default_threads", lambda: 2)


def run(module, network) -> np.ndarray:
    output = relax.VirtualMachine(module, tvm.cpu())["main"](tvm.runtime.tensor(network.input))
    return (output if isinstance(output, tvm.runtime.Tensor) else output[0]).numpy()


def test_computes_and_exports_what_tvm_compiles(lowered, target, network, tmp_path):
    before = lowered.clone()
    compiled = compile_kernels(lowered, target)
    tvm.ir.assert_structural_equal(lowered, before)
    assert len(compiled.attrs["external_mods"]) == 2 * room.SHARES
    assert not any(map(room._is_kernel, compiled.functions.values()))
    executable = tvm.compile(compiled, target, relax_pipeline=None)
    expected = run(tvm.compile(lowered, target, relax_pipeline=None), network)
    np.testing.assert_array_equal(run(executable, network), expected)
    executable.export_library(str(tmp_path / "net.so"))
    loaded = tvm.runtime.load_module(str(tmp_path / "net.so"))
    np.testing.assert_array_equal(run(loaded, network), expected)


def test_a_second_time_finds_nothing(lowered, target):
    compiled = compile_kernels(lowered, target)
    assert compile_kernels(compiled, target).same_as(compiled)


def test_kernels_without_a_schedule_are_left(network, target):
    with target:
        default = relax.get_pipeline("default")(frontend.from_onnx(network.onnx))
    assert compile_kernels(default, target).same_as(default)


def test_one_core_leaves_it_to_tvm(lowered, target, monkeypatch):
    monkeypatch.setattr(room, "default_threads", lambda: 1)
    assert compile_kernels(lowered, target).same_as(lowered)


def test_instruments_see_one_thread(lowered, target):
    @pass_instrument
    class Instrument:
        def run_before_pass(self, mod, info):
            pass

    with tvm.transform.PassContext(instruments=[Instrument()]):
        assert compile_kernels(lowered, target).same_as(lowered)


def test_the_pass_context_reaches_every_thread(lowered, target):
    checked = _code_sizes(compile_kernels(lowered, target))
    with tvm.transform.PassContext(config={"tirx.disable_assert": True}):
        unchecked = _code_sizes(compile_kernels(lowered, target))
    assert all(one > other for one, other in zip(checked, unchecked, strict=True))


def _code_sizes(mod) -> list[int]:
    return [len(m.inspect_source("ll")) for m in mod.attrs["external_mods"]]
