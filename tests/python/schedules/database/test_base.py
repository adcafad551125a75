"""Records beneath the user's own: looked up, and neither counted nor changed."""

import pytest

from cosearch.schedules import ScheduleDatabase
from cosearch.schedules.store import base


@pytest.fixture
def shipped(tmp_path, make_record, monkeypatch):
    """Put a database of one record beneath all others."""
    file = tmp_path / "shipped.sqlite"
    with ScheduleDatabase(file, base=False) as database:
        database.add(make_record(4.0))
    database.close()
    monkeypatch.setattr(base, "BASE_FILE", file)
    return file


def test_shipped_records_are_found(shipped, path, signature, conditions):
    database = ScheduleDatabase(path)
    assert database.best(signature, conditions).latency_us == 4.0
    assert len(database) == 0
    assert list(database.records()) == []


def test_the_faster_record_wins(shipped, path, make_record, signature, conditions):
    database = ScheduleDatabase(path)
    database.add_many([make_record(5.0), make_record(3.0)])
    latencies = [record.latency_us for record in database.top(signature, conditions, 5)]
    assert latencies == [3.0, 4.0, 5.0]


def test_without_the_base_they_are_not_there(shipped, path, signature, conditions):
    assert ScheduleDatabase(path, base=False).best(signature, conditions) is None
    assert ScheduleDatabase.in_memory().best(signature, conditions) is None


def test_they_are_donors(shipped, path, conditions, make_record):
    record = make_record()
    knowledge = ScheduleDatabase(path).knowledge(conditions)
    from cosearch.blocks import Signature
    from cosearch.schedules.similarity import describe_workload

    point = describe_workload(record.workload.mod["main"])
    other = Signature("0" * 32, record.workload.signature.shape_agnostic)
    (found,) = knowledge.donors(other, point, 4)
    assert found[0].latency_us == 4.0


def test_they_are_never_changed(shipped, path, make_record, conditions):
    before = shipped.read_bytes()
    database = ScheduleDatabase(path)
    database.add(make_record(1.0))
    database.prune(1)
    database.close()
    assert shipped.read_bytes() == before


def test_a_damaged_base_is_left_out(shipped, path, signature, conditions):
    shipped.write_bytes(b"nothing of the kind")
    with pytest.warns(UserWarning, match="the shipped records are left out"):
        database = ScheduleDatabase(path)
    assert database.best(signature, conditions) is None


def test_the_package_has_them_and_they_are_sound():
    storage = base.base_storage()
    assert storage is not None
    assert storage.connection.read_only
    assert storage.reader.count() > 100
