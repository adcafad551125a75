"""The report room: what a build reused, and how fast networks run side by side."""

from cosearch.report.appraise import appraise
from cosearch.report.compare_reuse import Change, Comparison, compare_reuse
from cosearch.report.comparison_table import render_comparison
from cosearch.report.read_reuse import read_reuse
from cosearch.report.reuse import Kernel, ReuseReport, last_reuse
from cosearch.report.reuse_page import render_page, reuse_data
from cosearch.report.reuse_table import render_reuse, reuse_table
from cosearch.report.side_by_side import Timing, run_side_by_side
from cosearch.report.tuning_bar import TuningBar
from cosearch.report.worth_table import render_worth
from cosearch.schedules.apply import Rejection

__all__ = [
    "Change",
    "Comparison",
    "Kernel",
    "Rejection",
    "ReuseReport",
    "Timing",
    "TuningBar",
    "appraise",
    "compare_reuse",
    "last_reuse",
    "read_reuse",
    "render_comparison",
    "render_page",
    "render_reuse",
    "render_worth",
    "reuse_data",
    "reuse_table",
    "run_side_by_side",
]
