"""A search that was stopped goes on as if nothing had been, and no other search's file is used."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

import cosearch
from cosearch.nas import ALGORITHMS, JournalError, Objective
from cosearch.nas.journal import Journal
from cosearch.spaces import NASBench201Space

SPACE = NASBench201Space()


class Meter:
    """An objective that counts, and breaks off where it is told to."""

    def __init__(self, stop_after=10**9, error=KeyboardInterrupt, factor=1):
        self.evaluated, self.stop_after, self.error, self.factor = 0, stop_after, error, factor

    def __call__(self, rows):
        if self.evaluated + len(rows) > self.stop_after:
            raise self.error
        self.evaluated += len(rows)
        return SPACE.multiply_adds(rows) * self.factor


def run(checkpoint, meter=None, *, algorithm="nsga2", budget=150, **options):
    objective = Objective("work", meter or Meter())
    return cosearch.search(
        SPACE,
        [objective, "accuracy"],
        {"parameters": 1e6},
        algorithm,
        budget,
        checkpoint=checkpoint,
        **options,
    )


def equal(one, other):
    np.testing.assert_array_equal(one.evaluated.rows, other.evaluated.rows)
    np.testing.assert_array_equal(one.evaluated.values, other.evaluated.values)
    assert list(one.front) == list(other.front)
    assert [step[:3] for step in one.history] == [step[:3] for step in other.history]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_after_ctrl_c_it_goes_on_as_if_nothing_had_been(algorithm, tmp_path):
    whole = run(None, algorithm=algorithm)
    path = tmp_path / "run.jsonl"
    part = run(path, Meter(stop_after=90), algorithm=algorithm)
    assert part.interrupted
    done = len(part.evaluated.rows)
    assert 60 < done <= 90
    assert part.history[-1].evaluations == done
    meter = Meter()
    resumed = run(path, meter, algorithm=algorithm, resume=True)
    assert not resumed.interrupted
    assert meter.evaluated == 150 - done + 2  # two of the known are looked at again
    equal(resumed, whole)
    again = Meter()
    equal(run(path, again, algorithm=algorithm, resume=True), whole)
    assert again.evaluated == 2


def test_a_line_that_a_kill_cut_off_is_dropped(tmp_path):
    path = tmp_path / "run.jsonl"
    whole = run(path)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 151
    path.write_bytes(b"".join(lines[:71]) + lines[71][:20])
    meter = Meter()
    equal(run(path, meter, resume=True), whole)
    assert meter.evaluated == 150 - 70 + 2
    assert path.read_bytes().splitlines()[:71] == [line.rstrip() for line in lines[:71]]
    assert len(path.read_bytes().splitlines()) == 151


def test_the_budget_may_be_raised(tmp_path):
    path = tmp_path / "run.jsonl"
    run(path, budget=70)
    equal(run(path, budget=150, resume=True), run(None, budget=150))


def test_time_before_the_interruption_counts(tmp_path):
    path = tmp_path / "run.jsonl"
    run(path, budget=60)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines[1:]:
        line["elapsed_s"] = 1000.0
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    history = run(path, budget=100, resume=True).history
    assert [step.elapsed_s for step in history if step.evaluations <= 60] == [1000.0] * 3
    assert 1000 < history[-1].elapsed_s < 1100


def test_resume_without_a_file_begins(tmp_path):
    path = tmp_path / "run.jsonl"
    equal(run(path, budget=50, resume=True), run(None, budget=50))
    assert path.exists()


def test_a_file_is_not_written_over(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_text("precious\n")
    with pytest.raises(FileExistsError, match="exists: go on with it by resume"):
        run(path)
    assert path.read_text() == "precious\n"


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"seed": 1}, "seed"),
        ({"algorithm": "random"}, "algorithm"),
        ({"meter": Meter(factor=2)}, "work of .* so what it comes from has changed"),
    ],
)
def test_another_search_is_refused(options, part, tmp_path):
    path = tmp_path / "run.jsonl"
    run(path, budget=40)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=part):
        run(path, **options, resume=True)
    assert path.read_bytes() == before


def test_another_space_and_other_goals_are_refused(tmp_path):
    path = tmp_path / "run.jsonl"
    run(path, budget=40)
    with pytest.raises(JournalError, match='its space is "nasbench201", not "resnet"'):
        cosearch.search("resnet", ["parameters"], checkpoint=path, resume=True)
    with pytest.raises(JournalError, match="its goals is"):
        cosearch.search(SPACE, ["parameters"], checkpoint=path, resume=True)


@pytest.mark.parametrize(
    ("line", "content", "message"),
    [
        (0, "{}", "is no checkpoint of a search"),
        (0, '{"format": "cosearch-search-journal", "version": 99}', "another release"),
        (1, "[1, 2]", "line 2, is damaged"),
        (5, "\x00\x00", "line 6, is damaged"),
        (5, '{"row": [1], "values": [1, 2, 3], "elapsed_s": 0}', "line 6, is damaged"),
        (5, '{"values": [1, 2, 3], "elapsed_s": 0}', "line 6, is damaged"),
    ],
)
def test_damage_is_named(line, content, message, tmp_path):
    path = tmp_path / "run.jsonl"
    run(path, budget=40)
    lines = path.read_text().splitlines()
    lines[line] = content
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(JournalError, match=message):
        run(path, resume=True)


def test_an_empty_file_is_no_checkpoint(tmp_path):
    path = tmp_path / "run.jsonl"
    path.touch()
    with pytest.raises(JournalError, match="is no checkpoint"):
        run(path, resume=True)


def test_other_versions_are_warned_of(tmp_path):
    path = tmp_path / "run.jsonl"
    whole = run(path, budget=60)
    lines = path.read_text().splitlines()
    header = json.loads(lines[0])
    header["versions"]["pymoo"] = "0.1"
    path.write_text("\n".join([json.dumps(header), *lines[1:]]) + "\n")
    with pytest.warns(UserWarning, match=r"pymoo was 0\.1 and is"):
        equal(run(path, budget=60, resume=True), whole)


def test_a_place_that_cannot_be_written_is_found_before_the_work(tmp_path):
    meter = Meter()
    with pytest.raises(OSError, match=r"cannot write the checkpoint .*No such file"):
        run(tmp_path / "nowhere" / "run.jsonl", meter)
    assert meter.evaluated == 0


def full(_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_found_before_the_work(tmp_path, monkeypatch):
    meter, path = Meter(), tmp_path / "run.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match=r"cannot write the checkpoint .*No space left"):
            run(path, meter)
    assert meter.evaluated == 0
    assert not path.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_disk_that_fills_up_is_named():
    path = Path("/dev/full")
    with path.open("wb", buffering=0) as file:
        journal = Journal(path, file, {}, 0.0)
        with pytest.raises(OSError, match=r"cannot write the checkpoint /dev/full: No space left"):
            journal.append(np.zeros((1, 6), np.int64), np.zeros((1, 2)))


def test_a_folder_is_no_checkpoint(tmp_path):
    with pytest.raises(OSError, match="it is no file"):
        run(tmp_path, resume=True)


def test_an_error_of_an_objective_is_passed_on(tmp_path):
    path = tmp_path / "run.jsonl"
    with pytest.raises(ZeroDivisionError):
        run(path, Meter(stop_after=50, error=ZeroDivisionError))
    assert len(path.read_text().splitlines()) == 41
    equal(run(path, resume=True), run(None))


def test_ctrl_c_before_anything_was_found(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run.jsonl", Meter(stop_after=3))
