"""relay.build: three ways to enable the database, one behaviour, and the right numbers."""

import subprocess
import sys

import numpy as np
import pytest
import tvm
from tvm import relax
from tvm.ir.transform import PassContext

from cosearch import ScheduleDatabase, relay
from cosearch.report import last_reuse

ENABLE = {"relax.cosearch.enable": True}


@pytest.fixture(scope="module")
def mod(network):
    return relay.frontend.from_onnx(network.onnx)[0]


def run(lib, network) -> np.ndarray:
    module = relay.GraphModule(lib, tvm.cpu())
    module.set_input("input", network.input)
    module.run()
    return module.get_output(0).numpy()


def assert_right(output, network) -> None:
    np.testing.assert_allclose(output, network.output, rtol=1e-4, atol=1e-5)


def test_the_comparison_can_fail(network):
    with pytest.raises(AssertionError):
        assert_right(network.output * 1.001, network)


def test_without_cosearch(mod, target, network):
    lib = relay.build(mod, target)
    assert_right(run(lib, network), network)
    with pytest.raises(AttributeError, match="built without co-search"):
        _ = lib.reuse


def test_inside_a_database(mod, target, network, database):
    before = mod.clone()
    with database:
        lib = relay.build(mod, target)
    tvm.ir.assert_structural_equal(mod, before)
    assert_right(run(lib, network), network)
    assert {kernel.source for kernel in lib.reuse.kernels} == {"exact"}
    assert {kernel.donor for kernel in lib.reuse.kernels} == {"donor"}
    assert lib.reuse.share_of_kernels == 1.0
    assert {block for kernel in lib.reuse.kernels for block in kernel.blocks} >= {"mbconv"}


def test_by_pass_context(mod, target, network, sampled_records, tmp_path, monkeypatch):
    monkeypatch.setenv("COSEARCH_DB", str(tmp_path / "db.sqlite"))
    ScheduleDatabase().add_many(sampled_records)
    with PassContext(opt_level=3, config=ENABLE):
        lib = relay.build(mod, "llvm -mcpu=native -num-cores=2")
    assert lib.reuse.count("exact") == len(lib.reuse.kernels)
    assert_right(run(lib, network), network)


def test_by_tvm_compile(mod, target, network, database):
    with database:
        executable = tvm.compile(mod, target, relax_pipeline="cosearch")
    report = last_reuse()
    assert report.count("exact") == len(report.kernels)
    machine = relax.VirtualMachine(executable, tvm.cpu())
    assert_right(machine["main"](tvm.runtime.tensor(network.input)).numpy(), network)


def test_switched_off_inside_a_database(mod, target, network, database):
    with database, PassContext(config={"relax.cosearch.enable": False}):
        lib = relay.build(mod, target)
    assert lib.metadata.reuse is None
    assert_right(run(lib, network), network)


def test_torch_and_onnx_share_schedules(target, network, database):
    import torch

    mod, params = relay.frontend.from_pytorch(network.torch, (torch.from_numpy(network.input),))
    assert params == {}
    with database:
        lib = relay.build(mod, target, params=params)
    assert lib.reuse.count("exact") == len(lib.reuse.kernels)


@pytest.mark.filterwarnings("ignore:kernels were compiled for 3 threads")
def test_records_for_other_threads_are_transferred(mod, network, database):
    with database:
        lib = relay.build(mod, "llvm -mcpu=native -num-cores=3")
    assert lib.reuse.count("transferred") == len(lib.reuse.kernels)
    assert {kernel.donor for kernel in lib.reuse.kernels} == {"donor"}
    assert {kernel.distance for kernel in lib.reuse.kernels} == {0.0}
    assert all(kernel.donor_workload == kernel.workload for kernel in lib.reuse.kernels)
    assert {kernel.recorded_us for kernel in lib.reuse.kernels} == {5.0}
    assert lib.reuse.share_of_kernels == 1.0
    assert_right(run(lib, network), network)


def test_a_build_may_measure_for_some_seconds(mod, target, network):
    config = {**ENABLE, "relax.cosearch.seconds": 60.0, "relax.cosearch.trials": 1}
    with ScheduleDatabase.in_memory() as database, PassContext(config=config):
        lib = relay.build(mod, target)
        assert lib.reuse.count("tuned") == len(lib.reuse.kernels) == len(database)
        assert_right(run(lib, network), network)
        again = relay.build(mod, target)
    assert again.reuse.count("exact") == len(again.reuse.kernels)


def test_other_conditions_find_nothing(mod, network, database):
    with database:
        lib = relay.build(mod, "llvm -mcpu=native -num-cores=1")
    assert lib.reuse.count("rules") == len(lib.reuse.kernels)
    assert lib.reuse.share_of_kernels == 0
    assert {kernel.reason for kernel in lib.reuse.kernels} == {"no record"}
    assert_right(run(lib, network), network)


