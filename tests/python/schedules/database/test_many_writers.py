"""Several processes and threads on one database; forks; kills at any moment."""

import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.store import writer

PROCESSES = 8
RECORDS = 25
fork = multiprocessing.get_context("fork")


def run_processes(target, arguments):
    processes = [fork.Process(target=target, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def latencies(database):
    return sorted(record.latency_us for record in database.records())


def test_eight_processes_write_at_once(path, make_record):
    """Each opens the database itself, so that they race for its creation too."""

    def write(number):
        database = ScheduleDatabase(path)
        for i in range(RECORDS):
            database.add(make_record(1.0 + number * RECORDS + i, size=(8, 16)[i % 2]))

    run_processes(write, [(number,) for number in range(PROCESSES)])
    database = ScheduleDatabase(path)
    assert latencies(database) == [float(i + 1) for i in range(PROCESSES * RECORDS)]
    assert database.stats()["workloads"] == 2
    assert len(database.stats()["conditions"]) == 1


def test_forked_children_use_their_own_connection(database, make_record, signature, conditions):
    database.add(make_record(1000.0))

    def write(number):
        assert database.best(signature, conditions).latency_us <= 1000.0
        for i in range(RECORDS):
            database.add(make_record(1.0 + number * RECORDS + i))

    run_processes(write, [(number,) for number in range(4)])
    database.add(make_record(1001.0))
    expected = [float(i + 1) for i in range(4 * RECORDS)]
    assert latencies(database) == [*expected, 1000.0, 1001.0]


def test_a_child_never_touches_the_connections_of_its_parent(database, make_record):
    database.add(make_record(1.0))
    connection = database._storage.connection
    of_parent = connection._engine

    def look():
        assert len(database) == 1
        assert connection._engine is not of_parent
        assert of_parent.pool.checkedin() == 1  # kept, not closed

    run_processes(look, [()])
    assert connection._engine is of_parent


def test_a_transaction_that_fails_leaves_nothing(database, make_record, monkeypatch):
    rows = iter([writer._record_row])

    def fail_at_the_second(*arguments):
        return next(rows, None)(*arguments)

    monkeypatch.setattr(writer, "_record_row", fail_at_the_second)
    with pytest.raises(TypeError):
        database.add_many([make_record(1.0), make_record(2.0)])
    monkeypatch.undo()
    assert len(database) == 0
    assert database.stats()["workloads"] == 0
    assert database.add_many([make_record(1.0), make_record(2.0)]) == 2


def test_a_child_closes_only_its_own(database, make_record):
    database.add(make_record(1.0))
    of_parent = database._storage.connection._engine

    def close():
        database.close()
        assert of_parent.pool.checkedin() == 1

    run_processes(close, [()])
    database.add(make_record(2.0))
    assert len(database) == 2


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_threads_share_a_database(path, make_record, signature, conditions, kind):
    database = ScheduleDatabase(path) if kind == "file" else ScheduleDatabase.in_memory()
    errors = []

    def work(number):
        try:
            for i in range(RECORDS):
                database.add(make_record(1.0 + number * RECORDS + i))
                assert database.best(signature, conditions) is not None
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert latencies(database) == [float(i + 1) for i in range(6 * RECORDS)]


def test_kill_loses_no_committed_record(path, make_record):
    """A writer says each row once it is committed, and is killed at a random moment."""
    committed = set()
    moments = random.Random(7)
    for attempt in range(100):
        if attempt >= 12 and len(committed) > 50:  # a busy machine takes more attempts
            break
        reader, pipe = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                database = ScheduleDatabase(path)
                for i in range(10**9):
                    row = database.add(make_record(1.0 + i))
                    os.write(pipe, f"{row}\n".encode())
            finally:
                os._exit(1)
        os.close(pipe)
        time.sleep(moments.uniform(0.005, 0.15))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reader) as rows:
            committed |= {int(row) for row in rows.read().split("\n")[:-1]}
        database = ScheduleDatabase(path)
        assert committed <= {record.id for record in database.records()}
        assert database.damaged == 0
        database.close()
    assert len(committed) > 50
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_log_is_shared_with_other_programs(path, make_record):
    """WAL, which keeps readers going while somebody writes, is what another process sees."""
    database = ScheduleDatabase(path)
    database.add(make_record())
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "print(c.execute('PRAGMA journal_mode').fetchone()[0],"
        " c.execute('SELECT count(*) FROM records').fetchone()[0])"
    )
    out = subprocess.run([sys.executable, "-c", program, path], capture_output=True, check=True)
    assert out.stdout.split() == [b"wal", b"1"]
