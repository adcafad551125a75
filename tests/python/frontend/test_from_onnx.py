"""from_onnx: files, shapes, data types and operators, and what it says when they are wrong."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tvm import relax

from cosearch.frontend import FrontendError, from_onnx
from cosearch.frontend.graph import as_dim

WEIGHT = numpy_helper.from_array(np.ones((4, 3, 1, 1), "float32"), "w")
CONV = helper.make_node("Conv", ["input", "w"], ["out"], name="stem/conv")


def model(*nodes, shape=(1, 3, 8, 8), weights=(WEIGHT,), name="graph_name"):
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)]
    graph = helper.make_graph(list(nodes), name, inputs, outputs, list(weights))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    return helper.make_model(graph, opset_imports=opsets)


def says(*parts):
    return pytest.raises(FrontendError, match=r"(?s)" + ".*".join(parts))


def test_path_bytes_and_proto_are_one(tmp_path, ops):
    proto = model(CONV)
    path = tmp_path / "my_net.onnx"
    onnx.save(proto, path)
    mods = [from_onnx(given) for given in (proto, path, str(path), path.read_bytes())]
    assert [ops(mod) for mod in mods] == [ops(mods[0])] * 4
    assert [mod.attrs["cosearch.model"] for mod in mods] == ["graph_name", "my_net", "my_net", ""]
    assert mods[0]["main"].attrs["num_input"] == 1


def test_every_truncation_is_told(tmp_path):
    content = model(CONV).SerializeToString()
    for length in range(0, len(content), 5):
        with pytest.raises(FrontendError):
            from_onnx(content[:length])
    path = tmp_path / "cut.onnx"
    path.write_bytes(content[: len(content) // 2])
    with says(r"cut\.onnx' is not an ONNX model, or was cut short", "again"):
        from_onnx(path)


def test_what_is_no_model(tmp_path):
    with says(r"nowhere\.onnx' is no file", "path"):
        from_onnx(tmp_path / "nowhere.onnx")
    with says("is a folder"):
        from_onnx(tmp_path)
    empty = tmp_path / "empty.onnx"
    empty.touch()
    with says(r"empty\.onnx' holds no graph"):
        from_onnx(empty)
    with says("a path or bytes, not int"):
        from_onnx(3)


def test_external_data(tmp_path, ops):
    proto = model(CONV)
    options = {"save_as_external_data": True, "location": "w.bin", "size_threshold": 0}
    onnx.save(proto, tmp_path / "net.onnx", **options)
    assert ops(from_onnx(tmp_path / "net.onnx")) == ops(from_onnx(model(CONV)))
    with says("'w' are in another file, 'w.bin'", "give the path"):
        from_onnx((tmp_path / "net.onnx").read_bytes())
    (tmp_path / "w.bin").unlink()
    with says("'w' are in the file 'w.bin'", "copy that file"):
        from_onnx(tmp_path / "net.onnx")


def test_unknown_operators_are_told_at_once():
    foreign = helper.make_node("Relu", ["a"], ["b"], domain="mine")
    unknown = [helper.make_node("Frobnicate", ["input"], ["a"], name="f1"), foreign]
    unknown.append(helper.make_node("Blah", ["b"], ["out"]))
    with says("Frobnicate", "'f1'", r"mine\.Relu", "that makes 'b'", "Blah", "opset_version"):
        from_onnx(model(*unknown))


def test_damaged_graphs():
    with says(r"'r' \(Relu\) reads 'nothing'"):
        from_onnx(model(helper.make_node("Relu", ["nothing"], ["out"], name="r")))
    with says("no node makes the output 'out'"):
        from_onnx(model(helper.make_node("Relu", ["input"], ["other"])))
    wide = numpy_helper.from_array(np.ones((4, 5, 1, 1), "float32"), "w")
    with says(r"node 'stem/conv' \(Conv\)", "channel"):
        from_onnx(model(CONV, weights=[wide]))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (None, r"'input' is dynamic in axis 0 \('batch'\).*shape={'input': \(1, 3, 224, 8\)}"),
        ({"input": (1, 3)}, r"2 axes.*\(batch, 3, \?, 8\) has 4"),
        ({"input": (1, 4, 8, 8)}, "axis 1 of input 'input' as 4, the model fixes it to 3"),
        ({"input": (1, "c", 8, 8)}, "axis 1 of input 'input' as 'c', the model fixes it to 3"),
        ({"data": (1, 3, 8, 8)}, "input 'data', which the model has not: its inputs are 'input'"),
        ({"input": (0, 3, 8, 8)}, "extent 0 of axis 0"),
        ({"input": (1.5, 3, 8, 8)}, r"extent 1\.5 of axis 0"),
        ((1, 3, 8, 8), "shape must map names of inputs"),
        ({"input": "1388"}, "sequence of extents"),
    ],
)
def test_wrong_shapes(shape, message):
    with says(message):
        from_onnx(model(CONV, shape=("batch", 3, None, 8)), shape=shape)


def extents(mod):
    return [str(as_dim(extent)) for extent in mod["main"].params[0].ty.shape]


def test_symbolic_extents():
    dynamic = model(CONV, shape=("batch", 3, None, 8))
    mod = from_onnx(dynamic, shape={"input": (-1, 3, 4, 8)})
    assert extents(mod) == ["batch", "3", "4", "8"]
    mod = from_onnx(dynamic, shape={"input": ("n", 3, None, 8)})
    relax.analysis.well_formed(mod)
    assert extents(mod) == ["n", "3", "input_2", "8"]


def test_input_of_unknown_rank():
    unknown = model(helper.make_node("Relu", ["input"], ["out"]), shape=None)
    with says("'input' has no shape in the model"):
        from_onnx(unknown)
    assert from_onnx(unknown, shape={"input": (2, 3)})["main"].params[0].ty.ndim == 2


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        ("float99", "'float99' for input 'input' is no data type"),
        ("int8", "'int8' for input 'input' contradicts the model's 'float32'"),
        ({"data": "float32"}, "dtype names the input 'data'"),
    ],
)
def test_wrong_dtypes(dtype, message):
    with says(message):
        from_onnx(model(CONV), dtype=dtype)


def test_right_dtype():
    for dtype in ("float32", np.float32, {"input": "float32"}):
        assert from_onnx(model(CONV), dtype=dtype)["main"].params[0].ty.dtype == "float32"


def test_padding_and_sums_become_ops(ops):
    pads = numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1]), "pads")
    kernel = numpy_helper.from_array(np.ones((4, 4, 3, 3), "float32"), "k")
    nodes = [
        helper.make_node("Conv", ["input", "w"], ["a"], auto_pad="SAME_UPPER", strides=[2, 2]),
        helper.make_node("Pad", ["a", "pads"], ["b"]),
        helper.make_node("Conv", ["b", "k"], ["c"]),
        helper.make_node("Sum", ["c", "a", "c"], ["out"]),
    ]
    mod = from_onnx(model(*nodes, weights=(WEIGHT, pads, kernel)))
    assert ops(mod) == ["permute_dims", *["nn.conv2d", "add"] * 2, *["add"] * 2, "permute_dims"]
    convs = [b.value for b in mod["main"].body.blocks[0].bindings[1:5:2]]
    assert [[int(p) for p in conv.attrs.padding] for conv in convs] == [[0] * 4, [1] * 4]


LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


@pytest.mark.parametrize(
    ("name", "transposes"), [("squeezenet", 1), ("shufflenet", 17), ("inception_v1", 5)]
)
def test_published_models(name, transposes, ops):
    """Input, channel shuffles (16 in ShuffleNet), four around the local response norms."""
    path = LIGHT / f"light_{name}.onnx"
    if not path.is_file():
        pytest.skip("this onnx package has no light models")
    mod = from_onnx(path)
    relax.analysis.well_formed(mod)
    assert ops(mod).count("permute_dims") == transposes
    assert not {"call_tir", "nn.batch_norm", "stack"} & set(ops(mod))
