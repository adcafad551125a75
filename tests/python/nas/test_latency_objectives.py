"""Latency as an objective and as a bound, and the networks that come of it."""

import numpy as np
import pytest

import cosearch
from cosearch.latency.outlook import SOURCES
from cosearch.nas import Objective, Result
from tiny_space import TinySpace

SPACE = TinySpace()
EVERYTHING = np.indices(SPACE.choices).reshape(2, -1).T
WORTH = Objective("worth", lambda rows: rows.sum(axis=1), higher_is_better=True)


def test_intervals_of_a_batch_are_those_of_one(tiny_predictor):
    us, low, high = tiny_predictor.interval_batch(EVERYTHING, SPACE)
    one_by_one = [tiny_predictor.predict(row, space=SPACE) for row in EVERYTHING]
    assert len({found.source for found in one_by_one}) > 1
    np.testing.assert_allclose(us, [found.us for found in one_by_one], rtol=1e-12)
    np.testing.assert_allclose(low, [found.low_us for found in one_by_one], rtol=1e-12)
    np.testing.assert_allclose(high, [found.high_us for found in one_by_one], rtol=1e-12)
    assert len(set(np.round(high / us, 9))) > 1


def test_intervals_ask_for_each_block_once(tiny_predictor, monkeypatch):
    space = TinySpace()
    space.name = "tiny of another name"
    expected = tiny_predictor.interval_batch(EVERYTHING, space)
    monkeypatch.setitem(vars(space), "catalogue", None)  # would fail if it was asked for a block
    np.testing.assert_array_equal(tiny_predictor.interval_batch(EVERYTHING, space), expected)


def test_sources_count_the_kernels(tiny_predictor):
    counts = tiny_predictor.sources(EVERYTHING[5], SPACE)
    assert tuple(counts) == SOURCES
    assert counts["rules"] > 0
    assert counts["exact"] == 0
    # The second body of kernel 3 is the same workload as the first: 1-1 has one kernel fewer.
    other = tiny_predictor.sources(EVERYTHING[6], SPACE)
    assert sum(other.values()) == sum(counts.values()) + 1


def test_the_front_of_latency_is_the_whole_truth(tiny_predictor):
    result = cosearch.search(
        SPACE, ["latency_us", WORTH], budget=16, predictor=tiny_predictor, seed=3
    )
    np.testing.assert_array_equal(
        result.evaluated.values[:, 0],
        tiny_predictor.predict_batch(result.evaluated.rows, SPACE),
    )
    assert len(result.evaluated.rows) == 16
    us = tiny_predictor.predict_batch(EVERYTHING, SPACE)
    for row in result.front:
        better = (us < row["latency_us"]) & (EVERYTHING.sum(axis=1) >= row["worth"])
        assert not better.any()


def test_the_upper_bound_is_a_constraint(tiny_predictor):
    _, _, high = tiny_predictor.interval_batch(EVERYTHING, SPACE)
    bound = float(np.sort(high)[7])
    result = cosearch.search(
        SPACE, [WORTH], {"latency_high_us": bound}, budget=16, predictor=tiny_predictor
    )
    assert result.evaluated.feasible.sum() == 8
    best = max(EVERYTHING[high <= bound].sum(axis=1))
    assert result.front[0]["worth"] == best
    assert result.front[0]["latency_high_us"] <= bound


def test_a_predictor_is_loaded_only_where_it_is_needed(monkeypatch, tiny_predictor):
    loaded = []

    def load(target, database):
        loaded.append((target, database))
        return tiny_predictor

    monkeypatch.setattr("cosearch.nas.run.LatencyPredictor.load", load)
    cosearch.search(SPACE, [WORTH], budget=5)
    assert not loaded
    cosearch.search(SPACE, [WORTH], {"latency_us": 1e9}, budget=5, target="llvm")
    assert loaded == [("llvm", None)]


def test_the_front_is_built_and_measured(tiny_predictor, tiny_database, tmp_path):
    import torch

    result = cosearch.search(
        SPACE,
        ["latency_us", WORTH],
        budget=16,
        predictor=tiny_predictor,
        database=tiny_database,
    )
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    library = result.build(0, seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert library.metadata.threads == 1
    assert library.reuse.database == tiny_database.url
    counts = result.front[0]["schedules"]
    built = {source: library.reuse.count(source) for source in SOURCES}
    assert built == counts
    measured = result.measure(0, budget_s=0.1)
    row = SPACE.parse(result.front[0]["architecture"])
    assert measured.predicted == tiny_predictor.predict(row, space=SPACE)
    assert measured.label.latency_us > 0
    result.save(tmp_path / "result.json")
    loaded = Result.load(tmp_path / "result.json", SPACE, target=tiny_predictor.target)
    assert loaded.measure(-1, budget_s=0.1).predicted is None


def test_a_network_of_ones_own_is_built(tiny_predictor, tiny_database):
    import torch

    from cosearch import relay

    result = cosearch.search(
        SPACE, [WORTH], budget=16, database=tiny_database, target=tiny_predictor.target
    )
    torch.manual_seed(3)
    network = SPACE.network(result.evaluated.rows[result.front_places[0]])
    picture = torch.rand(SPACE.input_shape)
    module = relay.GraphModule(result.build(0, network=network))
    module.set_input(0, picture.numpy())
    module.run()
    with torch.no_grad():
        expected = network(picture).numpy()
    np.testing.assert_allclose(module.get_output(0).numpy(), expected, atol=1e-4)


def test_the_database_is_that_of_the_with(tiny_database):
    with tiny_database:
        assert cosearch.search(SPACE, [WORTH], budget=5).database is tiny_database
    assert cosearch.search(SPACE, [WORTH], budget=5).database is None


def test_what_a_search_needs_is_said(tiny_predictor, monkeypatch, tmp_path):
    from cosearch.latency import PredictorError

    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path)
    with pytest.raises(PredictorError, match="cosearch latency fit"):
        cosearch.search(SPACE, ["latency_us"], budget=5)
