"""The report room: what a build reused, and how fast networks run side by side."""

from cosearch.report.reuse import Kernel, ReuseReport, last_reuse
from cosearch.report.reuse_table import render_reuse, reuse_table
from cosearch.report.side_by_side import Timing, run_side_by_side
from cosearch.report.tuning_bar import TuningBar

__all__ = [
    "Kernel",
    "ReuseReport",
    "Timing",
    "TuningBar",
    "last_reuse",
    "render_reuse",
    "reuse_table",
    "run_side_by_side",
]
