"""The same network from torch.export and from both ONNX exporters: one form, torch's numbers."""

import importlib.util

import numpy as np
import pytest
import torch
import tvm_ffi
from torch import nn
from torch.nn import functional as F
from tvm import relax

from cosearch.frontend import from_onnx, from_pytorch


def conv(i, o, k=3, s=1, g=1, act=nn.ReLU, bias=False):
    layers = [nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=bias), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([act()] if act else []))


class Squeeze(nn.Module):
    def __init__(self, c, gate=nn.Hardsigmoid, linear=False):
        super().__init__()
        self.linear, self.gate, self.pool = linear, gate(), nn.AdaptiveAvgPool2d(1)
        self.down = nn.Linear(c, c // 4) if linear else nn.Conv2d(c, c // 4, 1)
        self.up = nn.Linear(c // 4, c) if linear else nn.Conv2d(c // 4, c, 1)

    def forward(self, x):
        y = self.pool(x)
        y = self.gate(self.up(F.relu(self.down(y.flatten(1) if self.linear else y))))
        return x * (y.view(x.shape[0], -1, 1, 1) if self.linear else y)


class MBConv(nn.Module):
    def __init__(self, i, o, k, e, s, act, se=None):
        super().__init__()
        h = i * e
        self.expand = conv(i, h, 1, act=act) if e > 1 else nn.Identity()
        self.depthwise = conv(h, h, k, s, h, act)
        self.squeeze = se(h) if se else nn.Identity()
        self.project = conv(h, o, 1, act=None)
        self.residual = s == 1 and i == o

    def forward(self, x):
        y = self.project(self.squeeze(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


class Head(nn.Module):
    def __init__(self, c, pool="adaptive"):
        super().__init__()
        self.linear, self.dropout, self.pool = nn.Linear(c, 10), nn.Dropout(0.2), pool

    def forward(self, x):
        n = x.shape[0]
        x = {
            "adaptive": lambda: F.adaptive_avg_pool2d(x, 1).flatten(1),
            "mean": lambda: x.mean([2, 3]),
            "kept": lambda: x.mean((2, 3), keepdim=True).squeeze(-1).squeeze(-1),
            "avg_pool": lambda: F.avg_pool2d(x, x.shape[-1]).view(n, -1),
        }[self.pool]()
        return self.linear(self.dropout(x))


def mobile(act, se=None, pool="adaptive"):
    return nn.Sequential(
        conv(3, 8, 3, 2, act=act),
        MBConv(8, 12, 5, 4, 2, act, se),
        MBConv(12, 12, 3, 1, 1, act, se),
        Head(12, pool),
    )


class Shuffle(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.branch = nn.Sequential(
            conv(c // 2, c // 2, 3, g=c // 2, act=None), conv(c // 2, c // 2, 1)
        )

    def forward(self, x):
        a, b = x.chunk(2, dim=1)
        y = torch.cat([a, self.branch(b)], 1)
        n, c, h, w = y.shape
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


class Residual(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.body = nn.Sequential(conv(i, o, 1), conv(o, o, 3, s), conv(o, o, 1, act=None))
        self.skip = conv(i, o, 1, s, act=None) if s > 1 or i != o else nn.Identity()

    def forward(self, x):
        return F.relu(self.body(x) + self.skip(x))


class Branches(nn.Module):
    def __init__(self, i):
        super().__init__()
        self.a, self.b = conv(i, 8, 1), nn.Sequential(conv(i, 4, 1), conv(4, 8, 3))
        self.c = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(i, 4, 1))
        self.d = nn.AvgPool2d(3, 1, 1, count_include_pad=False)

    def forward(self, x):
        return torch.cat([self.a(x), self.b(x), self.c(x), self.d(x)], 1)


class Dense(nn.Module):
    def __init__(self, i, g=4):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, g, 3, padding=1, bias=False))
            for c in (i, i + g)
        )

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


class Cell(nn.Module):
    """A NAS-Bench-201 cell: three edges begin with the same ReLU, which exporters may share."""

    def __init__(self, c):
        super().__init__()

        def op(k):
            layers = nn.Conv2d(c, c, k, padding=k // 2, bias=False), nn.BatchNorm2d(c)
            return nn.Sequential(nn.ReLU(), *layers)

        self.a, self.b, self.c, self.d = op(3), op(1), op(3), op(1)
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)

    def forward(self, x):
        first = self.a(x)
        second = self.b(x) + self.c(first)
        return self.pool(second) + self.d(first) + x


class ConvNext(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(c, c, 7, padding=3, groups=c), nn.LayerNorm(c)
        self.up, self.down = nn.Linear(c, 4 * c), nn.Linear(4 * c, c)
        self.scale = nn.Parameter(torch.rand(c))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.down(F.gelu(self.up(y))) * self.scale).permute(0, 3, 1, 2)


class Attention(nn.Module):
    def __init__(self, c, heads=2):
        super().__init__()
        self.heads, self.project, self.out = heads, nn.Linear(c, 3 * c), nn.Linear(c, c)

    def forward(self, x):
        n, c, h, w = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        parts = self.project(tokens).reshape(n, h * w, 3, self.heads, c // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = (q @ k.transpose(-2, -1) * 0.3).softmax(-1) @ v
        tokens = tokens + self.out(mixed.transpose(1, 2).reshape(n, h * w, c))
        return tokens.transpose(1, 2).reshape(n, c, h, w)


class Resized(nn.Module):
    def forward(self, x):
        up = F.interpolate(F.avg_pool2d(x, 2), scale_factor=2, mode="nearest")
        low = F.max_pool2d(F.pad(x, (0, 1, 0, 1)), 2)
        return up + F.interpolate(low, scale_factor=2, mode="bilinear", align_corners=False)


class Mixed(nn.Module):
    """Two inputs, two outputs, slices, asymmetric padding, a flattened picture, softmax."""

    def __init__(self):
        super().__init__()
        self.a, self.b = conv(3, 16, act=nn.SiLU), nn.Conv2d(3, 16, 3, 2)
        self.linear = nn.Linear(8 * 8 * 8, 6)

    def forward(self, x, y):
        z = F.max_pool2d(self.a(x), 2) + self.b(F.pad(y, (0, 1, 0, 1)))
        p, q, r = torch.split(z, [4, 8, 4], 1)
        z = F.avg_pool2d(z[:, 4:12] * q, 2) + torch.cat([p, r], 1)[:, :, ::2, ::2]
        return F.softmax(self.linear(z.flatten(1)), -1), q


def gelu_by_hand(x):
    return 0.5 * x * (1 + torch.tanh(0.7978845608 * (x + 0.044715 * x**3)))


class GeluByHand(nn.Module):
    def forward(self, x):
        return gelu_by_hand(x)


def stem(*layers):
    return nn.Sequential(conv(3, 16, 3, 2), *layers)


def activations():
    layers = [nn.GELU, GeluByHand, nn.PReLU, nn.LeakyReLU, nn.ELU, nn.Sigmoid, nn.Hardsigmoid]
    return stem(*(conv(16, 16, 1, act=layer) for layer in (*layers, nn.Softplus)), Head(16, "kept"))


NETWORKS = {
    "relu6": (lambda: mobile(nn.ReLU6, pool="avg_pool"), "nn.relu minimum"),
    "hardswish": (lambda: mobile(nn.Hardswish, Squeeze), "minimum multiply"),
    "silu": (lambda: mobile(nn.SiLU, lambda c: Squeeze(c, nn.Sigmoid), "mean"), "nn.silu sigmoid"),
    "linear_se": (lambda: mobile(nn.Mish, lambda c: Squeeze(c, nn.Sigmoid, True)), "nn.softplus"),
    "activations": (activations, "nn.gelu nn.gelu_tanh nn.leakyrelu where sigmoid nn.softplus"),
    "shuffle": (lambda: stem(Shuffle(16), Shuffle(16), Head(16)), "strided_slice concat"),
    "residual": (
        lambda: stem(nn.MaxPool2d(3, 2, 1), Residual(16, 16, 1), Residual(16, 32, 2), Head(32)),
        "nn.max_pool2d",
    ),
    "concat": (
        lambda: stem(Branches(16), Dense(36), conv(44, 8, 1, bias=True), Head(8)),
        "concat multiply nn.avg_pool2d",
    ),
    "cell": (lambda: stem(Cell(16), nn.BatchNorm2d(16), Head(16)), "nn.avg_pool2d"),
    "convnext": (
        lambda: nn.Sequential(nn.Conv2d(3, 16, 4, 4), ConvNext(16), Attention(16), Head(16)),
        "nn.gelu nn.softmax",
    ),
    "grouped": (
        lambda: stem(conv(16, 32, 3, 2, 4, bias=True), Resized(), Head(32)),
        "image.resize2d",
    ),
    "mixed": (Mixed, "nn.softmax strided_slice"),
}
SHUFFLES = {"shuffle": 2, "convnext": 4}
HAS_ONNXSCRIPT = importlib.util.find_spec("onnxscript") is not None
LEGACY_ONLY = {"hardswish", "silu", "residual", "concat"}
"""Networks on which torch's newer exporter, which takes a second, has nothing more to show."""


@pytest.mark.parametrize("name", NETWORKS)
def test_every_door_gives_one_form(name, calibrate, pictures, export_onnx, run, ops, scalars):
    make, expected = NETWORKS[name]
    shapes = [(1, 3, 32, 32)] * (2 if name == "mixed" else 1)
    module, inputs = calibrate(make(), *shapes)
    mods = [from_pytorch(module, inputs)]
    exporters = (False, True) if HAS_ONNXSCRIPT and name not in LEGACY_ONLY else (False,)
    mods += [from_onnx(export_onnx(module, inputs, dynamo=dynamo)) for dynamo in exporters]
    for mod in mods:
        relax.analysis.well_formed(mod)
        assert tvm_ffi.structural_equal(mods[0]["main"], mod["main"], skip_tensor_content=True)
        np.testing.assert_allclose(scalars(mod), scalars(mods[0]), rtol=1e-6)

    found = ops(mods[0])
    assert set(expected.split()) <= set(found)
    assert not {"nn.batch_norm", "clip", "divide", "nn.dropout", "squeeze", "split"} & set(found)
    # One transpose for each picture in or out, and for each shuffle of channels or of heads.
    pictured = 3 if name == "mixed" else 1
    assert found.count("permute_dims") == pictured + SHUFFLES.get(name, 0)

    outputs = run(mods[0], *inputs)
    with torch.no_grad():
        wanted = module(*inputs)
        other = module(*(pictures(*shape) for shape in shapes))
    if torch.is_tensor(wanted):
        wanted, other = [wanted], [other]
    for output, truth, moved in zip(outputs, wanted, other, strict=True):
        size = float(truth.abs().max())
        assert float((truth - moved).abs().max()) > 1e-3 * size, "the check is blind"
        np.testing.assert_allclose(output, truth.numpy(), atol=1e-5 * size)


@pytest.mark.parametrize(("name", "dynamo"), [("shuffle", False), ("cell", True)])
def test_symbolic_batch(name, dynamo, calibrate, export_onnx, run, ops):
    if dynamo and not HAS_ONNXSCRIPT:
        pytest.skip("torch's newer ONNX exporter needs onnxscript")
    module, (x,) = calibrate(NETWORKS[name][0](), (3, 3, 32, 32))
    dynamic = (
        {"dynamic_shapes": ({0: "batch"},)} if dynamo else {"dynamic_axes": {"x": {0: "batch"}}}
    )
    model = export_onnx(module, (x,), dynamo=dynamo, input_names=["x"], **dynamic)
    mod = from_onnx(model, shape={"x": ("n", 3, 32, 32)})
    assert str(mod["main"].params[0].ty.shape[0]) == "n"
    fixed = from_onnx(model, shape={"x": (3, 3, 32, 32)})
    assert ops(mod) == ops(fixed)
    with torch.no_grad():
        np.testing.assert_allclose(run(mod, x)[0], module(x).numpy(), atol=1e-4)
