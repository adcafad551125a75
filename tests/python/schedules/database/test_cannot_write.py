"""Databases that cannot be written: read-only, locked, on a full disk. Nothing is lost."""

import os
import resource
import shutil
import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest

from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.store.errors import DatabaseError


def in_child(action):
    """Run an action in a forked child and return the text of what it returns or raises."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = str(action())
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as result:
        text = result.read()
    os.waitpid(child, 0)
    return text


@pytest.fixture
def public_path():
    """A place that another user reaches too."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder / "schedules.sqlite"
    folder.chmod(0o777)
    shutil.rmtree(folder)


def as_nobody(action):
    """Run an action in a child that file permissions bind; root passes over them."""

    def run():
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        return action()

    return in_child(run)


def test_read_only_is_read_only(path, make_record, signature, conditions):
    ScheduleDatabase(path).add(make_record(5.0))
    database = ScheduleDatabase(path, read_only=True)
    assert database.read_only
    assert database.best(signature, conditions).latency_us == 5.0
    for write in (
        lambda: database.add(make_record()),
        lambda: database.prune(1),
        lambda: database.merge(ScheduleDatabase(path)),
    ):
        with pytest.raises(DatabaseError, match="is read-only"):
            write()
    assert len(database) == 1


@pytest.mark.parametrize("folder_too", [False, True])
def test_file_without_write_permission(public_path, make_record, signature, conditions, folder_too):
    writer = ScheduleDatabase(public_path)
    writer.add(make_record(5.0))
    writer.close()
    public_path.chmod(0o444)
    public_path.parent.chmod(0o555 if folder_too else 0o777)

    def look_up():
        database = ScheduleDatabase(public_path)
        return database.read_only, database.best(signature, conditions).latency_us

    assert as_nobody(look_up) == "(True, 5.0)"
    refusal = as_nobody(lambda: ScheduleDatabase(public_path).add(make_record()))
    assert refusal.startswith("DatabaseError: ") and "is read-only: make the file" in refusal


def test_folder_without_write_permission(public_path):
    public_path.parent.chmod(0o555)
    refusal = as_nobody(lambda: ScheduleDatabase(public_path))
    assert "cannot write a schedule database into" in refusal
    assert "set COSEARCH_DB" in refusal


def test_file_without_read_permission(public_path, make_record):
    ScheduleDatabase(public_path).add(make_record())
    public_path.chmod(0o000)
    assert "cannot read" in as_nobody(lambda: ScheduleDatabase(public_path))


def test_locked_for_long(path, make_record, signature, conditions):
    database = ScheduleDatabase(path, timeout_s=0.2)
    database.add(make_record(5.0))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseError, match=r"stayed locked by another process for 0\.2 s"):
        database.add(make_record(4.0))
    assert database.best(signature, conditions).latency_us == 5.0  # readers do not wait
    other.execute("ROLLBACK")
    database.add(make_record(4.0))
    assert len(database) == 2


def test_a_short_lock_is_waited_for(path, make_record):
    database = ScheduleDatabase(path)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: other.execute("ROLLBACK"))
    release.start()
    database.add(make_record())
    release.join()
    assert len(database) == 1


def test_full_disk_loses_nothing(path, make_record):
    """A limit on the size of files stands in for the disk; SQLite takes it for a write error."""
    database = ScheduleDatabase(path)
    database.add_many(make_record(float(i + 1)) for i in range(100))
    before = len(database)

    def fill():
        full = ScheduleDatabase(path)
        limit = max(file.stat().st_size for file in path.parent.iterdir()) + 100_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        added = 0
        try:
            while True:
                full.add(make_record(1.0))
                added += 1
        except DatabaseError as error:
            return f"{added} {error}"

    added, _, message = in_child(fill).partition(" ")
    assert "Records committed before are safe; free some space" in message
    assert int(added) > 0
    assert len(ScheduleDatabase(path)) == before + int(added)
    assert len(database) == before + int(added)
    database.add(make_record())
