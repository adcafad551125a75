"""LatencyPredictor: from labels to answers, the same ones on any day, and to files and back."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
import tvm

from cosearch import ScheduleDatabase, relay
from cosearch.latency import LatencyPredictor, PredictorError
from cosearch.latency.dataset import read_dataset
from cosearch.latency.kernel_model import KernelModel
from cosearch.latency.metrics import prediction_metrics
from cosearch.latency.outlook import Foreseer
from cosearch.relay.label_network import label_network
from cosearch.schedules import Conditions, resolve_target
from tiny_space import TinySpace, import_architecture, label_as_promised

SPACE = TinySpace()
ARCHITECTURES = np.array([[0, 0], [0, 1], [1, 2], [2, 1], [2, 2], [1, 0], [3, 3]])


@pytest.fixture(scope="module")
def one_thread():
    return resolve_target("llvm -mcpu=native -num-cores=1")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory, one_thread):
    database = ScheduleDatabase(tmp_path_factory.mktemp("labels") / "labels.sqlite")
    label_as_promised(database, SPACE, ARCHITECTURES, one_thread)
    return database


@pytest.fixture(scope="module")
def predictor(labelled, one_thread):
    return LatencyPredictor.fit(labelled, one_thread)


@pytest.fixture(scope="module")
def data(labelled, one_thread):
    return read_dataset(labelled, Foreseer(labelled, Conditions.of(one_thread)))


def test_what_was_measured_is_answered_from_the_table(predictor, data):
    for composition, measured_us in zip(data.compositions, data.measured_us, strict=True):
        found = predictor.of_composition(composition)
        assert found.source == "table"
        assert found.us == pytest.approx(measured_us, rel=0.01)
        assert found.low_us <= found.us <= found.high_us


def test_a_network_that_was_left_out_is_predicted(tmp_path, one_thread):
    """Of four sizes of kernels that are computed alike, one is learnt from the others.

    What is promised of it is a third off. Few networks cannot make much more of it believed.
    """
    direct = tvm.transform.PassContext(config={"relax.cosearch.winograd": False})
    with direct, ScheduleDatabase(tmp_path / "labels.sqlite") as labelled:
        label_as_promised(labelled, SPACE, ARCHITECTURES, one_thread, factor=1.5)
        data = read_dataset(labelled, Foreseer(labelled, Conditions.of(one_thread)))
        left_out = frozenset(data.networks[-1:])
        rest = data.without(left_out)
        assert set(rest.networks) == set(data.networks[:-1])
        predictor = LatencyPredictor.fit_dataset(rest, labelled, one_thread)
        found = predictor.of_composition(data.compositions[-1])
        assert found.source in ("predicted", "extrapolated")
        assert found.us == pytest.approx(data.measured_us[-1], rel=0.2)
        metrics = predictor.evaluate(data)
        assert metrics["within_10_percent"] > 0.8
        assert metrics["kendall_tau"] > 0.9


def test_all_ways_to_ask_give_the_same_answer(predictor):
    import torch

    architecture = np.array([1, 1])
    torch.manual_seed(0)
    network = SPACE.network(architecture)
    whole = predictor.predict(network, (torch.zeros(SPACE.input_shape),))
    by_blocks = predictor.predict(architecture, space=SPACE)
    assert by_blocks.us == pytest.approx(whole.us, rel=1e-9)
    batch = predictor.predict_batch(architecture[None], SPACE)
    assert batch.dtype == np.float64
    assert batch[0] == pytest.approx(by_blocks.us, rel=1e-9)
    mod = import_architecture(SPACE, architecture)
    assert predictor.predict(mod) == whole
    assert predictor.predict_batch([mod])[0] == whole.us


def test_a_batch_asks_for_each_block_once(predictor, monkeypatch):
    everything = np.indices(SPACE.choices).reshape(2, -1).T
    expected = predictor.predict_batch(everything, SPACE)
    assert np.isfinite(expected).all()
    assert len(set(expected)) > 3
    monkeypatch.setattr(predictor, "book", None)  # would fail if it was asked
    repeated = predictor.predict_batch(np.repeat(everything, 1000, axis=0), SPACE)
    np.testing.assert_array_equal(repeated, np.repeat(expected, 1000))


def test_a_block_can_be_asked_for(predictor):
    block = SPACE.blocks(ARCHITECTURES[0])[1]
    found = predictor.predict(block)
    assert 0 < found.us < predictor.predict(ARCHITECTURES[0], space=SPACE).us


def test_an_architecture_that_is_none_is_refused(predictor):
    with pytest.raises(ValueError, match="position"):
        predictor.predict_batch(ARCHITECTURES + 100, SPACE)


def test_saved_and_loaded_it_says_the_same(predictor, labelled, data, tmp_path):
    path = predictor.save(tmp_path / "deep" / "predictor.json.gz")
    loaded = LatencyPredictor.load(path, labelled)
    for composition in data.compositions:
        assert loaded.of_composition(composition) == predictor.of_composition(composition)
    assert predictor.save(tmp_path / "again.json.gz").read_bytes() == path.read_bytes()


def test_blocks_that_were_looked_at_are_kept(labelled, one_thread, tmp_path, monkeypatch):
    made = LatencyPredictor.fit(labelled, one_thread)
    seen = []
    made.learn_space(SPACE, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(SPACE.catalogue), len(SPACE.catalogue))
    assert len(made.book) == len(SPACE.catalogue)
    rows = SPACE.sample(20, np.random.default_rng(3))
    expected, one = made.predict_batch(rows, SPACE), made.predict(rows[0], space=SPACE)
    loaded = LatencyPredictor.load(made.save(tmp_path / "predictor.json.gz"), labelled)

    def refuse(_):
        raise AssertionError("a block was imported")

    monkeypatch.setattr("cosearch.latency.block_book.import_block", refuse)
    assert np.array_equal(loaded.predict_batch(rows, SPACE), expected)
    assert loaded.predict(rows[0], space=SPACE) == one


def test_it_is_found_by_its_target(predictor, labelled, one_thread, tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path)
    with pytest.raises(PredictorError, match="cosearch latency fit"):
        LatencyPredictor.load(one_thread, labelled)
    predictor.save()
    assert LatencyPredictor.load(one_thread, labelled).conditions == predictor.conditions


def _damaged(path, **changes):
    data = json.loads(gzip.decompress(path.read_bytes())) | changes
    path.write_bytes(gzip.compress(json.dumps(data).encode()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "songs"}, "is no predictor"),
        ({"version": 99}, "another release"),
        ({"features": 0}, "another release"),
        ({"kernels": {"table_us": 3}}, "is damaged"),
        ({"network": {"scale": 1, "songs": 2}}, "is damaged"),
        ({"blocks": {"kernels": [], "blocks": {"tiny": {"stem": [[0, 1]]}}}}, "is damaged"),
        ({"target": "{"}, "is damaged"),
    ],
)
def test_files_that_are_wrong_are_refused(predictor, labelled, tmp_path, changes, message):
    path = predictor.save(tmp_path / "predictor.json.gz")
    _damaged(path, **changes)
    with pytest.raises(PredictorError, match=message):
        LatencyPredictor.load(path, labelled)


def test_another_tvm_and_another_target_are_refused(predictor, labelled, tmp_path, monkeypatch):
    path = predictor.save(tmp_path / "predictor.json.gz")
    conditions = vars(replace(predictor.conditions, tvm_version="0.1"))
    _damaged(path, conditions=conditions)
    with pytest.raises(PredictorError, match=r"made with TVM 0\.1"):
        LatencyPredictor.load(path, labelled)
    monkeypatch.setattr("cosearch.latency.predictor_file.default_path", lambda _: path)
    predictor.save(path)
    with pytest.raises(PredictorError, match="is for"):
        LatencyPredictor.load("llvm -mcpu=haswell -num-cores=1", labelled)


def test_a_file_that_is_cut_off_is_refused(predictor, labelled, tmp_path):
    path = predictor.save(tmp_path / "predictor.json.gz")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(PredictorError, match="cannot be read"):
        LatencyPredictor.load(path, labelled)


def test_too_few_networks_say_what_to_do(tmp_path, one_thread):
    with pytest.raises(PredictorError, match="cosearch measure"):
        LatencyPredictor.fit(ScheduleDatabase(tmp_path / "empty.sqlite"), one_thread)


def test_networks_without_steady_kernels_teach_nothing(labelled, one_thread):
    kernels = list(labelled.labels(Conditions.of(one_thread), "kernel"))
    spoilt = sorted({label.network for label in kernels})[:3]  # of seven networks
    labelled.add_labels([replace(k, unstable=True) for k in kernels if k.network in spoilt])
    try:
        with pytest.raises(PredictorError, match=r"7 networks were measured .* 4 of them with all"):
            LatencyPredictor.fit(labelled, one_thread)
        assert LatencyPredictor.fit(labelled, one_thread, unstable=True).kernels.table_us
    finally:
        labelled.add_labels(kernels)
    with pytest.raises(ValueError, match="no kernel was observed"):
        KernelModel.fit([])


def test_unstable_labels_are_left_out(labelled, data, one_thread):
    conditions = Conditions.of(one_thread)
    label = labelled.labels(conditions, "network")[0]
    labelled.add_labels([replace(label, unstable=True)])
    try:
        found = read_dataset(labelled, Foreseer(labelled, conditions))
        assert set(found.networks) == set(data.networks) - {label.key}
        everything = read_dataset(labelled, Foreseer(labelled, conditions), unstable=True)
        assert set(everything.networks) == set(data.networks)
    finally:
        labelled.add_labels([label])


def test_a_real_network_is_labelled(tmp_path, network, target):
    from cosearch.latency import Laboratory

    database = ScheduleDatabase(tmp_path / "real.sqlite")
    mod = relay.frontend.from_onnx(network.onnx)[0]
    laboratory = Laboratory(target, database)
    found = label_network(mod, target, database, laboratory, name="tiny", budget_s=0.2)
    conditions = Conditions.of(target)
    assert database.labels(conditions, "network") == [found.network]
    assert found.network.name == "tiny"
    kernels = database.labels(conditions, "kernel")
    assert {label.network for label in kernels} == {found.network.key}
    calls = dict(found.network.parts)
    assert {label.key for label in kernels} == set(calls)
    assert sum(label.latency_us * calls[label.key] for label in kernels) > 0
    assert all(database.workload(label.key) is not None for label in kernels)
    assert database.calibration(conditions.threads) == laboratory.calibration
    assert Laboratory(target, database).calibration == laboratory.calibration


def test_metrics():
    found = prediction_metrics([104, 218, 300], [100, 200, 300], [90, 190, 310], [110, 230, 320])
    assert found["within_10_percent"] == pytest.approx(1)
    assert found["within_5_percent"] == pytest.approx(2 / 3)
    assert found["mape"] == pytest.approx((0.04 + 0.09) / 3)
    assert found["rmspe"] == pytest.approx(((0.04**2 + 0.09**2) / 3) ** 0.5)
    assert found["kendall_tau"] == pytest.approx(1)
    assert found["interval_coverage"] == pytest.approx(2 / 3)
