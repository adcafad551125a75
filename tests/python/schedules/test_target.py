"""Targets in every accepted form, and the conditions that they make."""

import pytest
import tvm
from tvm.target import Target, codegen

from cosearch._threads import default_threads
from cosearch.schedules import Conditions, resolve_target
from cosearch.schedules.target import with_threads


def test_native_becomes_this_cpu():
    target = resolve_target("llvm -mcpu=native -num-cores=2")
    assert target.attrs["mcpu"] == codegen.llvm_get_system_cpu()
    assert target.attrs["num-cores"] == 2


@pytest.mark.parametrize("given", [None, "llvm", {"kind": "llvm"}, '{"kind": "llvm"}'])
def test_what_is_missing_is_filled_in(given):
    target = resolve_target(given)
    assert target.attrs["mcpu"] == codegen.llvm_get_system_cpu()
    assert target.attrs["num-cores"] == default_threads()


def test_a_target_in_force_keeps_its_cpu():
    target = with_threads(Target({"kind": "llvm"}))
    assert "mcpu" not in target.attrs
    assert target.attrs["num-cores"] == default_threads()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("llvm -mcpu=pentium99", "pentium99"),
        ("-mcpu=native", "does not start with a kind"),
        ("llvm mcpu=native", "options look like"),
        ("llvm -num-cores=two", "whole number"),
        ("llvm -frobnicate=1", "frobnicate"),
        ("quantum", "quantum"),
        ("{not json", "JSON"),
        (3, "int"),
    ],
)
def test_errors_name_the_fault(given, says):
    with pytest.raises(ValueError, match=says):
        resolve_target(given)


def test_conditions_are_the_same_for_the_same_machine():
    text, mapping = (
        Conditions.of(resolve_target(t))
        for t in (
            "llvm -mcpu=znver3 -num-cores=2",
            {"num-cores": 2, "mcpu": "znver3", "kind": "llvm"},
        )
    )
    assert text == mapping
    assert text.key == mapping.key
    assert text.tvm_version == tvm.__version__


@pytest.mark.parametrize(
    "other",
    [
        "llvm -mcpu=znver3 -num-cores=1",
        "llvm -mcpu=znver4 -num-cores=2",
        "llvm -mcpu=znver3 -num-cores=2 -mattr=-avx2",
    ],
)
def test_conditions_differ_where_schedules_would(other):
    one = Conditions.of(resolve_target("llvm -mcpu=znver3 -num-cores=2"))
    assert Conditions.of(resolve_target(other)).key != one.key


def test_conditions_know_the_features():
    features = Conditions.of(resolve_target("llvm -mcpu=znver4 -num-cores=1")).features.split(",")
    assert "avx512f" in features
    assert features == sorted(features)


def test_conditions_want_the_threads():
    with pytest.raises(ValueError, match="how many threads"):
        Conditions.of(Target({"kind": "llvm", "mcpu": "znver3"}))
