"""A pool that sees the whole picture is a mean, whatever its window; others stay what they are."""

import numpy as np
import pytest
import torch

from cosearch import relay


@pytest.mark.parametrize(
    ("options", "is_mean"),
    [
        ({"kernel_size": 7}, True),
        ({"kernel_size": 20, "ceil_mode": True}, True),
        ({"kernel_size": 9, "padding": 1, "count_include_pad": False}, True),
        ({"kernel_size": 9, "padding": 1}, False),
        ({"kernel_size": 5, "padding": 1, "count_include_pad": False}, False),
    ],
)
def test_average_over_everything(options, is_mean):
    pool = torch.nn.AvgPool2d(**options).eval()
    picture = torch.arange(98, dtype=torch.float32).reshape(1, 2, 7, 7)
    mod, _ = relay.frontend.from_pytorch(pool, (picture,))
    assert ("R.mean" in mod.script()) == is_mean
    lib = relay.build(mod)
    module = relay.GraphModule(lib)
    module.set_input(0, picture.numpy())
    module.run()
    np.testing.assert_allclose(module.get_output(0).numpy(), pool(picture).numpy(), rtol=1e-6)
