"""Labels and calibrations stay as they were given, one for each thing and way of measuring it."""

from dataclasses import replace

import pytest

from cosearch import ScheduleDatabase
from cosearch.schedules import Conditions
from cosearch.schedules.label import Label
from cosearch.schedules.store import labels as store
from cosearch.timing import Calibration

CONDITIONS = Conditions("{}", "avx2", 2, "0.27")
KERNEL = Label(5.0, 4.9, 5.2, False, True, CONDITIONS, "kernel", "a" * 32, "conv2d", "network")
NETWORK = replace(KERNEL, level="network", key="b", parts=(("a" * 32, 3),), unstable=True)


@pytest.fixture
def database(tmp_path):
    return ScheduleDatabase(tmp_path / "labels.sqlite", base=False)


def test_labels_come_back(database, tmp_path):
    database.add_labels([KERNEL, NETWORK])
    database.close()
    database = ScheduleDatabase(tmp_path / "labels.sqlite", base=False)
    assert database.labels(CONDITIONS, "kernel") == [KERNEL]
    assert database.labels(CONDITIONS, "network") == [NETWORK]
    assert database.labels(CONDITIONS, "block") == []
    assert database.labels(replace(CONDITIONS, threads=1), "kernel") == []


def test_a_newer_label_takes_the_place_of_an_older_one(database):
    alone = replace(KERNEL, context="alone", latency_us=4.0)
    newer = replace(KERNEL, latency_us=4.5, unstable=True)
    database.add_labels([KERNEL, alone])
    database.add_labels([newer])
    assert set(database.labels(CONDITIONS, "kernel")) == {alone, newer}


def test_labels_of_another_protocol_are_left_out(database, monkeypatch):
    database.add_labels([KERNEL])
    monkeypatch.setattr(store, "PROTOCOL_VERSION", store.PROTOCOL_VERSION + 1)
    assert database.labels(CONDITIONS, "kernel") == []


def test_calibrations_are_of_a_machine_and_a_number_of_threads(database, monkeypatch):
    assert database.calibration(1) is None
    found = Calibration(30.0, 50.0, 12.0, exclusive=True)
    database.keep_calibration(1, replace(found, compute_us=40.0))
    database.keep_calibration(1, found)
    assert database.calibration(1) == found
    assert database.calibration(2) is None
    monkeypatch.setattr(store, "machine_name", lambda: "another CPU")
    assert database.calibration(1) is None


def test_an_unstable_label_says_what_to_do():
    assert str(KERNEL) == "5 µs (4.9 to 5.2)"
    assert "stop other work" in str(NETWORK)
    assert str(NETWORK).startswith("at most")
