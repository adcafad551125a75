"""The example of a user's own space."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from own_space import PlainSpace

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_space.py"


def test_it_keeps_the_contract():
    space = PlainSpace()
    rows = np.array(list(itertools.product(*map(range, space.choices))))
    assert len({space.format(row) for row in rows}) == len(rows) == 36
    for row in rows[::5]:
        np.testing.assert_array_equal(space.parse(space.format(row)), row)
        assert [block.first for block in space.blocks(row)] == [True, False, False, False]
        network = space.network(row)
        assert network(torch.zeros(space.input_shape)).shape == (1, 10)
        counted = sum(parameter.numel() for parameter in network.parameters())
        assert counted == space.parameters([row])[0]
    with pytest.raises(ValueError, match="'17k3-16k3' is none; write one such as 16k3-16k3"):
        space.parse("17k3-16k3")
    np.testing.assert_array_equal(np.unique(space.slots(rows)), range(len(space.catalogue)))
    assert len({block.name for block in space.catalogue}) == len(space.catalogue)


def test_it_prints_networks_and_their_blocks():
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 3 * (1 + 4)
    assert [line[:2] == "  " for line in lines[:5]] == [False, True, True, True, True]
    assert "multiply-adds" in lines[0]
    assert "32x32" in lines[1]
