"""The room opens without what only training needs."""

import subprocess
import sys

import pytest

import cosearch.accuracy


def test_estimators_are_imported_without_what_trains_them():
    code = (
        "import sys, cosearch.accuracy as room\n"
        "before = [name for name in sys.modules if name.startswith('cosearch.accuracy.')]\n"
        "trained = {'MBConvSupernet', 'SupernetTraining'}\n"
        "found = [getattr(room, name) for name in room.__all__ if name not in trained]\n"
        "room.NASBench201Accuracy().score([[3] * 6])\n"
        "print(before, len(found), sorted({'torch', 'sklearn'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"[] {len(cosearch.accuracy.__all__) - 2} []\n"


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'Oracle'"):
        cosearch.accuracy.Oracle
