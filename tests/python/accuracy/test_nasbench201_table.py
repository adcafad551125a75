"""The table says what the benchmark says of the architecture that is asked for."""

import sys
from pathlib import Path

import numpy as np
import pytest

from cosearch.accuracy import AccuracyEstimator, NASBench201Accuracy
from cosearch.accuracy.nasbench201_table import TABLE_FILE, read_table
from cosearch.spaces.nasbench201_cells import format_cell, parse_cell

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))

import make_accuracy_table

# Rows of the published CSV: CIFAR-10, CIFAR-100, ImageNet-16-120.
PUBLISHED = {
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|"
    "+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|": (85.8633, 52.9133, 26.6333),
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|"
    "+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|": (93.6600, 70.2933, 44.0333),
}
LAST = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
HEADER = "arch,cifar10_test_acc,cifar100_test_acc,imagenet16_test_acc\n"


@pytest.mark.parametrize(
    ("dataset", "column"), [("cifar10", 0), ("cifar100", 1), ("imagenet16", 2)]
)
def test_published_accuracies(dataset, column):
    estimator = NASBench201Accuracy(dataset)
    scores = estimator.score([parse_cell(text) for text in PUBLISHED])
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, [row[column] for row in PUBLISHED.values()], atol=0.0051)
    assert (estimator.name, estimator.unit) == (f"nasbench201 {dataset}", "%")
    assert estimator.cost_s == 0.0
    assert isinstance(estimator, AccuracyEstimator)


def test_dead_edges_are_part_of_what_was_trained():
    live = parse_cell("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    dead = parse_cell("|none~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|none~2|")
    live_score, dead_score = NASBench201Accuracy().score([live, dead])
    assert live_score != dead_score
    assert abs(live_score - dead_score) < 1


def test_every_architecture_has_an_accuracy():
    table = read_table()
    assert (table.shape, table.dtype) == ((15625, 3), np.uint16)
    # Each beats or equals guessing among 10, 100 and 120 classes.
    assert (table >= [999, 99, 80]).all()
    assert (table <= 10000).all()
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 1


def test_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match="'mnist': use cifar10, cifar100, imagenet16"):
        NASBench201Accuracy("mnist")
    with pytest.raises(ValueError, match="5 is no option of nasbench201"):
        NASBench201Accuracy().score([[0, 0, 0, 0, 0, 5]])


def test_no_architectures_have_no_accuracies():
    assert NASBench201Accuracy().score(np.empty((0, 6), np.int64)).shape == (0,)


@pytest.fixture(scope="module")
def lines():
    """The shipped table as lines of a CSV, backwards."""
    cells = np.indices((5,) * 6).reshape(6, -1).T
    return [
        f"{format_cell(cell)},{','.join(f'{value / 100:.4f}' for value in values)}\n"
        for cell, values in zip(cells, read_table().tolist(), strict=True)
    ][::-1]


def test_the_script_makes_the_table_that_is_shipped(lines, tmp_path):
    (tmp_path / "table.csv").write_text(HEADER + "".join(lines))
    table = make_accuracy_table.read_csv(tmp_path / "table.csv")
    assert np.array_equal(table, read_table())
    make_accuracy_table.write_table(tmp_path / "table.npz", table)
    assert (tmp_path / "table.npz").read_bytes() == TABLE_FILE.read_bytes()


@pytest.mark.parametrize(
    ("kept", "spoilt", "message"),
    [
        (15624, None, "each of the 15625 architectures once"),
        (15625, f"{next(iter(PUBLISHED))},1,1,1\n", "each of the 15625 architectures once"),
        (0, None, "needs the columns arch, cifar10_test_acc"),
        (15625, "|x~0|,1,1,1\n", "nodes; write three"),
        (15625, f"{LAST},1,101,1\n", "percentages, 0 to 100"),
    ],
)
def test_a_csv_that_is_no_such_table_is_refused(lines, tmp_path, kept, spoilt, message):
    written = lines[:kept]
    if spoilt is not None:
        written[-1] = spoilt
    (tmp_path / "table.csv").write_text(HEADER + "".join(written))
    with pytest.raises(ValueError, match=message):
        make_accuracy_table.read_csv(tmp_path / "table.csv")


def test_the_attribution_stands_beside_the_table():
    text = TABLE_FILE.with_suffix(".txt").read_text()
    assert "NATS-Bench" in text
    assert "MIT License" in text
