"""What is told of blocks from their twins is what lowering them would say."""

import numpy as np
import pytest

from cosearch import ScheduleDatabase
from cosearch.latency import block_book
from cosearch.latency.block_book import BlockBook
from cosearch.latency.composition import Composition
from cosearch.latency.outlook import Foreseer, Outlook
from cosearch.latency.translation import Translation
from cosearch.schedules import Conditions, resolve_target
from cosearch.spaces import NASBench201Space

SPACE = NASBench201Space()


@pytest.fixture(scope="module")
def foreseer(tmp_path_factory):
    database = ScheduleDatabase(tmp_path_factory.mktemp("book") / "schedules.sqlite")
    return Foreseer(database, Conditions.of(target()))


def target():
    return resolve_target("llvm -mcpu=native -num-cores=1")


def test_later_stages_are_told_from_the_first(foreseer, monkeypatch):
    imported = []
    real = block_book.import_block
    monkeypatch.setattr(
        block_book, "import_block", lambda block: imported.append(block.name) or real(block)
    )
    book, told = BlockBook(target(), foreseer), 0
    for row in SPACE.canonical(SPACE.sample(12, np.random.default_rng(2))):
        for block in [block for block in SPACE.blocks(row) if block.kind][::5]:
            found = book.kernels(SPACE, block)
            if imported[-1] == block.name:
                continue
            told += 1
            alone = BlockBook(target(), foreseer).kernels(SPACE, block)
            assert sorted(zip(found.workloads, found.calls, strict=True)) == sorted(
                zip(alone.workloads, alone.calls, strict=True)
            )
    assert told > 3


def kernels(*names, calls=None):
    outlook = Outlook(1.0, "rules", "kind", (0.0,))
    counts = np.array(calls or [1.0] * len(names))
    return Composition(names, counts, (outlook,) * len(names))


def test_a_translation_merges_what_becomes_one():
    translation = Translation()
    translation.learn(kernels("a", "b"), kernels("x", "y"))
    translation.learn(kernels("c"), kernels("y"))
    found = translation.apply(kernels("b", "c", calls=[2.0, 3.0]))
    assert found.workloads == ("y",)
    assert found.calls.tolist() == [5.0]
    assert translation.apply(kernels("a", "d")) is None


@pytest.mark.parametrize("other", [kernels("z"), kernels("x", calls=[2.0])])
def test_pairs_that_disagree_end_it(other):
    translation = Translation()
    translation.learn(kernels("a"), kernels("x"))
    assert translation.apply(kernels("a")) is not None
    translation.learn(kernels("a"), other)
    assert translation.apply(kernels("a")) is None
    translation.learn(kernels("a"), kernels("x"))
    assert translation.apply(kernels("a")) is None
