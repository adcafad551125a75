"""from_pytorch: modules and exported programs, and what it says when they cannot be taken."""

import pytest
import torch
import tvm_ffi
from torch import nn

from cosearch.frontend import FrontendError, from_pytorch
from cosearch.frontend.graph import as_dim

X = torch.randn(2, 3, 8, 8)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.conv(x))


class Branching(nn.Module):
    def forward(self, x):
        return x + 1 if x.sum() > 0 else x


class Fourier(nn.Module):
    def forward(self, x):
        return torch.fft.fft2(x).real


def says(*parts):
    return pytest.raises(FrontendError, match=r"(?s)" + ".*".join(parts))


def test_ways_to_give_the_inputs():
    module = Net().eval()
    mods = [from_pytorch(module, given) for given in (X, (X,), [X], {"x": X})]
    mods.append(from_pytorch(torch.export.export(module, (X,))))
    for mod in mods:
        assert tvm_ffi.structural_equal(mod["main"], mods[0]["main"])
        assert mod["main"].attrs["num_input"] == 1
    assert [mod.attrs["cosearch.model"] for mod in mods] == ["Net"] * 4 + [""]


def test_modes_of_the_module_are_left_as_they_were(ops):
    module = Net().train()
    module.norm.eval()
    mod = from_pytorch(module, X)
    assert (module.training, module.conv.training, module.norm.training) == (True, True, False)
    assert ops(mod) == ["permute_dims", "nn.conv2d", "add", "permute_dims"]


def test_symbolic_batch():
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(Net().eval(), (X,), dynamic_shapes=({0: batch},))
    main = from_pytorch(program)["main"]
    assert "tir_var_upper_bound" in main.attrs
    batch, *others = main.params[0].ty.shape
    assert not isinstance(as_dim(batch), int)
    assert [as_dim(extent) for extent in others] == [3, 8, 8]


def test_errors_name_the_mend():
    with says(r"needs example_inputs", r"torch\.zeros"):
        from_pytorch(Net())
    with says("must be a tensor", "not int"):
        from_pytorch(Net(), 3)
    with says(r"takes a torch\.nn\.Module", "not str"):
        from_pytorch("net.pt")
    with says("cannot export Net", r"\(1, 5, 8, 8\)", "3 channels"):
        from_pytorch(Net(), torch.zeros(1, 5, 8, 8))
    with says("cannot export Branching", "rewritten"):
        from_pytorch(Branching(), X)
    with says("_fft_", "node", "replace it"):
        from_pytorch(Fourier(), X)
    with says("training mode", r"eval\(\)"):
        from_pytorch(torch.export.export(Net().train(), (X,)))
