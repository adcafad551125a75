"""Whatever is stored comes back as it was, through tables and through files."""

import json
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from cosearch.schedules.conditions import Conditions
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.record import Provenance
from cosearch.schedules.store import codec, traces
from cosearch.schedules.store.errors import DamagedDataError

few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# PostgreSQL stores no NUL, and neither has surrogates.
texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
names = st.text("abcdefghijklmnop_0123456789", min_size=1, max_size=12)
values = st.recursive(
    st.one_of(st.integers(-(2**53), 2**53), texts, st.booleans(), st.floats(0, 1)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
instructions = st.tuples(
    names, st.lists(values, max_size=3), st.lists(values, max_size=3), st.lists(names, max_size=3)
).map(list)
choices = st.one_of(st.integers(-2, 1000), st.lists(st.integers(1, 1024), max_size=4))


@st.composite
def real_looking_traces(draw):
    found = draw(st.lists(instructions, max_size=6))
    indices = st.integers(0, max(0, len(found) - 1))
    decisions = draw(st.lists(st.tuples(indices, choices).map(list), max_size=4)) if found else []
    return [found, decisions]


conditions = st.builds(
    Conditions,
    target=st.dictionaries(names, texts, max_size=4).map(lambda d: json.dumps(d, sort_keys=True)),
    features=texts,
    threads=st.integers(1, 512),
    tvm_version=texts,
)
provenances = st.builds(
    Provenance,
    network=texts,
    block=texts,
    trials=st.integers(0, 2**31 - 1),
    search=texts,
    created=texts.filter(bool),
)
latencies = st.lists(st.floats(1e-6, 1e12, allow_subnormal=False), min_size=1, max_size=8).map(
    tuple
)


@few
@given(
    trace=real_looking_traces(),
    found=conditions,
    provenance=provenances,
    times=latencies,
    failure=texts,
)
def test_record_round_trip(
    make_record, signature, tmp_path, trace, found, provenance, times, failure
):
    record = make_record(
        found=found,
        trace=trace,
        provenance=provenance,
        latencies_us=() if failure else times,
        failure=failure,
    )
    database = ScheduleDatabase.in_memory()
    row = database.add(record)
    (stored,) = database.records(include_failed=True)
    assert stored == replace(record, id=row)
    assert database.best(signature, found) == (None if failure else stored)
    database.export(tmp_path / "out.gz")
    copy = ScheduleDatabase.in_memory()
    report = copy.import_(tmp_path / "out.gz", replay=False)
    assert (report.added, report.problems) == (1, [])
    assert list(copy.records(include_failed=True)) == [stored]


@few
@given(st.lists(latencies, min_size=1, max_size=12))
def test_top_is_what_sorting_gives(make_record, signature, conditions, all_times):
    database = ScheduleDatabase.in_memory()
    records = [make_record(latencies_us=times) for times in all_times]
    database.add_many(records)
    expected = sorted(record.latency_us for record in records)
    found = [record.latency_us for record in database.top(signature, conditions, len(records))]
    assert found == expected


@few
@given(st.binary(max_size=200))
def test_noise_is_damage_and_nothing_worse(noise):
    for data in (noise, codec.zlib.compress(noise)):
        try:
            trace = traces.read_trace(data)
        except DamagedDataError:
            continue
        assert traces.check_trace(trace) is trace


@few
@given(data=st.data())
def test_altered_bytes_of_a_trace_are_noticed(trace, data):
    packed = bytearray(codec.pack(traces.trace_text(trace)))
    position = data.draw(st.integers(0, len(packed) - 1))
    packed[position] ^= data.draw(st.integers(1, 255))
    try:
        assert traces.read_trace(bytes(packed)) == trace  # a byte that zlib does not use
    except DamagedDataError:
        pass


@few
@given(value=st.recursive(st.none() | st.integers() | texts, lambda i: st.lists(i, max_size=4)))
def test_what_has_not_the_form_of_a_trace_is_refused(value):
    try:
        traces.check_trace(value)
    except DamagedDataError:
        return
    assert isinstance(value, list)
    assert len(value) == 2


def test_packed_text_of_any_size():
    for size in (0, 1, 10_000):
        assert codec.unpack(codec.pack("é" * size), 20_000) == "é" * size
    with pytest.raises(DamagedDataError):
        codec.unpack(b"", 10)
