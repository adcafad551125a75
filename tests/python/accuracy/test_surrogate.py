"""A surrogate ranks what it never saw, and its file is trusted only when it fits."""

import json
import zipfile

import numpy as np
import pytest
from scipy.stats import spearmanr

from cosearch.accuracy import AccuracyEstimator, AccuracySurrogate, NASBench201Accuracy
from cosearch.spaces import MBConvSpace, NASBench201Space

SPACE = NASBench201Space()


def draw(count, seed):
    return SPACE.sample(count, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def surrogate():
    known = draw(200, 0)
    return AccuracySurrogate.fit(SPACE, known, NASBench201Accuracy().score(known), seed=3)


def test_unseen_architectures_are_ranked(surrogate):
    rows = draw(1000, 1)
    truth = NASBench201Accuracy().score(rows)
    figures = surrogate.evaluate(rows, truth)
    assert figures["spearman"] > 0.85
    assert 0.65 < figures["kendall_tau"] < figures["spearman"]
    assert figures["mae"] == pytest.approx(np.abs(surrogate.score(rows) - truth).mean())
    assert figures["mae"] < 4
    assert isinstance(surrogate, AccuracyEstimator)
    assert surrogate.cost_s > 0


def test_any_space_will_do():
    space = MBConvSpace.small()
    rows = space.sample(300, np.random.default_rng(0))
    truth = np.log(space.multiply_adds(rows))
    surrogate = AccuracySurrogate.fit(space, rows[:60], truth[:60], unit="")
    assert surrogate.evaluate(rows[60:], truth[60:])["spearman"] > 0.5
    assert (surrogate.name, surrogate.unit) == ("surrogate mbconv-small", "")


def test_encodings_of_one_architecture_score_alike(surrogate):
    rows = draw(300, 2)
    canonical = SPACE.canonical(rows)
    assert (rows != canonical).any()
    np.testing.assert_array_equal(surrogate.score(rows), surrogate.score(canonical))


def test_order_and_company_change_nothing(surrogate):
    rows = draw(40, 3)
    scores = surrogate.score(rows)
    np.testing.assert_allclose(surrogate.score(rows[::-1])[::-1], scores, rtol=1e-12)
    alone = [surrogate.score(row[None])[0] for row in rows]
    np.testing.assert_allclose(alone, scores, rtol=1e-12)
    assert surrogate.score(rows[:0]).shape == (0,)


def test_a_fit_is_a_function_of_its_seed_and_draws_from_nobody_else():
    rows = draw(20, 4)
    truth = NASBench201Accuracy().score(rows)
    np.random.seed(1)  # noqa: NPY002 # the global one is what must not be touched
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (
        AccuracySurrogate.fit(SPACE, rows, truth, seed).score(rows) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_better_than_all_known_is_no_tie():
    # One member that is linear: each convolution of 3×3 on a canonical cell adds 1.
    weights = np.tile([0.0, 0.0, 0.0, 1.0, 0.0], 6)[None, :, None]
    knots = np.array([[0.0, 1.0, 2.0], [50.0, 70.0, 80.0]])
    surrogate = AccuracySurrogate(SPACE, [(weights, np.full((1, 1), -1.0))], knots)
    rows = [[3] * count + [1] * (6 - count) for count in range(7)]
    expected = [30.0, 50.0, 70.0, 80.0, 90.0, 100.0, 110.0]
    np.testing.assert_allclose(surrogate.score(rows), expected)


@pytest.mark.parametrize(
    ("rows", "accuracies", "message"),
    [
        (draw(20, 0), np.ones(19), r"20 architectures need \[20\] accuracies, not \[19\]"),
        (draw(20, 0), np.ones((20, 1)), r"not \[20, 1\]"),
        (draw(20, 0), np.ones(20), "all accuracies are 1"),
        (draw(20, 0), np.r_[np.arange(19.0), np.nan], "accuracy 19 is no finite number"),
        (draw(9, 0), np.arange(9.0), "9 architectures are too few to learn from: give 10"),
        (np.full((20, 6), 5), np.arange(20.0), "5 is no option of nasbench201"),
    ],
)
def test_what_cannot_be_learnt_is_refused(rows, accuracies, message):
    with pytest.raises(ValueError, match=message):
        AccuracySurrogate.fit(SPACE, rows, accuracies)


def test_what_cannot_be_compared_is_refused(surrogate):
    with pytest.raises(ValueError, match=r"2 architectures and accuracies \[3\]"):
        surrogate.evaluate(draw(2, 0), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="of two or more"):
        surrogate.evaluate(draw(1, 0), [1.0])


def test_a_file_gives_the_same_surrogate(surrogate, tmp_path):
    rows = draw(50, 7)
    surrogate.save(tmp_path / "deep" / "surrogate.npz")
    loaded = AccuracySurrogate.load(tmp_path / "deep" / "surrogate.npz", SPACE)
    np.testing.assert_array_equal(loaded.score(rows), surrogate.score(rows))
    np.testing.assert_array_equal(loaded.spread(rows), surrogate.spread(rows))
    assert (loaded.name, loaded.unit) == (surrogate.name, surrogate.unit)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["surrogate.npz"]


def test_a_file_of_another_space_is_refused(surrogate, tmp_path):
    surrogate.save(tmp_path / "s.npz")
    with pytest.raises(ValueError, match="for 'nasbench201', not for 'mbconv-small' with 66"):
        AccuracySurrogate.load(tmp_path / "s.npz", MBConvSpace.small())


def rewrite(path, change):
    """Change the arrays of a file."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)


def newer(arrays):
    manifest = json.loads(str(arrays["manifest"])) | {"version": 99}
    arrays["manifest"] = np.array(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.update(manifest=np.array("[]")), "no accuracy surrogate"),
        (lambda a: a.update(manifest=np.array("{}")), "no accuracy surrogate"),
        (lambda a: a.pop("manifest"), "no accuracy surrogate"),
        (newer, "of this release: fit it again"),
        (lambda a: a.pop("knots"), "has no 'knots'"),
        (lambda a: a.pop("biases1"), "has no 'biases1'"),
        (lambda a: (a.pop("weights2"), a.pop("biases2")), "do not fit together"),
        (lambda a: a.update(weights0=a["weights0"][:, :-1]), "do not fit together"),
        (lambda a: a.update(weights1=a["weights1"][:1]), "do not fit together"),
        (lambda a: a.update(weights2=a["weights2"] * np.nan), "do not fit together"),
        (lambda a: a.update(knots=a["knots"][:, ::-1]), "do not fit together"),
        (lambda a: a.update(knots=a["knots"].astype("U9")), "do not fit together"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(surrogate, tmp_path, change, message):
    path = tmp_path / "s.npz"
    surrogate.save(path)
    rewrite(path, change)
    with pytest.raises(ValueError, match=message):
        AccuracySurrogate.load(path, SPACE)


def test_a_damaged_file_is_refused(surrogate, tmp_path):
    path = tmp_path / "s.npz"
    surrogate.save(path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
    for damaged in (b"", b"text", whole[:middle], flipped):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="no accuracy surrogate, or damaged"):
            AccuracySurrogate.load(path, SPACE)
    with pytest.raises(FileNotFoundError):
        AccuracySurrogate.load(tmp_path / "none.npz", SPACE)


def test_nothing_is_unpickled(surrogate, tmp_path):
    path = tmp_path / "s.npz"
    surrogate.save(path)
    np.save(tmp_path / "knots.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with zipfile.ZipFile(path, "a") as file:
        file.write(tmp_path / "knots.npy", "weights9.npy")
    with pytest.raises(ValueError, match="no accuracy surrogate, or damaged"):
        AccuracySurrogate.load(path, SPACE)


def spread_out(rows):
    return rows @ np.arange(1.0, 7.0)


def test_scores_follow_scores_of_any_scale():
    rows = draw(60, 9)
    truth = spread_out(SPACE.canonical(rows))
    small, large = (
        AccuracySurrogate.fit(SPACE, rows, truth * scale - 5 * scale).score(rows)
        for scale in (1e-3, 1e3)
    )
    np.testing.assert_allclose(small * 1e6, large, rtol=1e-6, atol=1e-3)
    assert spearmanr(small, truth).statistic > 0.9
