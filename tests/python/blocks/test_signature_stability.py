"""Signatures are the same in every process and from one release to the next."""

import os
import subprocess
import sys

PROGRAM = """
import tvm
from tvm import relax, te
from cosearch.blocks import block_signature, workload_signature

x = relax.Var("x", relax.TensorType((1, 28, 28, 16), "float32"))
w = relax.Var("w", relax.TensorType((32, 3, 3, 16), "float32"))
builder = relax.BlockBuilder()
with builder.function("f", [x, w], attrs={"num_input": 1}):
    with builder.dataflow():
        y = builder.emit(
            relax.op.nn.conv2d(x, w, padding=1, data_layout="NHWC", kernel_layout="OHWI")
        )
        y = builder.emit_output(relax.op.nn.relu(y))
    builder.emit_func_output(y)
mod = builder.finalize()
block = block_signature(mod["f"])
kernel = relax.transform.LegalizeOps()(mod)["conv2d"]
workload = workload_signature(kernel)
signatures = [
    block.shape_aware, block.shape_agnostic, workload.shape_aware, workload.shape_agnostic
]
print(*signatures)
"""

# Databases hold these: a change makes every record that users have unreachable. Change them only
# on purpose, with a note in the changelog.
GOLDEN = [
    "e62f78e3e610beaf7289411ca0358e4a",
    "f450a47a1336d39625378e4b0b8d6826",
    "1147565a80488e9a568eb48f1ab2bd4b",
    "1fceef02614c86f72add7587a89176d9",
]


def test_golden_in_this_process():
    scope = {}
    exec(PROGRAM, scope)
    assert scope["signatures"] == GOLDEN


def test_golden_in_another_process():
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == GOLDEN
