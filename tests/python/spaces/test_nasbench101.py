"""The space of NAS-Bench-101."""

import hashlib
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cosearch.spaces import NASBench101Space
from cosearch.spaces.nasbench101_blocks import KINDS, STACKS, vertex_channels
from cosearch.spaces.nasbench101_cells import EDGES, all_cells, edge_bits

SPACE = NASBench101Space()
CELLS = 423_624
INCEPTION = "conv1x1~0/conv3x3~0/conv3x3~0/conv3x3~3/maxpool3x3~0/output~1,2,4,5"

seeds = st.integers(0, 2**32 - 1)


def encode(matrix, operations):
    """Encode a cell as the benchmark writes it: rows of edges, and inner operations by number."""
    edges = [matrix[source][target] for source, target in EDGES]
    return np.array([*edges, *operations])


def decode(row):
    matrix = np.zeros((7, 7), int)
    for (source, target), present in zip(EDGES, row[: len(EDGES)], strict=True):
        matrix[source, target] = present
    return matrix, row[len(EDGES) :].tolist()


def published_hash(row):
    """Prune and hash as Ying et al. describe: degrees and label, then the hashes of neighbours."""
    matrix, operations = decode(row)
    reach = np.linalg.matrix_power(matrix + np.eye(7, dtype=int), 7) > 0
    kept = np.flatnonzero(reach[0] & reach[:, 6])
    matrix = matrix[np.ix_(kept, kept)]
    labels = np.array([-1, *operations, -2])[kept]
    hashes = [str(v) for v in zip(matrix.sum(1), matrix.sum(0), labels, strict=True)]
    for _ in range(len(kept)):
        around = [
            (
                sorted(hashes[v] for v in np.flatnonzero(matrix[:, vertex])),
                sorted(hashes[v] for v in np.flatnonzero(matrix[vertex])),
                own,
            )
            for vertex, own in enumerate(hashes)
        ]
        hashes = [hashlib.md5(str(seen).encode()).hexdigest() for seen in around]
    return tuple(sorted(hashes))


def encodings(count, rng):
    """Draw encodings, those that are no cells left out."""
    rows = rng.integers(0, SPACE.choices, (count, len(SPACE.choices)))
    return rows[all_cells().find(rows) >= 0]


def parameters_of_all_cells():
    fixed, cells = np.split(SPACE.counts[1], [len(SPACE.counts[1]) - len(KINDS) * CELLS])
    kinds = [kind for stack in STACKS for kind in stack]
    return fixed.sum() + cells.reshape(len(KINDS), CELLS)[kinds].sum(0)


def test_there_are_as_many_cells_as_published():
    assert len(all_cells()) == CELLS
    assert len(SPACE.catalogue) == 4 + len(KINDS) * CELLS


def test_parameters_are_between_the_published_extremes():
    parameters = parameters_of_all_cells()
    assert (parameters.min(), parameters.max()) == (227_274, 49_979_274)


@pytest.mark.parametrize(
    ("edges", "operations", "parameters"),
    [
        (["0111100", "0000001", "0000001", "0000001", "0000010", "0000001"], "01200", 2_694_282),
        (["0100110", "0010000", "0001001", "0000010", "0000010", "0000001"], "02001", 8_555_530),
        (["0101000", "0010110", "0000001", "0000100", "0000010", "0000001"], "20212", 3_468_426),
    ],
)
def test_cells_of_the_benchmark_are_canonical_and_count_as_published(edges, operations, parameters):
    """Adjacency, operations and parameters as the benchmark's file has them."""
    matrix = [[int(bit) for bit in row] for row in [*edges, "0000000"]]
    row = encode(matrix, [int(operation) for operation in operations])
    np.testing.assert_array_equal(SPACE.canonical([row])[0], row)
    assert SPACE.parameters([row])[0] == parameters


def test_the_inception_like_cell_of_the_readme():
    row = SPACE.parse(INCEPTION)
    assert SPACE.parameters([row])[0] == 2_694_282
    assert SPACE.format(row) == (
        "conv3x3~0/conv1x1~0/maxpool3x3~0/conv3x3~0/conv3x3~4/output~1,2,3,5"
    )


def test_every_canonical_cell_is_its_own():
    cells = all_cells()
    numbers = np.random.default_rng(0).choice(CELLS, 20_000, replace=False)
    rows = cells.rows(numbers)
    np.testing.assert_array_equal(cells.find(rows), numbers)
    np.testing.assert_array_equal(SPACE.canonical(rows), rows)


