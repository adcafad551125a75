"""The service says over HTTP what the predictor says, and refuses what it cannot read."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from cosearch import LatencyPredictor, ScheduleDatabase
from cosearch.schedules import resolve_target
from cosearch.service import make_app
from tiny_space import TinySpace, label_as_promised

SPACE = TinySpace()


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    target = resolve_target("llvm -mcpu=native -num-cores=1")
    database = ScheduleDatabase(tmp_path_factory.mktemp("labels") / "labels.sqlite")
    architectures = np.array([[0, 0], [0, 1], [1, 2], [2, 1], [2, 2]])
    label_as_promised(database, SPACE, architectures, target)
    return LatencyPredictor.fit(database, target)


@pytest.fixture(scope="module")
def client(predictor):
    with TestClient(make_app(predictor, {"tiny": SPACE}, max_body_bytes=2000)) as client:
        yield client


def test_one_architecture_as_text_and_as_encoding(client, predictor):
    expected = predictor.predict(np.array([1, 0]), space=SPACE)
    for architecture in ("3-1", [1, 0]):
        for _ in range(2):  # the second time it is remembered
            body = {"space": "tiny", "architecture": architecture}
            answer = client.post("/v1/predict", json=body)
            assert answer.status_code == 200
            assert answer.json() == vars(expected)


def test_a_batch(client, predictor):
    rows = [[0, 0], [2, 1], [0, 0]]
    body = {"space": "tiny", "architectures": rows}
    answer = client.post("/v1/predict_batch", json=body)
    assert answer.json()["latency_us"] == predictor.predict_batch(np.array(rows), SPACE).tolist()
    body["architectures"] = ["1-1", "5-3", "1-1"]
    assert client.post("/v1/predict_batch", json=body).json() == answer.json()
    body["architectures"] = []
    assert client.post("/v1/predict_batch", json=body).json() == {"latency_us": []}


def test_what_is_served(client, predictor):
    assert client.get("/v1/health").json() == {
        "target": predictor.conditions.target,
        "threads": 1,
        "spaces": ["tiny"],
    }
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/predict", "/v1/predict_batch", "/v1/health"} <= set(paths)


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("predict", {"space": "songs", "architecture": "1-1"}, 404, "only tiny"),
        ("predict", {"space": "tiny", "architecture": "9-9"}, 422, "9-9: kernels"),
        ("predict", {"space": "tiny", "architecture": [0, 7]}, 422, "position"),
        ("predict", {"space": "tiny", "architecture": [0]}, 422, "not [1, 1]"),
        ("predict", {"space": "tiny", "architecture": [0, 10**30]}, 422, ""),
        ("predict", {"space": "tiny"}, 422, "architecture"),
        ("predict_batch", {"space": "tiny", "architectures": [[0, 0], [0]]}, 422, ""),
        ("predict_batch", {"space": "tiny", "architectures": [[0, 0]] * 900}, 413, "2000 bytes"),
    ],
)
def test_what_cannot_be_answered_is_said(client, path, body, status, message):
    answer = client.post(f"/v1/{path}", json=body)
    assert answer.status_code == status
    assert message in answer.text


def test_a_body_without_a_length_is_refused(client):
    answer = client.post("/v1/predict", content=iter([b"{", b"}"]))
    assert answer.status_code == 411
