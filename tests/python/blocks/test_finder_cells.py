"""Cells and branched modules found in whole networks: NAS-Bench-201, NAS-Bench-101, Inception."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("tvm")

import torch
from torch import nn

from cosearch.blocks import find_blocks
from cosearch.frontend import from_pytorch


def conv_bn_relu(cin, cout, kernel=3, stride=1):
    conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(cout), nn.ReLU())


def relu_conv_bn(cin, cout, kernel, stride=1):
    conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(cout))


class Zero(nn.Module):
    def forward(self, x):
        return x.mul(0.0)


def edge(name, channels):
    if name == "none":
        return Zero()
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    return relu_conv_bn(channels, channels, int(name[-1]))


class Cell201(nn.Module):
    """As in the benchmark's own code: zero edges multiply by zero."""

    def __init__(self, arch, channels):
        super().__init__()
        nodes = [[e.split("~")[0] for e in node.strip("|").split("|")] for node in arch.split("+")]
        self.edges = nn.ModuleList(
            nn.ModuleList(edge(name, channels) for name in node) for node in nodes
        )

    def forward(self, x):
        nodes = [x]
        for edges in self.edges:
            nodes.append(sum(op(node) for op, node in zip(edges, nodes, strict=False)))
        return nodes[-1]


class Reduction201(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.body = nn.Sequential(relu_conv_bn(cin, cout, 3, 2), relu_conv_bn(cout, cout, 3))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(cin, cout, 1, bias=False))

    def forward(self, x):
        return self.shortcut(x) + self.body(x)


def network_201(arch, cells=2):
    layers = [nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)]
    for stage, channels in enumerate((8, 16, 32)):
        if stage:
            layers.append(Reduction201(channels // 2, channels))
        layers += [Cell201(arch, channels) for _ in range(cells)]
    layers += [nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(32, 10))


def patterns_of(model, size=32):
    torch.manual_seed(0)
    return find_blocks(from_pytorch(model.eval(), (torch.randn(1, 3, size, size),)))


@pytest.mark.parametrize(
    "arch",
    [
        # the best on CIFAR-10, a ResNet-like one, one with zeros, one with a single sum
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
        "|none~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_1x1~2|",
        "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|",
    ],
)
def test_nasbench201_network(arch):
    blocks = patterns_of(network_201(arch))
    cells = ["nasbench201_cell"] * 2
    expected = [*cells, "residual_basic", *cells, "residual_basic", *cells]
    assert [b.pattern for b in blocks] == ["conv_norm_act", *expected, "conv_norm_act"]
    assert [b.stage for b in blocks] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]


class Cell101(nn.Module):
    """As in the benchmark's own code: projections of the input, sums, a concatenation."""

    def __init__(self, matrix, ops, cin, cout):
        super().__init__()
        self.matrix, count = matrix, len(matrix)
        ends = [v for v in range(1, count - 1) if matrix[v][-1]]
        width = cout // len(ends)
        self.ops = nn.ModuleList(
            nn.MaxPool2d(3, 1, 1) if op == "P" else conv_bn_relu(width, width, int(op))
            for op in ops
        )
        self.inputs = nn.ModuleDict(
            {str(v): conv_bn_relu(cin, width, 1) for v in range(1, count - 1) if matrix[0][v]}
        )
        self.shortcut = conv_bn_relu(cin, cout, 1) if matrix[0][-1] else None

    def forward(self, x):
        count = len(self.matrix)
        values = [x]
        for v in range(1, count - 1):
            terms = [values[u] for u in range(1, v) if self.matrix[u][v]]
            terms += [self.inputs[str(v)](x)] if self.matrix[0][v] else []
            values.append(self.ops[v - 1](sum(terms[1:], terms[0])))
        ends = [values[v] for v in range(1, count - 1) if self.matrix[v][-1]]
        out = torch.cat(ends, 1) if len(ends) > 1 else ends[0]
        return out + self.shortcut(x) if self.shortcut else out


@pytest.mark.parametrize(
    ("matrix", "ops"),
    [
        (["0111010", "0000001", "0000001", "0000100", "0000001", "0000001", "0000000"], "1333P"),
        (["01001", "00100", "00010", "00001", "00000"], "131"),
        (["011011", "000100", "000001", "000011", "000001", "000000"], "31P3"),
    ],
)
def test_nasbench101_network(matrix, ops):
    matrix = [[int(cell) for cell in row] for row in matrix]
    layers, cin = [conv_bn_relu(3, 24)], 24
    for stage, cout in enumerate((24, 48)):
        layers += [nn.MaxPool2d(2, 2)] if stage else []
        for _ in range(2):
            layers.append(Cell101(matrix, ops, cin, cout))
            cin = cout
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, 10)]
    blocks = patterns_of(nn.Sequential(*layers))
    expected = ["conv_norm_act", *["nasbench101_cell"] * 4, "conv_norm_act"]
    assert [b.pattern for b in blocks] == expected


