"""GraphModule keeps Relay's calls, and says what is wrong with an input."""

import sys

import numpy as np
import pytest
import tvm

from cosearch import relay
from cosearch.relay.install import RELAX_WAYS


@pytest.fixture(scope="module")
def lib(network, target):
    return relay.build(relay.frontend.from_onnx(network.onnx)[0], target)


@pytest.fixture
def module(lib):
    return relay.GraphModule(lib["default"](tvm.cpu()))


def test_relay_calls(module, network):
    module.set_input("input", network.input)
    module.run()
    by_name = module.get_output(0).numpy()
    module.set_input(0, tvm.runtime.tensor(network.input))
    module.run()
    np.testing.assert_array_equal(module.get_output(0).numpy(), by_name)
    module.run(input=network.input * 0)
    assert np.abs(module.get_output(0).numpy() - by_name).max() > 0.01
    assert (module.get_num_inputs(), module.get_num_outputs()) == (1, 1)
    np.testing.assert_array_equal(module.get_input(0).numpy(), network.input * 0)


def test_benchmark_returns_seconds(module, network):
    result = module.benchmark(tvm.cpu(), repeat=3, number=2, input=network.input)
    assert len(result.results) == 3
    assert all(0 < seconds < 60 for seconds in result.results)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("picture", np.zeros((1, 3, 16, 16), "float32"), "takes input"),
        ("input", np.zeros((1, 3, 16, 16)), 'astype\\("float32"\\)'),
        ("input", np.zeros((1, 3, 8, 8), "float32"), r"\(1, 3, 16, 16\)"),
        ("input", np.zeros((3, 16, 16), "float32"), r"\(1, 3, 16, 16\)"),
        (1, np.zeros((1, 3, 16, 16), "float32"), "input 1 of a network with 1"),
    ],
)
def test_wrong_inputs(module, name, value, says):
    with pytest.raises(ValueError, match=says):
        module.set_input(name, value)


def test_names_of_onnx_that_are_no_identifiers(network, target):
    import onnx

    proto = onnx.load_from_string(network.onnx)
    proto.graph.input[0].name = "input.1"
    for node in proto.graph.node:
        node.input[:] = ["input.1" if name == "input" else name for name in node.input]
    module = relay.GraphModule(relay.build(relay.frontend.from_onnx(proto)[0], target))
    module.set_input("input.1", network.input)
    module.run()
    np.testing.assert_allclose(module.get_output(0).numpy(), network.output, rtol=1e-4, atol=1e-5)


def test_too_early(module):
    with pytest.raises(ValueError, match="not set: input"):
        module.run()
    with pytest.raises(RuntimeError, match="call run"):
        module.get_output(0)
    with pytest.raises(ValueError, match="not set yet"):
        module.get_input("input")


def test_other_things_are_no_library(lib):
    with pytest.raises(TypeError, match="not VMExecutable"):
        relay.GraphModule(lib.executable, tvm.cpu())
    with pytest.raises(KeyError, match="other"):
        lib["other"]


def test_install_lets_relay_scripts_run(network, target):
    assert "tvm.relay" not in sys.modules
    try:
        relay.install()
        relay.install()
        script = (
            "from tvm import relay\n"
            "from tvm.contrib import graph_executor\n"
            "mod, params = relay.frontend.from_onnx(model)\n"
            "with tvm.transform.PassContext(opt_level=3):\n"
            "    lib = relay.build(mod, target=target, params=params)\n"
            "m = graph_executor.GraphModule(lib['default'](tvm.cpu(0)))\n"
            "m.set_input('input', x)\n"
            "m.run()\n"
            "y = m.get_output(0).numpy()\n"
        )
        names = {"tvm": tvm, "model": network.onnx, "target": target, "x": network.input}
        exec(script, names)
        np.testing.assert_allclose(names["y"], network.output, rtol=1e-4, atol=1e-5)
    finally:
        for name in ("tvm.relay", "tvm.relay.frontend", "tvm.contrib.graph_executor"):
            sys.modules.pop(name, None)
        del tvm.relay, tvm.contrib.graph_executor


@pytest.mark.parametrize("name", ["transform", "create_executor", "no_such_thing"])
def test_what_is_not_kept_names_the_relax_way(name):
    with pytest.raises(AttributeError, match=r"Relay left TVM in 0\.20") as caught:
        getattr(relay, name)
    assert RELAX_WAYS.get(name, "see tvm.relax") in str(caught.value)
