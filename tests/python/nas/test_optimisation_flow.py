import numpy as np
import pytest

from cosearch import ScheduleDatabase
from cosearch.nas import optimisation_flow as module
from cosearch.nas.optimisation_flow import chart_flow, examine
from cosearch.report.optimisation_charts import OptimisedNetwork
from cosearch.report.pareto_chart import BarChart, ParetoChart
from tiny_space import TinySpace

SPACE = TinySpace()


class LargeIsGood:
    name, unit, cost_s = "made up", "", 0.0

    def score(self, architectures):
        return np.asarray(architectures).sum(1) + 0.0


def networks(before, after):
    return [
        OptimisedNetwork(f"n{i}", 90.0, b, a)
        for i, (b, a) in enumerate(zip(before, after, strict=True))
    ]


def test_the_hypothesis_is_counted():
    kept = examine(networks([1, 2, 3, 4], [1, 2, 3, 4]))
    assert (kept.differs, kept.share, kept.kendall_tau) == (False, 0.0, pytest.approx(1.0))
    turned = examine(networks([1, 2, 3, 4], [4, 3, 2, 1]))
    assert (turned.differs, turned.share, turned.kendall_tau) == (True, 1.0, pytest.approx(-1.0))
    # The two fastest change places: it shows in the halves that have both, one in six.
    partly = examine(networks([1, 2, 3, 4], [2, 1, 3, 4]))
    assert partly.differs
    assert partly.share == pytest.approx(1 / 6, abs=0.04)
    with pytest.raises(ValueError, match="3 networks or more"):
        examine(networks([1, 2], [1, 2]))


@pytest.fixture
def database(tmp_path):
    return ScheduleDatabase(tmp_path / "schedules.sqlite")


def test_the_best_are_built_both_ways(database, tmp_path, monkeypatch):
    told = []

    def run(**more):
        return chart_flow(
            SPACE,
            LargeIsGood(),
            count=3,
            candidates=10,
            database=database,
            target="llvm -mcpu=native -num-cores=1",
            budget_s=0.3,
            checkpoint=tmp_path / "flow.jsonl",
            progress=lambda stage, done, total: told.append((stage, done, total)),
            **more,
        )

    found = run()
    assert [network.accuracy for network in found.networks] == sorted(found.scores, reverse=True)
    assert all(network.before_us > 0 and network.after_us > 0 for network in found.networks)
    # TVM's own loops take many times what scheduled kernels do.
    assert found.mean_speed_up > 1.5
    assert ("generating", 10, 10) in told
    assert ("optimising", 3, 3) in told
    first, best, bars = found.charts()
    assert isinstance(first, ParetoChart)
    assert isinstance(best, ParetoChart)
    assert isinstance(bars, BarChart)
    assert bars.values == tuple(network.speed_up for network in found.networks)

    def refuse(*_, **__):
        raise AssertionError("a network was measured again")

    monkeypatch.setattr(module, "measure_library", refuse)
    assert run(resume=True).networks == found.networks


def test_too_few_networks_are_refused(database):
    with pytest.raises(ValueError, match="at most candidates"):
        chart_flow(SPACE, LargeIsGood(), count=5, candidates=4, database=database)
