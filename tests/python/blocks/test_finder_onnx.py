"""Blocks of published networks from ONNX files: the light models inside the onnx package."""

from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("onnx")
pytest.importorskip("tvm")

import onnx

from cosearch.blocks import find_blocks
from cosearch.frontend import from_onnx

MODELS = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"

# blocks by the papers' tables; then stems, transitions, classifiers
EXPECTED = {
    "squeezenet": {"inception": 8, "conv_norm_act": 2},
    "inception_v1": {"inception": 9, "conv_norm_act": 4},
    "inception_v2": {"inception": 10, "conv_norm_act": 4},
    "shufflenet": {"inception": 3, "residual_bottleneck": 13, "conv_norm_act": 2},
    "densenet121": {"inception": 6 + 12 + 24 + 16, "conv_norm_act": 5},
    "resnet50": {"residual_bottleneck": 16, "conv_norm_act": 2},
    "vgg19": {"conv_norm_act": 19},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_blocks_match_the_definition(name):
    blocks = find_blocks(from_onnx(MODELS / f"light_{name}.onnx"))
    assert Counter(block.pattern for block in blocks) == EXPECTED[name]
