import pytest
import torch
from torch import nn
from tvm.ir import assert_structural_equal
from tvm_ffi import structural_equal

from cosearch import frontend

SHAPE = (1, 8, 12, 12)


class Both(nn.Module):
    """Two layers, brought together by a function."""

    def __init__(self, join):
        super().__init__()
        self.left, self.right, self.join = nn.Conv2d(8, 8, 1), nn.Identity(), join

    def forward(self, x):
        return self.join(self.left(x), self.right(x))


MODULES = {
    "convolution": nn.Conv2d(8, 16, 3, 2, 1),
    "grouped convolution": nn.Conv2d(8, 16, (3, 5), padding=(1, 2), groups=4, bias=False),
    "batch-norm": nn.Sequential(nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8)),
    "linear": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(8, 3)),
    "linear without bias": nn.Sequential(nn.Flatten(1), nn.Linear(1152, 3, bias=False)),
    **{
        type(layer).__name__: nn.Sequential(nn.Conv2d(8, 8, 1), layer)
        for layer in (
            *(nn.ReLU(), nn.ReLU6(), nn.SiLU(), nn.Sigmoid(), nn.Hardswish(), nn.Hardsigmoid()),
            *(nn.Identity(), nn.Dropout()),
        )
    },
    "average without padding": nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    "average with padding": nn.AvgPool2d(3, 2, 1),
    "average of uneven parts": nn.AvgPool2d(2, 2),
    "maximum": nn.MaxPool2d(3, 2, 1),
    "sum": Both(torch.add),
    "operator": Both(lambda a, b: a + b),
    "product": Both(lambda a, b: a * torch.sigmoid(b)),
    "relu": Both(lambda a, b: torch.relu(a + b)),
    "concatenation": Both(lambda a, b: torch.cat([a, b], 1)),
    "layout": Both(lambda a, b: (a + b).permute(0, 2, 3, 1)),
    "shuffle": Both(lambda a, b: (a + b).unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)),
    "shuffle from behind": Both(lambda a, b: (a + b).unflatten(-3, (4, 2)).flatten(-4, -3)),
    "scaled": Both(lambda a, b: a + b * 0.0),
}


@pytest.mark.parametrize("name", MODULES)
def test_both_ways_come_to_the_same(name):
    module = nn.Sequential(MODULES[name]).eval()
    traced = frontend.from_traced(module, SHAPE)
    assert traced is not None
    exported = frontend.from_pytorch(module, (torch.zeros(SHAPE),))
    assert_structural_equal(
        traced.without_attr("cosearch.model"), exported.without_attr("cosearch.model")
    )


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def marked():
    module = nn.Sequential(nn.Conv2d(8, 8, 1))
    return frontend.mark(module, "mine")


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(8, 8, 3, padding="same"),
        nn.GroupNorm(2, 8),
        nn.AdaptiveAvgPool2d(3),
        nn.AvgPool2d(2, divisor_override=3),
        nn.BatchNorm2d(8, affine=False),
        Both(torch.sub),
        Both(lambda a, b: (a + b).flatten(start_dim=1)),
        Branching(),
        marked(),
    ],
    ids=lambda module: type(module).__name__,
)
def test_what_is_not_on_the_list_is_left_to_export(module):
    assert frontend.from_traced(nn.Sequential(module).eval(), SHAPE) is None


def test_training_is_left_to_export():
    assert frontend.from_traced(nn.Sequential(nn.ReLU()).train(), SHAPE) is None


def test_images_come_out_with_their_channels_innermost():
    class Transposed(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

        def forward(self, x):
            return self.module(x).permute(0, 2, 3, 1)

    images = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()).eval()
    transposed = frontend.from_traced(Transposed(images).eval(), SHAPE)
    last = frontend.from_traced(images, SHAPE, channels_last=True)
    assert structural_equal(last["main"], transposed["main"])
    assert not structural_equal(last["main"], frontend.from_traced(images, SHAPE)["main"])


def test_what_is_no_image_comes_out_as_it_is():
    vector = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1)).eval()
    last = frontend.from_traced(vector, SHAPE, channels_last=True)
    assert structural_equal(last, frontend.from_traced(vector, SHAPE))


def test_weights_count():
    one, other = (nn.Sequential(nn.Conv2d(8, 4, 1)).eval() for _ in range(2))
    same = frontend.from_traced(one, SHAPE)
    assert structural_equal(same, frontend.from_traced(one, SHAPE))
    assert not structural_equal(same, frontend.from_traced(other, SHAPE))
