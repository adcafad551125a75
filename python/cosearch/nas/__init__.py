"""The search room: architectures that are good in all that is asked for, with their schedules.

It is named ``nas``, for neural architecture search, because ``cosearch.search`` is the call.

A `Problem` is a space with objectives and constraints. An algorithm proposes architectures and is
told their figures; it does nothing else. The loop around it evaluates, remembers, writes down and
reports. What comes out is a `Result`.
"""

from cosearch.nas.algorithm import ALGORITHMS, Algorithm
from cosearch.nas.codesign import CoDesign, chanas
from cosearch.nas.goals import Column, Goals
from cosearch.nas.history import SearchProgress
from cosearch.nas.indicators import (
    generational_distance,
    hypervolume,
    igd_share,
    inverted_generational_distance,
    non_dominated,
)
from cosearch.nas.journal import JournalError
from cosearch.nas.nsga2 import NSGA2
from cosearch.nas.objective import Objective
from cosearch.nas.optimisation_flow import ChartFlow, chart_flow
from cosearch.nas.problem import Problem
from cosearch.nas.random_search import RandomSearch
from cosearch.nas.regularized_evolution import RegularizedEvolution
from cosearch.nas.result import Measured, Result
from cosearch.nas.run import search
from cosearch.nas.search_bar import SearchBar

__all__ = [
    "ALGORITHMS",
    "NSGA2",
    "Algorithm",
    "ChartFlow",
    "CoDesign",
    "Column",
    "Goals",
    "JournalError",
    "Measured",
    "Objective",
    "Problem",
    "RandomSearch",
    "RegularizedEvolution",
    "Result",
    "SearchBar",
    "SearchProgress",
    "chanas",
    "chart_flow",
    "generational_distance",
    "hypervolume",
    "igd_share",
    "inverted_generational_distance",
    "non_dominated",
    "search",
]
