"""Blocks of mobile and residual networks, by number and kind, against their definitions."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("tvm")

import torch
from torch import nn
from torch.nn import functional

from cosearch.blocks import find_blocks
from cosearch.frontend import from_pytorch


def conv_bn(cin, cout, kernel=3, stride=1, groups=1, act=nn.ReLU):
    layers = [
        nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(cout),
    ]
    return nn.Sequential(*layers, *([act()] if act else []))


class SqueezeExcitation(nn.Module):
    def __init__(self, channels, gate=nn.Sigmoid, linear=False):
        super().__init__()
        self.linear = linear
        layer = nn.Linear if linear else lambda cin, cout: nn.Conv2d(cin, cout, 1)
        self.fc = nn.Sequential(layer(channels, 8), nn.ReLU(), layer(8, channels), gate())

    def forward(self, x):
        if self.linear:
            return x * self.fc(x.mean((2, 3)))[:, :, None, None]
        return x * self.fc(functional.adaptive_avg_pool2d(x, 1))


class MBConv(nn.Module):
    def __init__(self, cin, cout, kernel=3, stride=1, expand=6, act=nn.ReLU6, gate=None, **se):
        super().__init__()
        mid = cin * expand
        layers = [conv_bn(cin, mid, 1, act=act)] if expand > 1 else []
        layers.append(conv_bn(mid, mid, kernel, stride, mid, act))
        if gate:
            layers.append(SqueezeExcitation(mid, gate, **se))
        self.body = nn.Sequential(*layers, conv_bn(mid, cout, 1, act=None))
        self.residual = stride == 1 and cin == cout

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class FusedMBConv(MBConv):
    def __init__(self, cin, cout, stride=1, expand=4):
        super().__init__(cin, cout, 3, stride)
        mid = cin * expand
        self.body = nn.Sequential(
            conv_bn(cin, mid, 3, stride, act=nn.SiLU), conv_bn(mid, cout, 1, act=None)
        )


class Residual(nn.Module):
    """Basic (width None) or bottleneck block, plain, grouped or gated."""

    def __init__(self, cin, cout, stride=1, width=None, groups=1, gate=False):
        super().__init__()
        if width is None:
            layers = [conv_bn(cin, cout, 3, stride), conv_bn(cout, cout, 3, act=None)]
        else:
            layers = [conv_bn(cin, width, 1), conv_bn(width, width, 3, stride, groups)]
            layers += [SqueezeExcitation(width)] if gate else []
            layers += [conv_bn(width, cout, 1, act=None)]
        self.body = nn.Sequential(*layers)
        same = stride == 1 and cin == cout
        self.shortcut = nn.Identity() if same else conv_bn(cin, cout, 1, stride, act=None)

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


class PreActivation(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.norm = nn.BatchNorm2d(cin)
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        same = stride == 1 and cin == cout
        self.shortcut = None if same else nn.Conv2d(cin, cout, 1, stride, bias=False)

    def forward(self, x):
        y = torch.relu(self.norm(x))
        shortcut = x if self.shortcut is None else self.shortcut(y)
        return self.conv2(torch.relu(self.norm2(self.conv1(y)))) + shortcut


class ConvNeXt(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.expand = nn.Linear(channels, 4 * channels)
        self.project = nn.Linear(4 * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.1))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.scale * self.project(functional.gelu(self.expand(y)))
        return x + y.permute(0, 3, 1, 2)


def network(stem, blocks, channels, act=nn.ReLU):
    """Stem, blocks, 1x1 head, classifier."""
    head = [conv_bn(channels, 64, 1, act=act), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(stem, *blocks, *head, nn.Linear(64, 10))


def mobilenet_v2():
    blocks = [MBConv(16, 16, expand=1)]
    cin = 16
    for cout, count, stride in [(24, 2, 2), (32, 3, 2), (40, 2, 1)]:
        for i in range(count):
            blocks.append(MBConv(cin, cout, stride=stride if i == 0 else 1))
            cin = cout
    return network(conv_bn(3, 16, 3, 2, act=nn.ReLU6), blocks, 40, nn.ReLU6), ["mbconv"] * 8


def efficientnet():
    se = {"act": nn.SiLU, "gate": nn.Sigmoid}
    blocks = [
        MBConv(16, 16, 3, 1, 1, **se),
        MBConv(16, 24, 3, 2, **se),
        MBConv(24, 24, 3, 1, **se),
        MBConv(24, 40, 5, 2, **se),
        MBConv(40, 40, 5, 1, **se, linear=True),
    ]
    return network(conv_bn(3, 16, 3, 2, act=nn.SiLU), blocks, 40, nn.SiLU), ["mbconv"] * 5


def mobilenet_v3():
    hard = {"act": nn.Hardswish, "gate": nn.Hardsigmoid}
    blocks = [
        MBConv(16, 16, 3, 2, 1, nn.ReLU, nn.Hardsigmoid),
        MBConv(16, 24, 3, 2, 4, nn.ReLU),
        MBConv(24, 24, 3, 1, 3, nn.ReLU),
        MBConv(24, 40, 5, 2, 4, **hard),
        MBConv(40, 40, 5, 1, 6, **hard),
    ]
    stem = conv_bn(3, 16, 3, 2, act=nn.Hardswish)
    return network(stem, blocks, 40, nn.Hardswish), ["mbconv"] * 5


def efficientnet_v2():
    se = {"act": nn.SiLU, "gate": nn.Sigmoid}
    blocks = [FusedMBConv(16, 24, 2), FusedMBConv(24, 24), MBConv(24, 40, 3, 2, 4, **se)]
    model = network(conv_bn(3, 16, 3, 2, act=nn.SiLU), blocks, 40, nn.SiLU)
    return model, ["fused_mbconv"] * 2 + ["mbconv"]


def mobilenet_v1():
    blocks, cin = [], 16
    for cout, stride in [(32, 1), (32, 2), (64, 1), (64, 2)]:
        blocks.append(nn.Sequential(conv_bn(cin, cin, 3, stride, cin), conv_bn(cin, cout, 1)))
        cin = cout
    return network(conv_bn(3, 16, 3, 2), blocks, 64), ["depthwise_separable"] * 4


def resnet_basic():
    blocks = [Residual(16, 16), Residual(16, 16), Residual(16, 32, 2), Residual(32, 32)]
    stem = nn.Sequential(conv_bn(3, 16, 7, 2), nn.MaxPool2d(3, 2, 1))
    return network(stem, blocks, 32), ["residual_basic"] * 4


def resnet_preactivated():
    blocks = [PreActivation(16, 16), PreActivation(16, 32, 2), PreActivation(32, 32)]
    blocks += [nn.BatchNorm2d(32), nn.ReLU()]
    return network(nn.Conv2d(3, 16, 3, 1, 1), blocks, 32), ["residual_basic"] * 3


def bottlenecks(groups, gate):
    blocks = [
        Residual(16, 64, 1, 16, groups, gate),
        Residual(64, 64, 1, 16, groups, gate),
        Residual(64, 96, 2, 32, groups, gate),
    ]
    return network(conv_bn(3, 16, 3, 2), blocks, 96), ["residual_bottleneck"] * 3


def convnext():
    stem = nn.Conv2d(3, 16, 4, 4)
    return network(stem, [ConvNeXt(16), ConvNeXt(16)], 16), ["region"] * 2


NETWORKS = {
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3": mobilenet_v3,
    "efficientnet": efficientnet,
    "efficientnet_v2": efficientnet_v2,
    "resnet_basic": resnet_basic,
    "resnet_preactivated": resnet_preactivated,
    "resnet_bottleneck": lambda: bottlenecks(1, False),
    "resnext": lambda: bottlenecks(4, False),
    "regnet_y": lambda: bottlenecks(4, True),
    "convnext": convnext,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_match_the_definition(name):
    torch.manual_seed(0)
    model, expected = NETWORKS[name]()
    blocks = find_blocks(from_pytorch(model.eval(), (torch.randn(1, 3, 64, 64),)))
    kinds = [block.pattern for block in blocks]
    assert kinds == ["conv_norm_act", *expected, "conv_norm_act", "conv_norm_act"]
    assert [block.stage for block in blocks] == sorted(block.stage for block in blocks)


def test_gates_and_runs_are_nested_in_their_block():
    model, _ = efficientnet()
    blocks = find_blocks(from_pytorch(model.eval(), (torch.randn(1, 3, 64, 64),)))
    for block in blocks[2:-2]:
        inside = [child.pattern for child in block.children]
        assert sorted(inside) == ["conv_norm_act"] * 3 + ["squeeze_excitation"]
    assert [block.stage for block in blocks] == [1, 1, 2, 2, 3, 3, 3, 3]
