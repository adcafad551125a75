"""The torch networks of every space."""

import pickle

import numpy as np
import torch
from torch import nn


def architectures(space, count):
    rows = space.sample(count, np.random.default_rng(11))
    if space.name.startswith("mbconv"):
        rows[:, 0] = 0  # the smallest pictures
    return rows


def counted(network, picture):
    """Count multiply-adds of convolutions and linear layers as they run."""
    total = []

    def note(layer, _, output):
        if isinstance(layer, nn.Conv2d):
            per_pixel = layer.weight[0].numel()
        else:
            per_pixel = layer.in_features
        total.append(output.numel() * per_pixel)

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(note)
    network(picture)
    return sum(total)


def test_network_is_the_composition_of_its_blocks(space):
    for row in architectures(space, 2):
        torch.manual_seed(0)
        network = space.network(row)
        assert not network.training
        torch.manual_seed(0)
        blocks = space.blocks(row)
        modules = [block.build().eval() for block in blocks]
        x = torch.randn(2, *blocks[0].input_shape[1:])
        with torch.no_grad():
            whole, y = network(x), x
            for block, module in zip(blocks, modules, strict=True):
                assert tuple(y.shape[1:]) == block.input_shape[1:]
                y = module(y)
        assert whole.shape == (2, space.classes)
        assert torch.equal(whole, y)


def test_counts_are_those_of_the_torch_network(space):
    rows = architectures(space, 8)
    # On the meta device shapes flow and nothing is computed.
    with torch.device("meta"):
        for row, multiply_adds, parameters in zip(
            rows, space.multiply_adds(rows), space.parameters(rows), strict=True
        ):
            network = space.network(row)
            assert sum(p.numel() for p in network.parameters()) == parameters
            picture = torch.empty(space.blocks(row)[0].input_shape)
            assert counted(network, picture) == multiply_adds


def test_blocks_of_the_catalogue_count_what_they_run(space):
    rng = np.random.default_rng(12)
    with torch.device("meta"):
        for place in rng.choice(len(space.catalogue), 60, replace=False).tolist():
            block = space.catalogue[place]
            module = block.build().eval()
            assert sum(p.numel() for p in module.parameters()) == block.parameters, block
            picture = torch.empty(block.input_shape)
            assert counted(module, picture) == block.multiply_adds, block


def test_weights_come_from_torchs_generator(space):
    (row,) = architectures(space, 1)
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append([p.detach() for p in space.network(row).parameters()])
    assert all(map(torch.equal, states[0], states[1]))
    assert not all(map(torch.equal, states[0], states[2]))


def test_blocks_travel_to_workers(space):
    block = space.blocks(architectures(space, 1)[0])[1]
    copy = pickle.loads(pickle.dumps(block))
    assert copy == block
    torch.manual_seed(0)
    one = block.build().state_dict()
    torch.manual_seed(0)
    other = copy.build().state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)
