"""The same database on a PostgreSQL server: COSEARCH_TEST_POSTGRES names one to use."""

import multiprocessing
import os
from dataclasses import replace

import pytest
import sqlalchemy as sa

from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.store.errors import DatabaseError
from cosearch.schedules.store.location import resolve_location
from cosearch.schedules.store.tables import metadata

SERVER = os.environ.get("COSEARCH_TEST_POSTGRES")
pytestmark = pytest.mark.skipif(
    not SERVER, reason="set COSEARCH_TEST_POSTGRES to the URL of an empty PostgreSQL database"
)


@pytest.fixture
def server():
    engine = sa.create_engine(resolve_location(SERVER).url)
    metadata.drop_all(engine)
    yield SERVER
    metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture
def database(server):
    database = ScheduleDatabase(server)
    yield database
    database.close()


def test_records_are_kept_and_found(database, server, make_record, signature, conditions):
    row = database.add(make_record(3.0))
    database.add(make_record(2.0, size=8))
    database.add(make_record(failure="timeout"))
    again = ScheduleDatabase(server)
    assert again.best(signature, conditions) == replace(make_record(3.0), id=row)
    assert again.best(signature, replace(conditions, threads=9)) is None
    assert len(again) == 2
    assert again.stats()["failed"] == 1
    assert len(again.measured_traces(signature, conditions)) == 1
    again.close()


def test_eight_processes_write_at_once(server, make_record):
    def write(number):
        database = ScheduleDatabase(server)
        for i in range(20):
            database.add(make_record(1.0 + number * 20 + i, size=(8, 16)[i % 2]))

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=write, args=(number,)) for number in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 8
    database = ScheduleDatabase(server)
    assert sorted(r.latency_us for r in database.records()) == [float(i + 1) for i in range(160)]
    assert database.stats()["workloads"] == 2
    database.close()


def test_forked_child_leaves_the_session_alone(database, make_record):
    database.add(make_record())
    child = os.fork()
    if child == 0:
        database.add(make_record())
        os._exit(0)
    os.waitpid(child, 0)
    database.add(make_record())
    assert len(database) == 3


def test_exchange_with_a_file(database, path, make_record):
    database.add_many(make_record(float(i + 1)) for i in range(10))
    local = ScheduleDatabase(path)
    assert local.merge(SERVER).added == 10
    assert database.merge(local).known == 10
    assert database.verify().ok
    assert database.prune(3) == 7
    assert len(database) == 3


def test_read_only(server, make_record):
    with pytest.raises(DatabaseError, match="is empty"):
        ScheduleDatabase(server, read_only=True)
    ScheduleDatabase(server).add(make_record())
    reader = ScheduleDatabase(server, read_only=True)
    assert len(reader) == 1
    with pytest.raises(DatabaseError, match="read-only"):
        reader.add(make_record())


def test_server_that_does_not_answer():
    url = "postgresql://nobody:secret@127.0.0.1:1/none"
    with pytest.raises(DatabaseError, match="Check the URL") as caught:
        ScheduleDatabase(url, timeout_s=1)
    assert "secret" not in str(caught.value)


def test_tables_of_another_format(database, server):
    with database._storage.connection._engine.begin() as raw:
        raw.exec_driver_sql("UPDATE meta SET value = '5' WHERE key = 'format_version'")
    with pytest.raises(DatabaseError, match="newer cosearch"):
        ScheduleDatabase(server)
