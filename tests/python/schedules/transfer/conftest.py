"""Lets the tests of this folder import the layers of the rules' tests."""

import sys
from pathlib import Path

import pytest

from cosearch.schedules import Conditions
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.verify_kernel import KernelVerifier

sys.path.insert(0, str(Path(__file__).parents[1] / "rules"))


@pytest.fixture(scope="session")
def conditions(target):
    return Conditions.of(target)


@pytest.fixture(scope="session")
def machine(conditions):
    return Machine.of(conditions)


@pytest.fixture(scope="session")
def verifier(target):
    with KernelVerifier(target) as verifier:
        yield verifier