@settings(deadline=None)  # the first one enumerates the cells
@given(seed=seeds)
def test_numbering_vertices_anew_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    row = rng.permutation(np.concatenate([SPACE.sample(1, rng), encodings(20, rng)]))[0]
    matrix, operations = decode(row)
    (canonical,) = SPACE.canonical([row])
    renumbered = 0
    for inner in permutations(range(1, 6)):
        order = [0, *inner, 6]
        moved = matrix[np.ix_(order, order)]
        if (np.tril(moved) == 0).all():
            other = encode(moved, [operations[v - 1] for v in inner])
            np.testing.assert_array_equal(SPACE.canonical([other])[0], canonical)
            renumbered += 1
    assert renumbered >= 1


def test_equal_cells_are_those_with_equal_published_hashes():
    rng = np.random.default_rng(1)
    rows = encodings(4000, rng)
    rows = np.concatenate([rows, SPACE.sample(500, rng)])
    rows = np.concatenate([rows, SPACE.mutate(rows, rng, 0.05)])
    texts = [SPACE.format(row) for row in rows]
    hashes = [published_hash(row) for row in rows]
    assert len(set(texts)) == len(set(hashes)) == len(set(zip(texts, hashes, strict=True)))
    assert len(set(texts)) < 0.8 * len(np.unique(rows, axis=0))


def test_extraneous_vertices_have_no_effect():
    row = SPACE.parse("conv3x3~0/output~1")
    other = row.copy()
    other[EDGES.index((1, 2))] = 1  # vertex 2 leads nowhere
    other[EDGES.index((3, 6))] = 1  # nothing leads to vertex 3
    other[len(EDGES) + 3] = 2  # vertex 4 has no edge at all
    np.testing.assert_array_equal(SPACE.canonical([other])[0], row)


def test_blocks_are_stem_cells_poolings_and_head():
    space = NASBench101Space(classes=100)
    names = [block.name for block in space.blocks(space.parse("maxpool3x3~0/output~0,1"))]
    cell = "cell maxpool3x3~0/output~0,1"
    assert names == [
        "stem k3 s1 3->128 3x32x32",
        *[f"{cell} 128->128 128x32x32"] * 3,
        "downsample 128x32x32",
        f"{cell} 128->256 128x16x16",
        *[f"{cell} 256->256 256x16x16"] * 2,
        "downsample 256x16x16",
        f"{cell} 256->512 256x8x8",
        *[f"{cell} 512->512 512x8x8"] * 2,
        "head 512->100 512x8x8",
    ]


def test_names_of_blocks_are_their_own():
    numbers = np.random.default_rng(2).choice(len(SPACE.catalogue), 3000, replace=False)
    assert len({SPACE.catalogue[number].name for number in numbers.tolist()}) == 3000


@pytest.mark.parametrize(
    ("text", "outputs", "channels"),
    [
        ("conv3x3~0/conv3x3~1/output~2", 16, [16, 16]),
        ("conv3x3~0/conv3x3~0/output~1,2", 15, [8, 7]),
        ("conv3x3~0/conv3x3~0/conv3x3~0/output~1,2,3", 8, [3, 3, 2]),
        ("conv3x3~0/conv3x3~1/conv3x3~1/output~2,3", 9, [5, 5, 4]),
        ("conv3x3~0/conv3x3~1/conv3x3~0,2/output~1,3", 15, [8, 7, 7]),
        ("output~0", 16, []),
    ],
)
def test_channels_are_divided_as_published(text, outputs, channels):
    edges = SPACE.parse(text)[None, : len(EDGES)] > 0
    found = vertex_channels(edges, outputs)[0].tolist()
    assert found == channels + [0] * (5 - len(channels))


def test_channels_never_grow_along_an_edge_and_fill_the_output():
    edges = edge_bits(all_cells().wirings)
    channels = np.pad(vertex_channels(edges, 128), ((0, 0), (1, 0)), constant_values=1000)
    for edge, (source, target) in enumerate(EDGES):
        if target < 6:
            present = edges[:, edge]
            lost = channels[present, source] - channels[present, target]
            assert source == 0 or set(np.unique(lost)) <= {0, 1}
    to_output = (channels[:, 1:] * edges[:, -5:]).sum(1)
    np.testing.assert_array_equal(to_output, np.where(edges[:, -5:].any(1), 128, 0))


def test_a_cell_computes_what_the_paper_says():
    """By hand: sums into vertices, a projected input, a concatenation, the input added."""
    cell = SPACE.parse("conv3x3~0/maxpool3x3~0,1/conv1x1~1/output~0,2,3")
    torch.manual_seed(0)
    module = SPACE.blocks(cell)[5].build().eval()
    assert set(module.projections) == {"1", "2", "4"}
    x = torch.randn(2, 128, 16, 16)
    with torch.no_grad():
        one = module.operations[0](module.projections["1"](x))
        two = torch.nn.functional.max_pool2d(one + module.projections["2"](x), 3, 1, 1)
        three = module.operations[2](one)
        expected = torch.cat([two, three], 1) + module.projections["4"](x)
        torch.testing.assert_close(module(x), expected)
    assert expected.shape == (2, 256, 16, 16)
    assert module.operations[2][0].kernel_size == (1, 1)
    assert module.operations[0][0].kernel_size == (3, 3)


