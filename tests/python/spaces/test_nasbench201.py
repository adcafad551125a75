"""The space of NAS-Bench-201."""

import itertools

import numpy as np
import pytest
import torch

from cosearch.spaces import NASBench201Space
from cosearch.spaces.nasbench201_cells import EDGES, OPERATIONS

BEST = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    "|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)
NONE, SKIP, CONV1, CONV3, POOL = range(5)


def every_cell():
    return np.array(list(itertools.product(range(5), repeat=6)))


def test_published_strings_read_and_write():
    space = NASBench201Space()
    row = space.parse(BEST)
    assert row.tolist() == [CONV3, CONV3, CONV3, SKIP, CONV3, CONV3]
    assert space.format(row) == BEST


def test_every_architecture_has_a_string_of_its_own():
    space = NASBench201Space()
    cells = every_cell()
    assert len({space.format(cell) for cell in cells}) == len(cells) == 15_625


def test_counts_are_the_published_ones():
    """The extremes of the benchmark: 7.78 to 220.12 M multiply-adds, 0.073 to 1.531 M weights."""
    space = NASBench201Space()
    cells = every_cell()
    multiply_adds, parameters = space.multiply_adds(cells), space.parameters(cells)
    assert (multiply_adds.min(), multiply_adds.max()) == (7_783_040, 220_119_680)
    assert (parameters.min(), parameters.max()) == (73_306, 1_531_546)


def test_blocks_are_stem_cells_reductions_and_head():
    space = NASBench201Space(classes=100)
    kinds = [block.name.split()[0] for block in space.blocks(space.parse(BEST))]
    cells = ["cell"] * 5
    assert kinds == ["stem", *cells, "reduction", *cells, "reduction", *cells, "head"]
    assert space.blocks(space.parse(BEST))[-1].name.startswith("head 64->100 ")


def test_the_catalogue_is_a_sequence_of_canonical_cells():
    space = NASBench201Space()
    catalogue = space.catalogue
    cells = every_cell()
    assert len(catalogue) == 4 + 3 * len(np.unique(space.canonical(cells), axis=0))
    np.testing.assert_array_equal(np.unique(space.slots(cells)), range(len(catalogue)))
    assert catalogue[-1] == catalogue[len(catalogue) - 1]
    assert catalogue[3:6] == (catalogue[3], catalogue[4], catalogue[5])
    with pytest.raises(IndexError):
        catalogue[len(catalogue)]


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        # node 1 leads nowhere
        ([CONV3, SKIP, NONE, POOL, NONE, CONV1], [NONE, SKIP, NONE, POOL, NONE, CONV1]),
        # nothing enters node 1: its skip and its pooling are zero
        ([NONE, CONV3, SKIP, NONE, POOL, SKIP], [NONE, CONV3, NONE, NONE, NONE, SKIP]),
        # ... but the batch-norm of a convolution of zero is a constant
        ([NONE, CONV3, CONV1, NONE, NONE, SKIP], [NONE, CONV3, CONV1, NONE, NONE, SKIP]),
        # zero through two nodes, and nothing is left
        ([NONE, NONE, SKIP, NONE, POOL, SKIP], [NONE] * 6),
        # node 2 leads nowhere, and so node 1 does
        ([CONV3, CONV3, CONV3, SKIP, NONE, NONE], [NONE, NONE, NONE, SKIP, NONE, NONE]),
    ],
)
def test_dead_edges(cell, kept):
    assert NASBench201Space().canonical([cell])[0].tolist() == kept


def cell_module(cell, channels=2):
    from cosearch.spaces.nasbench201_modules import Cell

    named = zip(EDGES, cell, strict=True)
    return Cell([(*edge, OPERATIONS[op]) for edge, op in named if op != NONE], channels).eval()


def test_a_cell_computes_what_its_canonical_cell_does_and_no_edge_less():
    space = NASBench201Space()
    rng = np.random.default_rng(0)
    cells = np.where(rng.random((60, 6)) < 0.4, NONE, space.sample(60, rng))
    assert (space.canonical(cells) != cells).any(1).sum() > 10
    torch.manual_seed(0)
    x = torch.randn(1, 2, 5, 5)
    for cell, kept in zip(cells, space.canonical(cells), strict=True):
        whole = cell_module(cell)
        with torch.no_grad():
            for layer in whole.modules():
                if isinstance(layer, torch.nn.BatchNorm2d):  # as after training
                    layer.bias.uniform_(0.5, 1.0)
            expected = whole(x)
            for edge in [None, *np.flatnonzero(kept)]:
                fewer = kept.copy()
                fewer[edge if edge is not None else []] = NONE
                module = cell_module(fewer)
                module.load_state_dict(whole.state_dict(), strict=False)
                assert torch.allclose(module(x), expected) == (edge is None)


def test_equal_canonical_cells_are_one_network():
    space = NASBench201Space()
    one = [CONV3, SKIP, NONE, POOL, NONE, CONV1]
    other = [POOL, SKIP, NONE, POOL, NONE, CONV1]
    outputs = []
    for cell in (one, other):
        torch.manual_seed(0)
        network = space.network(cell)
        torch.manual_seed(1)
        with torch.no_grad():
            outputs.append(network(torch.randn(1, 3, 32, 32)))
    assert torch.equal(*outputs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("|none~0|", "1 nodes; write three"),
        (BEST.replace("|nor_conv_3x3~0|+", "nor_conv_3x3~0+", 1), "node 1: .* needs 1 edges"),
        (BEST.replace("|nor_conv_3x3~1|+", "|+"), "node 2: .* needs 2 edges between bars"),
        (BEST.replace("nor_conv_3x3~2", "nor_conv_3x3~1"), "node 3: .* is not an operation and ~2"),
        (BEST.replace("skip_connect", "max_pool"), "unknown operation 'max_pool'; use none, skip"),
    ],
)
def test_wrong_text_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        NASBench201Space().parse(text)