class Branches(nn.Module):
    def __init__(self, *branches, shuffle=False, split=False):
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.shuffle, self.split = shuffle, split

    def forward(self, x):
        parts = x.chunk(2, 1) if self.split else [x] * len(self.branches)
        x = torch.cat([branch(part) for branch, part in zip(self.branches, parts, strict=True)], 1)
        if self.shuffle:
            n, c, h, w = x.shape
            x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return x


def googlenet():
    layers, cin = [conv_bn_relu(3, 16, 7, 2), nn.MaxPool2d(3, 2, 1)], 16
    for _ in range(3):
        layers.append(
            Branches(
                conv_bn_relu(cin, 8, 1),
                nn.Sequential(conv_bn_relu(cin, 8, 1), conv_bn_relu(8, 16)),
                nn.Sequential(conv_bn_relu(cin, 4, 1), conv_bn_relu(4, 8, 5)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), conv_bn_relu(cin, 8, 1)),
            )
        )
        cin = 40
    return nn.Sequential(*layers), ["conv_norm_act"] + ["inception"] * 3


def squeezenet():
    layers, cin = [nn.Conv2d(3, 32, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2)], 32
    for _ in range(3):
        squeeze = nn.Sequential(nn.Conv2d(cin, 16, 1), nn.ReLU())
        expand = [nn.Sequential(nn.Conv2d(16, 32, k, padding=k // 2), nn.ReLU()) for k in (1, 3)]
        layers += [squeeze, Branches(*expand)]
        cin = 64
    return nn.Sequential(*layers), ["conv_norm_act"] + ["inception"] * 3


def shufflenet_v2():
    def depthwise(channels, stride):
        conv = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(channels))

    def right(cin, stride):
        return nn.Sequential(
            conv_bn_relu(cin, 24, 1), depthwise(24, stride), conv_bn_relu(24, 24, 1)
        )

    left = nn.Sequential(depthwise(24, 2), conv_bn_relu(24, 24, 1))
    units = [Branches(left, right(24, 2), shuffle=True)]
    units += [Branches(nn.Identity(), right(24, 1), shuffle=True, split=True) for _ in range(2)]
    stem, head = conv_bn_relu(3, 24, 3, 2), conv_bn_relu(48, 64, 1)
    expected = ["conv_norm_act", *["inception"] * 3, "conv_norm_act"]
    return nn.Sequential(stem, *units, head), expected


class DenseBlock(nn.Module):
    def __init__(self, cin, layers):
        super().__init__()
        self.layers = nn.ModuleList()
        for _ in range(layers):
            narrow = nn.Sequential(
                nn.BatchNorm2d(cin), nn.ReLU(), nn.Conv2d(cin, 32, 1, bias=False)
            )
            grow = nn.Sequential(nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 8, 3, 1, 1))
            self.layers.append(nn.Sequential(narrow, grow))
            cin += 8

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


def densenet():
    transition = [nn.BatchNorm2d(40), nn.ReLU(), nn.Conv2d(40, 20, 1), nn.AvgPool2d(2, 2)]
    layers = [conv_bn_relu(3, 16), DenseBlock(16, 3), *transition, DenseBlock(20, 2)]
    expected = ["conv_norm_act", *["region"] * 3, "conv_norm_act", *["region"] * 2]
    return nn.Sequential(*layers, nn.BatchNorm2d(36), nn.ReLU()), expected


@pytest.mark.parametrize("build", [googlenet, squeezenet, shufflenet_v2, densenet])
def test_branched_modules(build):
    model, expected = build()
    assert [block.pattern for block in patterns_of(model, 64)] == expected