def test_a_vertex_takes_the_first_channels_of_wider_ones():
    cell = SPACE.parse("conv1x1~0/conv1x1~0/conv1x1~1,2/output~1,2,3")
    module = SPACE.blocks(cell)[1].build().eval()
    assert module.channels[1:] == [43, 43, 42]
    x = torch.randn(1, 128, 4, 4)
    with torch.no_grad():
        one = module.operations[0](module.projections["1"](x))
        two = module.operations[1](module.projections["2"](x))
        three = module.operations[2](one[:, :42] + two[:, :42])
        torch.testing.assert_close(module(x), torch.cat([one, two, three], 1))


def edges_of(rows):
    return rows[:, : len(EDGES)].sum(1)


def test_all_cells_are_equally_likely():
    """85 of a hundred have seven vertices, and 77 of a hundred nine edges."""
    rows = SPACE.sample(20_000, np.random.default_rng(6))
    targets = np.array(EDGES)[:, 1]
    vertices = np.stack([rows[:, : len(EDGES)][:, targets == v].any(1) for v in range(1, 6)])
    assert vertices.all(0).mean() == pytest.approx(359_082 / CELLS, abs=0.01)
    assert (edges_of(rows) == 9).mean() == pytest.approx(328_269 / CELLS, abs=0.01)
    assert len(np.unique(rows, axis=0)) > 0.97 * len(rows)


def test_what_is_drawn_is_always_a_cell():
    rng = np.random.default_rng(3)
    rows = np.concatenate([SPACE.sample(1000, rng), encodings(4000, rng)])
    for made in (SPACE.mutate(rows, rng, 1.0), SPACE.mutate(rows, rng, 0.05)):
        SPACE.validate(made)
        assert edges_of(made).max() <= 9
    SPACE.validate(SPACE.crossover(rows, rows[::-1], rng))
    assert edges_of(rows).max() == 9  # the bound is reached


def test_mutation_changes_about_one_position_at_the_usual_rate():
    rng = np.random.default_rng(4)
    rows = SPACE.sample(4000, rng)
    changed = (SPACE.mutate(rows, rng, 1 / rows.shape[1]) != rows).sum(1)
    assert 0.6 < changed.mean() < 1.1
    assert len(np.unique(changed)) > 3


def test_where_no_change_of_edges_is_possible_operations_change():
    rng = np.random.default_rng(5)
    rows = SPACE.sample(100, rng)
    mutated = SPACE.mutate(rows, rng, 1.0)  # 21 pairs less at most nine edges are too many
    np.testing.assert_array_equal(mutated[:, : len(EDGES)], rows[:, : len(EDGES)])
    assert (mutated[:, len(EDGES) :] != rows[:, len(EDGES) :]).all()


@pytest.mark.parametrize(
    ("present", "message"),
    [
        ([(0, 6)], None),
        ([], "row 1 is no cell of nasbench101: no edges lead from vertex 0 to vertex 6"),
        ([(0, 1), (1, 2), (3, 6)], "no edges lead from vertex 0 to vertex 6; add some that do"),
        (EDGES[-10:], "row 1 .*: it has 10 edges; use at most 9"),
        (EDGES[-6:-3], None),
    ],
)
def test_encodings_that_are_no_cells_are_refused(present, message):
    rows = np.stack([SPACE.parse("output~0"), np.zeros(26, int)])
    rows[1, [EDGES.index(edge) for edge in present]] = 1
    if message is None:
        SPACE.slots(rows)
        return
    for method in (SPACE.validate, SPACE.slots, SPACE.canonical):
        with pytest.raises(ValueError, match=message):
            method(rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv3x3~0", "the last vertex is 'conv3x3'; end with one such as output~1,2"),
        ("/".join(["conv3x3~0"] * 6 + ["output~1"]), "6 vertices before the output; write at most"),
        ("conv5x5~0/output~1", "vertex 1: unknown operation 'conv5x5'; use conv3x3, conv1x1, max"),
        ("conv3x3/output~1", "vertex 1: 'conv3x3' is none; write one such as conv3x3~0,1"),
        ("conv3x3~0/conv3x3~2/output~1", "vertex 2: 2 leads to it, but is not before it"),
        ("conv3x3~1/output~0", "vertex 1: 1 leads to it"),
        ("conv3x3~0/output~2", "vertex 2: 2 leads to it"),
        ("conv3x3~0/conv3x3~0,1/conv3x3~0,1,2/conv3x3~0,1/output~0,1,2,3", "12 edges; use at most"),
    ],
)
def test_wrong_text_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        SPACE.parse(text)
