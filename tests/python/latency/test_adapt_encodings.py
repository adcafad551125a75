"""Architectures are encoded by what they run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosearch.latency.adapt_encodings import (
    NASBENCH201_EDGES,
    NASBENCH201_OPERATORS,
    encode_fbnet,
    encode_nasbench201,
    fold_zeros,
    remove_dead_edges,
)

CELL = st.lists(st.sampled_from(NASBENCH201_OPERATORS), min_size=6, max_size=6)


def written(operators):
    marked = [f"{name}~{source}" for name, (_, source) in zip(operators, NASBENCH201_EDGES)]
    nodes = (marked[:1], marked[1:3], marked[3:])
    return "+".join("|" + "|".join(node) + "|" for node in nodes)


def numbers(operators):
    return np.array([[NASBENCH201_OPERATORS.index(name) for name in operators]])


def live_by_paths(operators):
    """Edges on a path from the first node to the last one, by listing all paths."""
    paths, live = [(0, ())], set()
    while paths:
        node, edges = paths.pop()
        if node == 3:
            live |= set(edges)
        for edge, (target, source) in enumerate(NASBENCH201_EDGES):
            if source == node and operators[edge] != "none":
                paths.append((target, (*edges, edge)))
    return live


def test_views_of_a_cell():
    cell = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
    encoding = encode_nasbench201([cell])
    assert len(encoding) == 1
    # skips, 1x1, 3x3, poolings, additions, nothing left
    assert encoding.features[:, 0].tolist() == [
        [1, 1, 1, 0, 1, 0],
        [1, 1, 1, 0, 1, 0],
        [1, 0, 0, 0, 0, 0],
    ]


def test_a_cell_without_a_path_runs_nothing():
    cell = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    assert encode_nasbench201([cell]).features[:, 0, -1].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("operators", "computed"),
    [
        ("none none nor_conv_3x3 none none nor_conv_3x3", []),  # all of it is constant
        ("none none nor_conv_3x3 skip_connect none nor_conv_3x3", [2, 3, 5]),  # a part of it is
        ("nor_conv_3x3 none none skip_connect none none", [0, 3]),  # times zero in its weights
        ("none none nor_conv_3x3 skip_connect none none", [2, 3]),
        ("avg_pool_3x3 none none skip_connect none none", [3]),  # which a pooling has none of
        ("nor_conv_3x3 none avg_pool_3x3 skip_connect none none", [3]),
        ("nor_conv_3x3 none nor_conv_1x1 skip_connect none none", [0, 2, 3]),
        ("nor_conv_3x3 nor_conv_3x3 none skip_connect none none", [3]),  # nor two convolutions
        ("none nor_conv_3x3 nor_conv_3x3 skip_connect none none", [3]),
        ("none nor_conv_3x3 skip_connect skip_connect none none", [1, 2, 3]),  # but one and zeros
        ("nor_conv_3x3 nor_conv_3x3 none none nor_conv_1x1 none", [0, 1, 4]),
    ],
)
def test_multiplications_by_zero_are_folded_as_compilers_do(operators, computed):
    assert np.flatnonzero(fold_zeros(numbers(operators.split()))[0]).tolist() == computed


@given(CELL)
def test_live_edges_are_those_on_paths(operators):
    kept = remove_dead_edges(numbers(operators))[0]
    assert set(np.flatnonzero(kept)) == live_by_paths(operators)


@given(CELL)
def test_canonical_cells_stay_as_they_are(operators):
    kept = remove_dead_edges(numbers(operators))
    assert np.array_equal(remove_dead_edges(kept), kept)
    canonical = [NASBENCH201_OPERATORS[number] for number in kept[0]]
    features = encode_nasbench201([written(operators), written(canonical)]).features
    assert np.array_equal(features[2, 0], features[2, 1])
    assert np.array_equal(features[0, 1], features[2, 1])
    assert np.all(features[2, 0, :4] <= features[1, 0, :4])
    assert np.all(features[1, 0, :4] <= features[0, 0, :4])


@given(CELL, st.sampled_from(NASBENCH201_OPERATORS), st.integers(0, 5))
def test_what_a_dead_edge_would_do_does_not_matter(operators, other, edge):
    changed = list(operators)
    changed[edge] = other
    if edge in live_by_paths(operators) | live_by_paths(changed):
        return
    features = encode_nasbench201([written(operators), written(changed)]).features
    assert np.array_equal(features[2, 0], features[2, 1])


@pytest.mark.parametrize(
    "cell",
    ["", "|none~0|", "|conv_9x9~0|+|none~0|none~1|+|none~0|none~1|none~2|", "1 2 3"],
)
def test_other_strings_are_refused(cell):
    with pytest.raises(ValueError, match="no cell of NAS-Bench-201"):
        encode_nasbench201([cell])


def test_fbnet_marks_each_position():
    choices = [number % 9 for number in range(22)]
    encoding = encode_fbnet([" ".join(map(str, choices)), choices])
    assert encoding.features.shape == (1, 2, 198)
    marks = encoding.features[0, 0].reshape(22, 9)
    assert marks.argmax(1).tolist() == choices
    assert marks.sum() == 22
    assert np.array_equal(encoding.features[0, 0], encoding.features[0, 1])
    operator, position = encoding.groups
    assert (operator[10], position[10]) == (1, 1)


@pytest.mark.parametrize("choices", ["", "1 2", " ".join(["9"] * 22), " ".join(["x"] * 22)])
def test_other_choices_are_refused(choices):
    with pytest.raises(ValueError, match="no architecture of FBNet"):
        encode_fbnet([choices])