def test_trials_on_a_miss_tune_what_is_missing(mod, target, network, sampled_records):
    database = ScheduleDatabase.in_memory()
    database.add_many(sampled_records[1:])
    config = {**ENABLE, "relax.cosearch.trials": 2}
    with database, PassContext(config=config):
        lib = relay.build(mod, target)
    assert lib.reuse.count("tuned") == 1
    assert lib.reuse.count("exact") == len(lib.reuse.kernels) - 1
    assert_right(run(lib, network), network)


def test_kept_blocks_give_the_same_numbers(mod, target, network, database):
    with database:
        inlined = relay.build(mod, target)
        with PassContext(config={"relax.cosearch.keep_blocks": True}):
            kept = relay.build(mod, target)
    assert "mbconv" in kept.executable.as_text()
    assert "mbconv" not in inlined.executable.as_text()
    np.testing.assert_array_equal(run(kept, network), run(inlined, network))


def test_main_takes_the_input_alone(mod, target, database):
    with database:
        lib = relay.build(mod, target)
    assert [spec.name for spec in lib.metadata.inputs] == ["input"]
    assert "prepack" not in lib.executable.as_text().replace("prepacked", "")


def test_patterns_choose_what_is_lifted(mod, target, database):
    with database, PassContext(config={"relax.cosearch.patterns": ["conv_norm_act"]}):
        lib = relay.build(mod, target)
    assert {block for kernel in lib.reuse.kernels for block in kernel.blocks} == {"conv_norm_act"}


def test_params_are_bound_by_name(target):
    x = relax.Var("x", relax.TensorType((2, 3), "float32"))
    w = relax.Var("w", relax.TensorType((3, 4), "float32"))
    builder = relax.BlockBuilder()
    with builder.function("main", [x, w]):
        with builder.dataflow():
            out = builder.emit_output(relax.op.matmul(x, w))
        builder.emit_func_output(out)
    mod = builder.finalize()
    values = np.arange(12, dtype="float32").reshape(3, 4)
    lib = relay.build(mod, target, params={"w": values})
    module = relay.GraphModule(lib)
    module.run(x=np.ones((2, 3), "float32"))
    np.testing.assert_allclose(module.get_output(0).numpy()[0], values.sum(axis=0))
    with pytest.raises(ValueError, match="params names v, but main takes only w, x"):
        relay.build(mod, target, params={"v": values})


def test_a_target_that_llvm_does_not_know(mod):
    with pytest.raises(ValueError, match="pentium99"):
        relay.build(mod, "llvm -mcpu=pentium99")


@pytest.mark.parametrize("key", ["trials", "seconds"])
def test_negative_limits_are_refused(mod, target, database, key):
    config = {f"relax.cosearch.{key}": -1}
    with database, PassContext(config=config), pytest.raises(ValueError, match="-1"):
        relay.build(mod, target)


def test_export_and_load(mod, target, network, database, tmp_path):
    with database:
        lib = relay.build(mod, target)
    lib.export_library(tmp_path / "net.so")
    loaded = relay.load_library(tmp_path / "net.so")
    assert loaded.metadata == lib.metadata
    assert_right(run(loaded, network), network)


def test_a_process_with_the_runtime_alone_runs_it(mod, target, network, database, tmp_path):
    with database:
        lib = relay.build(mod, target)
    lib.export_library(tmp_path / "net.so")
    np.save(tmp_path / "input.npy", network.input)
    code = (
        "import sys, numpy, tvm\n"
        "from tvm.runtime.vm import VirtualMachine\n"
        "assert not hasattr(tvm, 'relax')\n"
        "machine = VirtualMachine(tvm.runtime.load_module(sys.argv[1] + '/net.so'), tvm.cpu())\n"
        "x = tvm.runtime.tensor(numpy.load(sys.argv[1] + '/input.npy'))\n"
        "numpy.save(sys.argv[1] + '/output.npy', machine['main'](x).numpy())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path)],
        env={"TVM_USE_RUNTIME_LIB": "1", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert_right(np.load(tmp_path / "output.npy"), network)


def test_export_into_no_folder(mod, target, tmp_path):
    lib = relay.build(mod, target)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        lib.export_library(tmp_path / "nowhere" / "net.so")


@pytest.mark.parametrize("content", [b"", b"not a library", b"\x7fELF" + b"\0" * 64])
def test_loading_what_is_no_library(tmp_path, content):
    (tmp_path / "net.so").write_bytes(content)
    with pytest.raises(ValueError, match=r"net\.so is no network"):
        relay.load_library(tmp_path / "net.so")
    with pytest.raises(FileNotFoundError):
        relay.load_library(tmp_path / "other.so")


def test_profile_times_every_kernel(mod, target, database):
    with database:
        lib = relay.build(mod, target)
    report = lib.profile()
    assert all(k.measured_us > 0 for k in report.kernels if "reshape" not in k.name)
    assert report.share_of_time == pytest.approx(1.0)
