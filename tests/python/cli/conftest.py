"""A database file for the commands."""

import pytest

from cosearch import ScheduleDatabase


@pytest.fixture
def db(tmp_path, sampled_records) -> str:
    path = tmp_path / "schedules.sqlite"
    ScheduleDatabase(path).add_many(sampled_records)
    return str(path)
