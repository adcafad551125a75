"""The verifier passes what is right, and names what is wrong, crashes, hangs or overruns."""

import pytest
import tvm
from tvm.script import tirx as T

from cosearch.schedules.verify_kernel import KernelVerifier


def kernel(value: str, loop: str = "64"):
    """``y[i] = value`` for a vector of 64, as TVMScript."""
    source = f"""
@T.prim_func(s_tir=True)
def main(x: T.Buffer((64,), "float32"), y: T.Buffer((64,), "float32")):
    for i in range({loop}):
        with T.sblock("y"):
            v = T.axis.spatial({loop}, i)
            y[v] = {value}
"""
    return tvm.script.from_source(source, {"T": T}, check_well_formed=False)


RIGHT = kernel("x[v] * T.float32(2)")


@pytest.fixture(scope="module")
def verifier(target):
    with KernelVerifier(target) as verifier:
        yield verifier


def test_the_same_kernel_passes(verifier):
    assert verifier(RIGHT, kernel("x[v] + x[v]")) == ""


def test_another_result_is_found(verifier):
    assert "something else" in verifier(RIGHT, kernel("x[v] * T.float32(2.01)"))


def test_a_result_that_is_no_number_is_found(verifier):
    assert "something else" in verifier(RIGHT, kernel("T.sqrt(x[v])"))


def test_negative_inputs_are_tried(verifier):
    relu = kernel("T.max(x[v], T.float32(0))")
    assert "something else" in verifier(relu, kernel("x[v]"))


def test_writing_outside_is_found(verifier):
    assert "outside" in verifier(RIGHT, kernel("T.float32(1)", loop="80"))


def test_it_goes_on_after_a_crash(verifier):
    assert "cannot be checked" in verifier(RIGHT, kernel("x[v * 100000000]"))
    assert verifier(RIGHT, RIGHT) == ""
