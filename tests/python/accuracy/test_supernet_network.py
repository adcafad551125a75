"""Subnets of the elastic MBConv supernet are the networks of the space."""

import numpy as np
import pytest
import torch

from cosearch.accuracy.supernet import MBConvSupernet, SuperNetwork
from cosearch.accuracy.supernet.evaluate import recalibrate
from cosearch.accuracy.supernet.super_network import scale_to
from cosearch.spaces import MBConvSpace
from cosearch.spaces.mbconv import Skeleton
from tiny_space import TinySpace

SKELETON = Skeleton("mbconv-tiny", (8, 12), (8, 1), 8, ((8, 2), (16, 1)), 16)


@pytest.fixture(scope="module")
def space():
    return MBConvSpace(classes=10, skeleton=SKELETON)


@pytest.fixture(scope="module")
def network(space):
    network = MBConvSupernet(space, seed=3)
    with torch.no_grad():  # as after training, when no two weights are alike
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator()))
    return network


def generator():
    return torch.Generator().manual_seed(5)


def pictures(size=8, count=16):
    return torch.randn(count, 3, size, size, generator=generator())


def test_subnets_are_the_networks_of_the_space(space, network):
    for row in space.sample(6, np.random.default_rng(0)):
        x = pictures(space.blocks(row)[0].input_shape[-1])
        subnet = network.subnet(row)
        assert not subnet.training
        assert sum(p.numel() for p in subnet.parameters()) == space.parameters([row])[0]
        torch.testing.assert_close(subnet.train()(x), network(x, row), atol=1e-5, rtol=1e-4)


def test_any_skeleton_has_a_supernet():
    space = MBConvSpace.small()
    network = MBConvSupernet(space)
    row = space.parse("32:k5e6s-k3e3/k3e4/k7e6/k3e3/k3e3s")
    x = pictures(32, 2)
    torch.testing.assert_close(network.subnet(row).train()(x), network(x, row))


def test_recalibrated_subnets_answer_in_evaluation_as_the_supernet_in_training(space, network):
    for row in space.sample(2, np.random.default_rng(1)):
        x, size = pictures(12, 200), space.blocks(row)[0].input_shape[-1]
        subnet = network.subnet(row)
        before = subnet(scale_to(x, size))
        recalibrate(subnet, [(x, torch.zeros(200))], size)
        expected = network(x, row)
        torch.testing.assert_close(subnet(scale_to(x, size)), expected, atol=0.02, rtol=0.02)
        assert (before - expected).abs().max() > 0.1


def test_statistics_are_the_mean_of_the_batches(network):
    subnet = network.subnet(network.largest)
    batches = [(pictures(12, 8) * scale, torch.zeros(8)) for scale in (1, 3)]
    recalibrate(subnet, batches[1:], 12)  # leaves no trace in what comes after
    recalibrate(subnet, batches, 12)
    seen = torch.stack([subnet[0][0](x).mean((0, 2, 3)) for x, _ in batches]).mean(0)
    torch.testing.assert_close(subnet[0][1].running_mean, seen, atol=1e-5, rtol=1e-4)
    assert subnet[0][1].momentum == 0.1
    assert not subnet.training


def test_the_largest_uses_every_weight_and_the_smallest_the_first_ones(space, network):
    network.zero_grad()
    network(pictures(12), network.largest).square().sum().backward()
    idle = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle and all(name.startswith("transforms.") for name in idle)

    network.zero_grad()
    network(pictures(), network.smallest).square().sum().backward()
    first, second = network.blocks[2].layers, network.blocks[3].layers
    assert second[0].weight.grad is None or not second[0].weight.grad.any()
    hidden = 8 * 3
    for gradient in (first[0].weight.grad, first[3].weight.grad, first[1].bias.grad):
        assert gradient[:hidden].any()
        assert not gradient[hidden:].any()
    assert first[7].weight.grad[:, :hidden].any()
    assert not first[7].weight.grad[:, hidden:].any()
    assert all(matrix.grad.any() for matrix in network.transforms[0])
    network.zero_grad()


def test_smaller_kernels_are_transformed_centres_of_larger_ones(space, network):
    largest = network.blocks[2].layers[3].weight.detach()
    to_five, to_three = (matrix.detach() for matrix in network.transforms[0])
    five = (largest[:, 0, 1:6, 1:6].reshape(-1, 25) @ to_five).reshape(-1, 5, 5)
    three = (five[:, 1:4, 1:4].reshape(-1, 9) @ to_three).reshape(-1, 3, 3)
    expected = {0: three, 1: five, 2: largest[:, 0]}
    for kernel, filters in expected.items():
        row = network.largest
        row[2] = kernel
        found = network.subnet(row)[2].layers[3].weight.detach()
        torch.testing.assert_close(found[:, 0], filters)


def test_untrained_kernels_are_plain_centres(space):
    fresh = MBConvSupernet(space)
    found = fresh.subnet(fresh.smallest)[2].layers[3].weight
    expected = fresh.blocks[2].layers[3].weight[: 8 * 3, :, 2:5, 2:5]
    torch.testing.assert_close(found, expected)


def test_pictures_are_scaled_to_the_architecture(space, network):
    small, x = network.smallest, pictures(12)
    assert space.blocks(small)[0].input_shape[-1] == 8
    torch.testing.assert_close(network(x, small), network(scale_to(x, 8), small))


def test_a_subnet_is_a_copy(space, network):
    row = network.smallest
    before = network(pictures(), row)
    with torch.no_grad():
        for parameter in network.subnet(row).parameters():
            parameter.zero_()
    torch.testing.assert_close(network(pictures(), row), before)


def test_the_seed_decides_the_weights_and_no_other_random_state_moves(space):
    state = torch.random.get_rng_state()
    one, same, other = (MBConvSupernet(space, seed) for seed in (1, 1, 2))
    one.subnet(one.largest)
    assert torch.equal(torch.random.get_rng_state(), state)
    weights = [network.blocks[0][0].weight for network in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_supernet_keeps_no_statistics(network):
    x, before = pictures(), {n: t.clone() for n, t in network.state_dict().items()}
    assert set(before) == {name for name, _ in network.named_parameters()}
    first = network(x, network.largest)
    network(3 * x + 1, network.smallest)
    torch.testing.assert_close(network.eval()(x, network.largest), first)


def test_what_is_no_architecture_is_refused(network):
    row = network.largest
    row[3] = 9
    for call in (network.subnet, network.weights, lambda r: network(pictures(), r)):
        with pytest.raises(ValueError, match="position 3: 9 is no option"):
            call(row)


class TinySupernet(SuperNetwork):
    """Every block of the catalogue has weights of its own."""

    def __init__(self, space):
        super().__init__(space)
        self.blocks = torch.nn.ModuleList(block.build() for block in space.catalogue)

    largest = property(lambda self: np.array([3, 3]))
    smallest = property(lambda self: np.array([0, 0]))

    def weights(self, architecture):
        places = self.space.slots([architecture])[0]
        return [dict(self.blocks[place].named_parameters()) for place in places]


def test_a_supernet_of_a_users_space_only_says_where_weights_are():
    network = TinySupernet(TinySpace())
    x = pictures(32, 2)
    for row in ([0, 3], [2, 1]):
        torch.testing.assert_close(network.subnet(row)(x), network(x, row))
