"""Databases that cannot be opened or written: each gives one clear error, and nothing is lost."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.store.errors import DatabaseError
from cosearch.schedules.store.location import default_path


def test_environment_names_the_database(tmp_path, monkeypatch, make_record):
    monkeypatch.setenv("COSEARCH_DB", str(tmp_path / "here.sqlite"))
    ScheduleDatabase().add(make_record())
    assert len(ScheduleDatabase(tmp_path / "here.sqlite")) == 1
    assert ScheduleDatabase().url == str(tmp_path / "here.sqlite")


def test_default_is_in_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("COSEARCH_DB", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform.startswith("linux"):
        assert default_path() == tmp_path / "cosearch" / "schedules.sqlite"
    assert Path(ScheduleDatabase().url) == default_path()


def test_missing_folders_are_made(tmp_path, make_record):
    path = tmp_path / "a" / "b" / "schedules.sqlite"
    ScheduleDatabase(path).add(make_record())
    assert path.exists()


def test_sqlite_url(path, make_record):
    ScheduleDatabase(f"sqlite:///{path}").add(make_record())
    assert len(ScheduleDatabase(str(path))) == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://host/db", "no such database as 'mysql://host/db': use a file"),
        ("https://example.com/x", "use a file, sqlite:///file or postgresql"),
        ("postgresql://user:pw@host:port/db", "cannot read the database URL"),
        ("://", "use a file"),
        ("", "name of the database is empty"),
    ],
)
def test_url_of_nothing_known(url, message):
    with pytest.raises(DatabaseError, match=message):
        ScheduleDatabase(url)


def test_postgres_without_its_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DatabaseError, match=r"pip install 'tvm-cosearch\[postgres\]'"):
        ScheduleDatabase("postgresql://user:secret@localhost/schedules")


def test_password_is_not_shown():
    with pytest.raises(DatabaseError) as caught:
        ScheduleDatabase("mysql://me:secret@host/db")
    assert "secret" not in str(caught.value)


def test_text_file_is_left_alone(path):
    path.write_text("my notes\n" * 40)
    with pytest.raises(DatabaseError, match="is not a schedule database but some other file"):
        ScheduleDatabase(path)
    assert path.read_text() == "my notes\n" * 40


def test_folder_instead_of_a_file(tmp_path):
    with pytest.raises(DatabaseError, match="is a folder: name a file in it"):
        ScheduleDatabase(tmp_path)


def test_folder_under_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatabaseError, match="cannot make the folder"):
        ScheduleDatabase(tmp_path / "file" / "schedules.sqlite")


def test_empty_file_becomes_a_database(path, make_record):
    path.touch()  # what a kill right after the creation leaves
    database = ScheduleDatabase(path)
    assert database.add(make_record()) == 1


def test_empty_file_cannot_be_read(path):
    path.touch()
    with pytest.raises(DatabaseError, match="is empty"):
        ScheduleDatabase(path, read_only=True)
    assert path.stat().st_size == 0


def test_missing_file_cannot_be_read(path):
    with pytest.raises(DatabaseError, match="there is no database"):
        ScheduleDatabase(path, read_only=True)
    assert not path.exists()


def test_database_of_another_program_is_left_alone(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(DatabaseError, match="is a database of another program"):
        ScheduleDatabase(path)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("5", "written by a newer cosearch.*pip install --upgrade"),
        ("0", "no release of cosearch wrote"),
        ("one", "no release of cosearch wrote"),
    ],
)
def test_other_formats_are_refused(path, make_record, version, message):
    database = ScheduleDatabase(path)
    database.add(make_record())
    database.close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE meta SET value = ? WHERE key = 'format_version'", [version])
    with pytest.raises(DatabaseError, match=message):
        ScheduleDatabase(path)
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(*) FROM records").fetchone() == (1,)


def _make_old(path, version="1"):
    """Turn a database into one of an older format."""
    with sqlite3.connect(path) as raw:
        raw.execute("ALTER TABLE calibrations DROP COLUMN clock_us")
        raw.execute("UPDATE meta SET value = ? WHERE key = 'format_version'", [version])
        if version == "3":
            return
        raw.execute("DROP TABLE labels")
        raw.execute("DROP TABLE calibrations")
        if version == "2":
            return
        for table, column in (
            ("workloads", "kind"),
            ("workloads", "coordinates"),
            ("records", "design"),
        ):
            raw.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        raw.execute("DROP TABLE rejections")
        raw.execute("DROP TABLE cost_models")


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_database_of_an_older_format_is_brought_up_to_date(path, make_record, version):
    database = ScheduleDatabase(path)
    database.add(make_record(3.0))
    database.close()
    _make_old(path, version)
    database = ScheduleDatabase(path)
    assert [record.latency_us for record in database.records()] == [3.0]
    database.add(make_record(2.0))
    database.close()
    fresh = ScheduleDatabase(path.with_name("fresh.sqlite"))
    fresh.add(make_record())
    fresh.close()
    columns = []
    for file in (path, path.with_name("fresh.sqlite")):
        with sqlite3.connect(file) as raw:
            tables = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            columns.append(
                {
                    name: sorted(row[1:4] for row in raw.execute(f"PRAGMA table_info({name})"))
                    for (name,) in tables
                }
            )
    assert columns[0] == columns[1]


def test_database_of_the_first_format_that_is_read_only_says_what_to_do(path, make_record):
    database = ScheduleDatabase(path)
    database.add(make_record())
    database.close()
    _make_old(path)
    with pytest.raises(DatabaseError, match="make it writable and open it once"):
        ScheduleDatabase(path, read_only=True)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.99])
def test_truncated_file_is_refused(path, make_record, share):
    database = ScheduleDatabase(path)
    database.add_many(make_record(float(i + 1)) for i in range(50))
    database.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DatabaseError, match=r"is cut short: .* put back a copy"):
        ScheduleDatabase(path)
    assert path.read_bytes() == whole[: int(len(whole) * share)]


def test_damaged_pages_give_an_error_with_a_mend(path, make_record, signature, conditions):
    database = ScheduleDatabase(path)
    database.add_many(make_record(float(i + 1)) for i in range(200))
    database.close()
    data = bytearray(path.read_bytes())
    page = int.from_bytes(data[16:18], "big")
    data[4 * page :] = os.urandom(len(data) - 4 * page)
    path.write_bytes(data)
    with pytest.raises(DatabaseError, match=r"is damaged .*\.recover"):
        list(ScheduleDatabase(path).records())


def test_closed_database_says_so(database, make_record):
    database.close()
    database.close()
    with pytest.raises(DatabaseError, match="was closed"):
        database.add(make_record())
    with pytest.raises(DatabaseError, match="was closed"):
        len(database)
